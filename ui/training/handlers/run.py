"""The Run step: the queue, one job's curves, its log, and what may be done with it.

Everything is read from the database, so that two browsers see the same and none need stay open.
Plain functions, no gradio.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from training.adapters import promotion
from training.jobs import control as jobs
from training.jobs import supervisor
from training.jobs.reads import HowFar, how_far
from training.jobs.rows import JobRow
from training.jobs.rows import Series as Measured
from training.proof.cases import pace_s, planned
from training.store.home import Home
from ui.components.words import when
from ui.shell.desk import Desk
from ui.shell.visitors import READABLE, Visitor, names_only, require
from ui.training.figures import CHARTS, Series, curve, summary
from ui.training.handlers.place import Place
from ui.training.handlers.set import label, shown
from ui.training.views import JobView

LOG_LINES, LOG_BYTES = 200, 32_000
MOST_JOBS = 60
TIME_OVER = (
    "Its time limit ended the training before all steps were done.",
    "The learning rate had not come down yet: retry with a longer limit, or with fewer views.",
)
CLOCK_S = 4
ACTIONS: dict[str, tuple[str, ...]] = {
    "queued": ("cancel", "retry"),
    "running": ("cancel",),
    "cancelling": (),
    "cancelled": ("resume", "retry", "delete"),
    "failed": ("resume", "retry", "delete"),
    "done": ("retry", "delete"),
}
"""State of a job -> what may be done with it."""


@dataclass(frozen=True)
class Figures:
    """The curves of a job as they are now: chart -> JSON text or None, and each one in words."""

    plots: dict[str, str | None]
    said: dict[str, str]


def job_views(visitor: Visitor, home: Home) -> list[JobView]:
    """The queue, newest first."""
    require(visitor, READABLE["metrics"], "The list of jobs")
    return [_readable(visitor, view_of(row)) for row in jobs.jobs(home, limit=MOST_JOBS)]


def job_view(visitor: Visitor, home: Home, job_id: str) -> JobView:
    """One job with its time left and what it changed against the job that it retries."""
    require(visitor, READABLE["metrics"], "A job")
    row = jobs.job(home, job_id)
    far = None
    if row.state == "running":
        far = how_far(home, row, planned(home, row.snapshot), pace_s(home))
    changed = tuple(
        (label(c.name), shown(c.name, c.before), shown(c.name, c.after))
        for c in jobs.diff_settings(home, job_id)
    )
    return _readable(visitor, view_of(row, far, changed))


def _readable(visitor: Visitor, job: JobView) -> JobView:
    """As much of it as the visitor may read."""
    if not visitor.reads("names of people"):
        job = replace(job, author="")
    if not visitor.reads("paths of the server"):
        job = replace(job, reason=names_only(job.reason), hint=names_only(job.hint))
    return job


def view_of(
    row: JobRow, far: HowFar | None = None, changed: tuple[tuple[str, str, str], ...] = ()
) -> JobView:
    """A row as the page shows it."""
    reason, hint = row.reason, row.hint
    if row.state == "done" and row.step < row.steps and not reason:
        reason, hint = TIME_OVER
    return JobView(
        id=row.id, title=row.name, state=row.state, stage=row.stage, step=row.step,
        steps=row.steps, author=row.author, created=when(row.created), took_s=_took(row),
        left_s=far.left_s if far else None, fraction=far.fraction if far else 0.0,
        counts=far.said if far else "", reason=reason, hint=hint, runner=row.runner,
        parent=row.parent, changed=changed,
    )  # fmt: skip


def _took(row: JobRow) -> float | None:
    if row.started is None:
        return None
    end = datetime.fromisoformat(row.ended) if row.ended else datetime.now(UTC)
    return max(0.0, (end - datetime.fromisoformat(row.started)).total_seconds())


def trouble(visitor: Visitor, home: Home) -> str:
    """What keeps the queue from going on, or "". Details, which may name paths, are a trainer's."""
    require(visitor, "viewer", "The state of the queue")
    problem = supervisor.trouble(home)
    if not problem:
        return ""
    what = problem if visitor.may("trainer") else "Ask who runs this app"
    return f"The queue stands still and is tried again every second. {what.rstrip('.')}."


