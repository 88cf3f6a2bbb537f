"""What the timer refreshes: the row of steps, and the step of the selected job that is shown. Pure
updates, no events."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor
from ui.training import proof_view
from ui.training import view as page_view
from ui.training.figures import CHARTS
from ui.training.handlers import promote as training_promote
from ui.training.handlers import prove as training_prove
from ui.training.handlers import run as training_run
from ui.training.handlers import steps as training
from ui.training.handlers.place import TASK, Place
from ui.training.parts import PromotePart, ProvePart, RunPart
from ui.training.tab import TrainingTab, Values
from ui.training.views import JobView


def watch(tab: TrainingTab, desk: Desk, visitor: Visitor, place: Place, seen: str) -> Values:
    """What changed since `seen`; nothing where nothing did."""
    mark = training_run.mark(visitor, desk.home, place)
    if mark == seen:
        return {}
    states = training.step_states(visitor, desk.home, place)
    values: Values = {tab.steps: page_view.steps(states, place.step), tab.keep.seen: mark}
    if place.step == "run":
        values |= _run(tab, desk, visitor, place)
        before = training_run.state_in(seen)
        if before and before != training_run.state_in(mark):
            values[tab.run.message] = ""  # it was said of the state before
    elif training_run.proof_in(mark) == training_run.proof_in(seen):
        pass  # another job's news: what is chosen here stays chosen
    elif place.step == "prove":
        values |= _prove(tab.prove, desk, visitor, place)
    elif place.step == "promote":
        values |= _promote(tab.promote, desk, visitor, place)
    return values


def _run(tab: TrainingTab, desk: Desk, visitor: Visitor, place: Place) -> Values:
    r, home = tab.run, desk.home
    views = training_run.job_views(visitor, home)
    if not views:
        text = markup.nothing_yet(
            "Nothing has been trained yet",
            "Choose accepted corrections, look at what goes in, take a preset and press Train.",
        )
        return {
            r.empty: text,
            r.begin: gr.update(visible=True),
            r.body: gr.update(visible=False),
        }
    job = training.job_of(home, place)
    values: Values = {
        r.empty: "",
        r.begin: gr.update(visible=False),
        r.body: gr.update(visible=True),
        r.queue: markup.warnings([training_run.trouble(visitor, home)])
        + page_view.queue(views, place.job),
    }
    if job is None:
        text = "That job was deleted." if place.job else "Pick a job of the list."
        hidden = {part: gr.update(visible=False) for part in _buttons(r).values()}
        return values | hidden | {r.status: markup.note(text), r.charts: gr.update(visible=False)}
    view = training_run.job_view(visitor, home, job.id)
    return values | _one_job(tab, view) | _curves(tab, desk, job) | _log(r, desk, visitor, job.id)


def _buttons(r: RunPart) -> dict[str, gr.Button]:
    return {"cancel": r.cancel, "resume": r.resume, "retry": r.retry, "delete": r.delete}


def _one_job(tab: TrainingTab, view: JobView) -> Values:
    able = training_run.actions(view)
    return {
        tab.run.status: page_view.status(view),
        **{part: gr.update(visible=key in able) for key, part in _buttons(tab.run).items()},
    }


def _curves(tab: TrainingTab, desk: Desk, job: Any) -> Values:
    figures = tab.curves.get(desk.home, job)
    values: Values = {
        tab.run.charts: gr.update(visible=any(plot is not None for plot in figures.plots.values()))
    }
    for key, chart in CHARTS.items():
        title = page_view.chart_title(chart.title, chart.unit, figures.said[key])
        values[tab.run.titles[key]] = title
        values[tab.run.plots[key]] = plot_value(figures.plots[key])
    return values


def _log(r: RunPart, desk: Desk, visitor: Visitor, job_id: str) -> Values:
    if not visitor.reads("job logs"):
        return {r.log: markup.note("Logs are for trainers.")}
    return {r.log: page_view.log(*training_run.log_text(visitor, desk.home, job_id))}


def plot_value(text: str | None) -> Any:
    return None if text is None else PlotData(type="plotly", plot=text)


def _prove(v: ProvePart, desk: Desk, visitor: Visitor, place: Place) -> Values:
    job = training.job_of(desk.home, place)
    proof = training_prove.proof(visitor, desk.home, job) if job is not None else None
    if proof is None:
        return _nothing_yet(v, job, "There is no proof yet")
    caption = "Mean error in pixels at 1280 × 720, with its 95 % interval, and the median error"
    return {
        v.empty: "",
        v.begin: gr.update(visible=False),
        v.body: gr.update(visible=True),
        v.again: gr.update(visible=job is not None and job.state == "done"),
        v.table: markup.note(proof.headline) + proof_view.table(proof.rows, proof.names, caption),
        v.gallery: proof_view.gallery(proof.cases, proof.names),
        v.case: gr.update(
            choices=list(proof.choices), value=proof.choices[0][1] if proof.choices else None
        ),
    }


def _nothing_yet(part: ProvePart | PromotePart, job: Any, title: str) -> Values:
    if job is None:
        text = "Pick a job that is done, or start one."
    elif job.state in ("queued", "running", "cancelling"):
        text = "The job is not through yet; its proof is made right after the training."
    elif job.state == "done":
        text = "The job made no proof. Its log says why; “Prove again” makes one."
    else:
        text = "The job ended before a proof was made. Resume it, or change its settings."
    return {
        part.empty: markup.nothing_yet(title, text),
        part.begin: gr.update(visible=True),
        part.body: gr.update(visible=False),
    }


def _promote(m: PromotePart, desk: Desk, visitor: Visitor, place: Place) -> Values:
    standing = training_promote.standing(visitor, desk.home, TASK)
    values: Values = {
        m.in_use: markup.facts([("In use now", standing.in_use)]),
        m.rollback: gr.update(visible=standing.can_roll_back),
        m.history: proof_view.history(standing.history),
    }
    job = training.job_of(desk.home, place)
    outcome = training_promote.outcome(visitor, desk.home, job) if job is not None else None
    if outcome is None:
        return values | _nothing_yet(m, job, "There is nothing to decide yet")
    against = not outcome.allowed and not outcome.used
    return values | {
        m.empty: "",
        m.begin: gr.update(visible=False),
        m.body: gr.update(visible=True),
        m.rule: proof_view.rule(outcome.conditions, outcome.allowed, outcome.words),
        m.promote: gr.update(visible=outcome.allowed and not outcome.used),
        m.reason: gr.update(visible=against),
        m.override: gr.update(visible=against),
    }
