"""Where a visitor of the Training page is, its address, and the state of each step. No gradio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from inference.errors import UserError
from inference.registry import TASKS
from training.adapters.promotion import in_use
from training.jobs import control as jobs
from training.jobs.progress import PROVING
from training.jobs.rows import JobRow
from training.proof.comparison import compare
from training.snapshots.counts import snapshot_counts
from training.store.database import connect
from training.store.feedback import CaseFilter, Feedback
from training.store.home import Home
from training.store.rows import one
from ui.shell.address import query_of

FIRST_TASK = next(iter(TASKS))

STEPS = ("choose", "preview", "configure", "run", "prove", "promote")
"""The steps of a training in page order, as in the address."""

FORMER = {"set": "configure"}  # keys in older links
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class StepState(NamedTuple):
    """state: todo, ready, doing, done, measured (done, nothing gained) or bad. note: a few words
    under the step's name."""

    state: str
    note: str


@dataclass(frozen=True)
class Place:
    """What this page shows. task: whose corrections are chosen; a job's or snapshot's own counts
    where there is one (`task_of`). job: the selected one. snapshot: what the next job is trained
    on. retry: the job whose settings are being changed. over: a second job, laid over the curves of
    the first; smooth: 0..0.99, of the curves; log: whether their values are logarithmic."""

    step: str = "choose"
    job: str = ""
    snapshot: str = ""
    retry: str = ""
    over: str = ""
    smooth: float = 0.0
    log: bool = False
    task: str = FIRST_TASK


def to_query(place: Place) -> str:
    """The query string, without "?"."""
    snapshot = "" if place.job else place.snapshot  # a job knows its own
    smooth = f"{place.smooth:g}" if place.smooth else ""
    return query_of(
        {
            "job": place.job, "step": place.step, "snapshot": snapshot, "retry": place.retry,
            "over": place.over, "smooth": smooth, "log": "1" if place.log else "",
            "task": place.task if place.task != FIRST_TASK else "",
        }
    )  # fmt: skip


def from_query(query: Mapping[str, str]) -> Place:
    """Whatever is missing or makes no sense stays at its default."""
    ids = ("job", "snapshot", "retry", "over")
    known = {key: query[key] for key in ids if _ID.fullmatch(query.get(key, ""))}
    step = FORMER.get(query.get("step", ""), query.get("step", ""))
    usual = "run" if known.get("job") else "choose"
    smooth = query.get("smooth", "")
    return Place(
        step if step in STEPS else usual,
        **known,
        smooth=float(smooth) if re.fullmatch(r"0\.\d{1,3}", smooth) else 0.0,
        log=query.get("log") == "1",
        task=query["task"] if query.get("task") in TASKS else FIRST_TASK,
    )


def opened(home: Home, query: Mapping[str, str]) -> tuple[Place, str]:
    """The link's place; without one, the newest job that is not over, else the first step. The
    text says why a link did not lead where it pointed."""
    place = from_query(query)
    if place.job:
        row = job_of(home, place)
        if row is None:
            return Place(), "This link's job was deleted."
        return moved(replace(place, snapshot=row.snapshot), place.step), ""
    active = jobs.jobs(home, ("running", "cancelling", "queued"), limit=1)
    if active and "step" not in query:
        return Place("run", active[0].id, active[0].snapshot), ""
    return place, ""


def selected(home: Home, place: Place, job_id: str) -> Place:
    """The same page with another job. Its step stays if the job has got that far."""
    row = jobs.job(home, job_id)
    step = place.step if place.step in ("prove", "promote") and row.state == "done" else "run"
    over = "" if place.over == job_id else place.over
    return replace(place, step=step, job=row.id, snapshot=row.snapshot, retry="", over=over)


def moved(place: Place, step: str) -> Place:
    """The same page at another step. To configure a job that exists is to try it again."""
    step = step if step in STEPS else place.step
    return replace(place, step=step, retry=place.job if step == "configure" else "")


def job_of(home: Home, place: Place) -> JobRow | None:
    """The selected job, or None where there is none (any more)."""
    if not place.job:
        return None
    try:
        return jobs.job(home, place.job)
    except UserError:
        return None


def task_of(home: Home, place: Place) -> str:
    """The task of the job, else of the snapshot, else the chosen one."""
    job = job_of(home, place)
    if job is not None:
        return job.task
    with connect(home) as db:
        row = one(db, "select task from snapshots where hash = ?", [place.snapshot])
    return str(row["task"]) if row is not None else place.task


# ---- the row of steps ----------------------------------------------------------------------------


def accepted_count(home: Home, task: str) -> int:
    """Cases with an accepted correction."""
    return Feedback(home).count(CaseFilter(task=task, status="accepted"))


def step_states(home: Home, place: Place) -> dict[str, StepState]:
    """Each step's sign and a few words, for the row at the top."""
    todo = {
        "run": StepState("todo", "no job selected"),
        "prove": StepState("todo", "after the run"),
        "promote": StepState("todo", "after the proof"),
    }
    job = job_of(home, place)
    return todo | _data_states(home, place) | (_job_states(home, job) if job is not None else {})


def _data_states(home: Home, place: Place) -> dict[str, StepState]:
    counts = snapshot_counts(home, place.snapshot)
    if counts is not None:
        return {
            "choose": StepState("done", f"{counts[0]} corrections"),
            "preview": StepState("done", f"{sum(counts)} images"),
            "configure": StepState("done" if place.job else "doing", "snapshot is frozen"),
        }
    accepted = accepted_count(home, place.task)
    ready = StepState("ready", f"{accepted} accepted")
    return {
        "choose": ready if accepted else StepState("bad", "no accepted corrections"),
        "preview": StepState("ready" if accepted else "todo", "before anything starts"),
        "configure": StepState("todo", "after the preview"),
    }


def _job_states(home: Home, job: JobRow) -> dict[str, StepState]:
    percent = f"{100 * job.step / job.steps:.0f} % trained" if job.steps else job.stage
    if job.stage.startswith(PROVING):
        percent = "proving"
    run = {
        "queued": StepState("doing", "queued"),
        "running": StepState("doing", percent or "starting"),
        "cancelling": StepState("doing", "stopping"),
        "cancelled": StepState("bad", "cancelled"),
        "failed": StepState("bad", "failed"),
        "done": StepState("done", "finished"),
    }[job.state]
    current = in_use(home, job.task)
    proof = compare(home, job.name, current)
    if proof is None:
        missing = {"prove": StepState("bad", "no proof was made")} if job.state == "done" else {}
        return {"run": run, **missing}
    outcome = proof.headline.partition(":")[0]
    state = "bad" if outcome.startswith("Worse") else "done" if outcome == "Better" else "measured"
    if current == job.name:
        promote = StepState("done", "in use")
    elif proof.verdict.allowed:
        promote = StepState("ready", "the rule allows it")
    else:
        promote = StepState("bad", "the rule says no")
    return {"run": run, "prove": StepState(state, outcome.lower()), "promote": promote}