def mark(visitor: Visitor, home: Home, place: Place) -> str:
    """Changes whenever the page at that place has something new to show. It begins with the state
    of the selected job, so that a message about the state before can go (`state_in`), and with
    what its proof depends on (`proof_in`)."""
    require(visitor, "viewer", "The state of the jobs")
    rows = jobs.jobs(home, limit=MOST_JOBS)
    parts: list[object] = [place, supervisor.trouble(home)]
    parts += [(r.id, r.state, r.step, r.steps, r.stage, r.reason) for r in rows]
    if any(r.active for r in rows):
        parts.append(int(time.time() / CLOCK_S))  # times on the page go on
    decisions = promotion.history(home, rows[0].task) if rows else []
    parts.append(decisions[0].id if decisions else 0)
    here = [(r.state, r.ended) for r in rows if r.id == place.job]
    state = here[0][0] if here else ""
    return f"{state}:{_short([place, here, parts[-1]])}:{_short(parts)}"


def _short(parts: list[object]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def state_in(mark: str) -> str:
    """The selected job's state when the mark was made; empty when there was none."""
    return mark.partition(":")[0]


def proof_in(mark: str) -> str:
    """Changes whenever the selected job's proof, or what is in use beside it, may be another."""
    return mark.rpartition(":")[0]


def log_text(visitor: Visitor, home: Home, job_id: str) -> tuple[str, bool]:
    """The end of the job's log, and whether there is more before it."""
    require(visitor, READABLE["job logs"], "A job's log")
    text = jobs.log_tail(home, job_id, LOG_LINES, LOG_BYTES)
    return text, text.count("\n") + 1 >= LOG_LINES or len(text) > LOG_BYTES - 2000


def actions(job: JobView) -> tuple[str, ...]:
    return ACTIONS.get(job.state, ())


def cancel(visitor: Visitor, desk: Desk, job_id: str) -> str:
    require(visitor, "trainer", "Cancelling a job")
    state = jobs.cancel(desk.home, job_id)
    if state == "cancelled":
        return "Taken out of the queue."
    return "Asked to stop. It saves a checkpoint first; Resume goes on from there."


def resume(visitor: Visitor, desk: Desk, job_id: str) -> str:
    require(visitor, "trainer", "Resuming a job")
    jobs.resume(desk.home, job_id)
    return "Queued again. It goes on from its last checkpoint."


def delete(visitor: Visitor, desk: Desk, job_id: str) -> str:
    require(visitor, "trainer", "Deleting a job")
    name = jobs.job(desk.home, job_id).name
    jobs.delete(desk.home, job_id)
    return f"Deleted the job of {name}: its curves, log and checkpoints. An adapter it made stays."


# ---- curves --------------------------------------------------------------------------------------


class Curves:
    """The curves of the last few jobs: only what is new is read, and each is drawn once however
    many browsers look. A run that went back to a checkpoint is read again from its start."""

    def __init__(self, keep: int = 8) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._read: OrderedDict[tuple[str, str], _Read] = OrderedDict()

    def get(self, home: Home, row: JobRow) -> Figures:
        with self._lock:
            key = (str(home.root), row.id)
            read = self._read.get(key)
            if read is None or read.step > row.step or read.started != row.started:
                read = self._read[key] = _Read({}, -1, row.started)
            self._read.move_to_end(key)
            while len(self._read) > self._keep:
                self._read.popitem(last=False)
            changed = read.add(jobs.metrics(home, row.id, since=read.step))
            if changed or read.figures is None:
                read.figures = _draw(read.series, row.id)
            return read.figures


@dataclass
class _Read:
    series: dict[str, list[tuple[int, float]]]
    step: int
    started: str | None
    figures: Figures | None = None

    def add(self, fresh: Mapping[str, Measured]) -> bool:
        """Whether anything is new. The newest step is read once more each time: its last figures
        may still be on their way."""
        changed = False
        for name, found in fresh.items():
            points = list(zip(found.steps, found.values, strict=True))
            have = self.series.get(name, [])
            kept = [p for p in have if p[0] < found.steps[0]]
            changed |= have[len(kept) :] != points
            self.series[name] = [*kept, *points]
        newest = max((found.steps[-1] for found in fresh.values()), default=self.step + 1)
        self.step = max(self.step, newest - 1)
        return changed


def _draw(series: Mapping[str, Series], job_id: str) -> Figures:
    return Figures(
        {key: curve(chart, series, job_id) for key, chart in CHARTS.items()},
        {key: summary(chart, series) for key, chart in CHARTS.items()},
    )
