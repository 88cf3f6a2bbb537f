"""The Run step: the queue, one job's curves, its log, and what may be done with it.

Everything is read from the database, so that two browsers see the same and none need stay open.
Plain functions, no gradio.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from training.adapters import promotion
from training.jobs import control as jobs
from training.jobs import supervisor
from training.jobs.reads import HowFar, how_far
from training.jobs.rows import JobRow
from training.jobs.rows import Series as Measured
from training.proof.cases import pace_s, planned
from training.store.home import Home
from ui.shell.desk import Desk
from ui.shell.visitors import READABLE, Visitor, names_only, require
from ui.training.figures import CHARTS, Drawn, Lines, curve, summary
from ui.training.handlers.configure import Change, differences
from ui.training.handlers.place import Place

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


def queue(visitor: Visitor, home: Home) -> list[JobRow]:
    """The jobs, newest first."""
    require(visitor, READABLE["metrics"], "The list of jobs")
    return [_readable(visitor, row) for row in jobs.jobs(home, limit=MOST_JOBS)]


def one_job(visitor: Visitor, home: Home, job_id: str) -> tuple[JobRow, HowFar | None]:
    """A job, and how far it is while it runs."""
    require(visitor, READABLE["metrics"], "A job")
    row = jobs.job(home, job_id)
    running = row.state == "running"
    far = how_far(home, row, planned(home, row.snapshot), pace_s(home)) if running else None
    return _readable(visitor, row), far


def _readable(visitor: Visitor, row: JobRow) -> JobRow:
    """As much of it as the visitor may read. A training that its time limit ended says so."""
    if row.state == "done" and row.step < row.steps and not row.reason:
        row = replace(row, reason=TIME_OVER[0], hint=TIME_OVER[1])
    if not visitor.reads("names of people"):
        row = replace(row, author="")
    if not visitor.reads("paths of the server"):
        row = replace(row, reason=names_only(row.reason), hint=names_only(row.hint))
    return row


def retried(home: Home, row: JobRow) -> list[Change]:
    """What a job changed against the one that it tries again."""
    if row.parent is None:
        return []
    return list(differences(jobs.job(home, row.parent).settings, row.settings).values())


def trouble(visitor: Visitor, home: Home) -> str:
    """What keeps the queue from going on, or "". Details, which may name paths, are a trainer's."""
    require(visitor, "viewer", "The state of the queue")
    problem = supervisor.trouble(home)
    if not problem:
        return ""
    what = problem if visitor.may("trainer") else "Ask who runs this app"
    return f"The queue stands still and is tried again every second. {what.rstrip('.')}."


class Mark(NamedTuple):
    """Another one whenever the page has something new to show. state: of the selected job; a
    message about the state before can go. proof: what its proof depends on."""

    state: str
    proof: object
    rest: object


def mark(visitor: Visitor, home: Home, place: Place) -> Mark:
    require(visitor, "viewer", "The state of the jobs")
    rows = jobs.jobs(home, limit=MOST_JOBS)
    here = next(((r.state, r.ended) for r in rows if r.id == place.job), ("", None))
    decisions = promotion.history(home, rows[0].task) if rows else []
    rest = [(r.id, r.state, r.step, r.steps, r.stage, r.reason) for r in rows]
    # Times on the page go on while something runs.
    clock = int(time.time() / CLOCK_S) if any(r.active for r in rows) else 0
    proof = place, here, decisions[0].id if decisions else 0
    return Mark(here[0], proof, (rest, supervisor.trouble(home), clock))


def log_text(visitor: Visitor, home: Home, job_id: str) -> tuple[str, bool]:
    """The end of the job's log, and whether there is more before it."""
    require(visitor, READABLE["job logs"], "A job's log")
    text = jobs.log_tail(home, job_id, LOG_LINES, LOG_BYTES)
    return text, text.count("\n") + 1 >= LOG_LINES or len(text) > LOG_BYTES - 2000


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


def prove_again(visitor: Visitor, desk: Desk, job_id: str) -> str:
    require(visitor, "trainer", "Proving an adapter again")
    jobs.prove_again(desk.home, job_id)
    return "Queued: the proof is made again, against the adapter that is in use now."


# ---- curves --------------------------------------------------------------------------------------


class Curves:
    """The curves of the last few jobs: only what is new is read, and each is drawn once however
    many browsers look. A run that went back to a checkpoint is read again from its start."""

    def __init__(self, last: int = 8) -> None:
        self._last = last
        self._lock = threading.Lock()
        self._read: OrderedDict[tuple[str, str], _Read] = OrderedDict()

    def get(
        self, home: Home, row: JobRow, other: JobRow | None = None, smooth: float = 0.0,
        log: bool = False,
    ) -> dict[str, Drawn]:  # fmt: skip
        """Chart -> figure and words. other: a second job, laid over the first."""
        with self._lock:
            read = self._fresh(home, row)
            under = self._fresh(home, other) if other is not None else None
            key = (other and other.id, under and under.version, smooth, log)
            if key not in read.drawn:
                second = under.lines if under is not None else {}
                name = other.name if other is not None else ""
                read.drawn = {
                    key: {
                        chart: Drawn(
                            curve(spec, read.lines, row.id, second, name, smooth, log),
                            summary(spec, read.lines),
                        )
                        for chart, spec in CHARTS.items()
                    }
                }
            return read.drawn[key]

    def _fresh(self, home: Home, row: JobRow) -> _Read:
        key = (str(home.root), row.id)
        read = self._read.get(key)
        if read is None or read.step > row.step or read.started != row.started:
            read = self._read[key] = _Read(row.started)
        self._read.move_to_end(key)
        while len(self._read) > self._last:
            self._read.popitem(last=False)
        if read.add(jobs.metrics(home, row.id, since=read.step)):
            read.version += 1
            read.drawn = {}
        return read


@dataclass
class _Read:
    started: str | None
    lines: Lines = field(default_factory=dict)
    step: int = -1
    version: int = 0
    drawn: dict[object, dict[str, Drawn]] = field(default_factory=dict)

    def add(self, fresh: Mapping[str, Measured]) -> bool:
        """Whether anything is new. The newest step is read once more each time: its last metrics
        may still be on their way."""
        changed = False
        for name, found in fresh.items():
            points = list(zip(found.steps, found.values, strict=True))
            have = self.lines.get(name, [])
            before = [p for p in have if p[0] < found.steps[0]]
            changed |= have[len(before) :] != points
            self.lines[name] = [*before, *points]
        newest = max((found.steps[-1] for found in fresh.values()), default=self.step + 1)
        self.step = max(self.step, newest - 1)
        return changed
