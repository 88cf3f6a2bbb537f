"""The Run step: the queue, one job's curves, its log, and what may be done with it.

Everything is read from the database, so that two browsers see the same and none need stay open.
Plain functions, no gradio.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from training.adapters import promotion
from training.jobs import control as jobs
from training.jobs import supervisor
from training.jobs.reads import HowFar, how_far
from training.jobs.rows import JobRow
from training.proof.cases import pace_s, planned
from training.store.database import connect
from training.store.home import Home
from training.store.rows import one
from ui.shell.visitors import Visitor, names_only
from ui.training.figures import CHARTS, Drawn, Lines, curve, summary
from ui.training.handlers.configure import Change, differences
from ui.training.handlers.place import Place

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
    return [_readable(visitor, row) for row in jobs.jobs(home, limit=MOST_JOBS)]


def one_job(visitor: Visitor, home: Home, row: JobRow) -> tuple[JobRow, HowFar | None]:
    """As much of a job as the visitor may read, and how far it is while it runs."""
    running = row.state == "running"
    far = how_far(home, row, planned(home, row.snapshot), pace_s(home)) if running else None
    return _readable(visitor, row), far


def _readable(visitor: Visitor, row: JobRow) -> JobRow:
    """A training that its time limit ended says so."""
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


def mark(home: Home, place: Place) -> Mark:
    rows = jobs.jobs(home, limit=MOST_JOBS)
    here = next(((r.state, r.ended) for r in rows if r.id == place.job), ("", None))
    decisions = promotion.history(home, rows[0].task) if rows else []
    rest = [(r.id, r.state, r.step, r.steps, r.stage, r.reason) for r in rows]
    # Times on the page go on while something runs.
    clock = int(time.time() / CLOCK_S) if any(r.active for r in rows) else 0
    proof = place, here, decisions[0].id if decisions else 0
    return Mark(here[0], proof, (rest, supervisor.trouble(home), clock))


# ---- what may be done: each says what became of it -----------------------------------------------


def cancel(home: Home, job_id: str) -> str:
    if jobs.cancel(home, job_id) == "cancelled":
        return "Taken out of the queue."
    return "Asked to stop. It saves a checkpoint first; Resume goes on from there."


def resume(home: Home, job_id: str) -> str:
    jobs.resume(home, job_id)
    return "Queued again. It goes on from its last checkpoint."


def delete(home: Home, job_id: str) -> str:
    name = jobs.job(home, job_id).name
    jobs.delete(home, job_id)
    return f"Deleted the job of {name}: its curves, log and checkpoints. An adapter it made stays."


def prove_again(home: Home, job_id: str) -> str:
    jobs.prove_again(home, job_id)
    return "Queued: the proof is made again, against the adapter that is in use now."


# ---- curves --------------------------------------------------------------------------------------


def curves(
    home: Home, row: JobRow, other: JobRow | None = None, smooth: float = 0.0, log: bool = False
) -> dict[str, Drawn]:
    """Chart -> figure and words, drawn once however many browsers look. other: a second job, laid
    over the first."""
    under = ("", (), "") if other is None else (other.id, _measured(home, other), other.name)
    return _curves(home, row.id, _measured(home, row), *under, smooth, log)


def _measured(home: Home, row: JobRow) -> tuple[object, ...]:
    """Another one whenever the job has other metrics; a run that went back to a checkpoint measures
    some steps again."""
    with connect(home) as db:
        sql = "select count(*) as n, max(time) as last from job_metrics where job = ?"
        found = one(db, sql, [row.id]) or {}
    return row.started, row.step, *found.values()


@lru_cache(maxsize=8)
def _curves(
    home: Home, job: str, measured: object, other: str, others: object, name: str, smooth: float,
    log: bool,
) -> dict[str, Drawn]:  # fmt: skip
    lines, under = _lines(home, job, measured), _lines(home, other, others)
    return {
        key: Drawn(curve(chart, lines, job, under, name, smooth, log), summary(chart, lines))
        for key, chart in CHARTS.items()
    }


@lru_cache(maxsize=8)
def _lines(home: Home, job: str, measured: object) -> Lines:
    found = jobs.metrics(home, job) if job else {}
    return {name: list(zip(m.steps, m.values, strict=True)) for name, m in found.items()}
