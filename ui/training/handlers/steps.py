"""The Training page as a whole: where the visitor is, and the state of each step. No gradio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from inference.errors import UserError
from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.jobs.settings import TrainSettings
from training.snapshots.counts import snapshot_counts
from training.store.home import Home
from ui.shell.visitors import Visitor, require
from ui.training.handlers import choose as training_choose
from ui.training.handlers import promote as training_promote
from ui.training.handlers.place import TASK, Place, from_query
from ui.training.views import StepState


def opened(visitor: Visitor, home: Home, query: Mapping[str, str]) -> tuple[Place, str]:
    """The link's place; without one, the newest job that is not over, else the first step. The
    text says why a link did not lead where it pointed."""
    require(visitor, "viewer", "The Training page")
    place = from_query(query)
    if place.job:
        try:
            row = jobs.job(home, place.job)
        except UserError:
            return Place(), "This link's job was deleted."
        return replace(place, snapshot=row.snapshot), ""
    if "step" in query:
        return place, ""
    active = jobs.jobs(home, ("running", "cancelling", "queued"), limit=1)
    if active:
        return Place("run", active[0].id, active[0].snapshot), ""
    return place, ""


def selected(visitor: Visitor, home: Home, place: Place, job_id: str) -> Place:
    """The same page with another job. Its step stays if the job has got that far."""
    require(visitor, "viewer", "A job")
    row = jobs.job(home, job_id)
    step = place.step if place.step in ("prove", "promote") and row.state == "done" else "run"
    return Place(step, row.id, row.snapshot)


def moved(
    visitor: Visitor, home: Home, place: Place, step: str
) -> tuple[Place, TrainSettings | None]:
    """The same page at another step. The Set step of a job shows that job's settings, to be
    changed for another try."""
    require(visitor, "viewer", "The Training page")
    there = place.at(step) if step else place
    if there.step != "set":
        return replace(there, retry=""), None
    if not there.job or there.retry:
        return there, None
    return replace(there, retry=there.job), jobs.job(home, there.job).settings


def job_of(home: Home, place: Place) -> JobRow | None:
    """The selected job, or None where there is none (any more)."""
    if not place.job:
        return None
    try:
        return jobs.job(home, place.job)
    except UserError:
        return None


def step_states(visitor: Visitor, home: Home, place: Place) -> dict[str, StepState]:
    """Each step's sign and a few words, for the row at the top."""
    require(visitor, "viewer", "The Training page")
    job = job_of(home, place)
    return {**_data_states(home, place), **_job_states(home, job)}


def _data_states(home: Home, place: Place) -> dict[str, StepState]:
    counts = snapshot_counts(home, place.snapshot)
    if counts is not None:
        corrections, replayed = counts
        return {
            "choose": StepState("done", f"{corrections} corrections"),
            "preview": StepState("done", f"{corrections + replayed} pictures"),
            "set": StepState("done" if place.job else "doing", "snapshot is frozen"),
        }
    accepted = training_choose.accepted_count(home, TASK)
    ready = StepState("ready", f"{accepted} accepted")
    return {
        "choose": ready if accepted else StepState("bad", "no accepted corrections"),
        "preview": StepState("ready" if accepted else "todo", "before anything starts"),
        "set": StepState("todo", "after the preview"),
    }


def _job_states(home: Home, job: JobRow | None) -> dict[str, StepState]:
    if job is None:
        return {
            "run": StepState("todo", "no job selected"),
            "prove": StepState("todo", "after the run"),
            "promote": StepState("todo", "after the proof"),
        }
    percent = f"{100 * job.step / job.steps:.0f} %" if job.steps else job.stage or "starting"
    if job.steps and job.step >= job.steps and job.stage:
        percent = job.stage.partition(":")[0].lower()  # trained; what comes after has no steps
    run = {
        "queued": StepState("doing", "queued"),
        "running": StepState("doing", percent),
        "cancelling": StepState("doing", "stopping"),
        "cancelled": StepState("bad", "cancelled"),
        "failed": StepState("bad", "failed"),
        "done": StepState("done", "finished"),
    }[job.state]
    return {"run": run, **training_promote.proof_states(home, job)}
