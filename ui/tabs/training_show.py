"""What the Training tab's components become: pure updates, no events. `ui.tabs.training` binds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from inference.errors import UserError
from ui import markup as scene_markup
from ui import training_markup as markup
from ui import training_proof_markup as proof_markup
from ui.handlers import (
    training,
    training_choose,
    training_promote,
    training_prove,
    training_run,
    training_set,
    training_submit,
)
from ui.handlers.desk import Desk
from ui.handlers.training_place import TASK, Place, to_query
from ui.tabs.training_parts import (
    ChoosePart,
    KeepPart,
    PreviewPart,
    PromotePart,
    ProvePart,
    RunPart,
    SetPart,
)
from ui.training_figures import CHARTS
from ui.training_views import STEPS, JobView
from ui.visitors import Visitor

Values = dict[Any, Any]


@dataclass(frozen=True)
class TrainingTab:
    """The tab's components, step by step."""

    root: gr.Column
    steps: gr.HTML
    message: gr.HTML
    choose: ChoosePart
    preview: PreviewPart
    set: SetPart
    run: RunPart
    prove: ProvePart
    promote: PromotePart
    keep: KeepPart
    curves: training_run.Curves

    @property
    def boxes(self) -> dict[str, gr.Column]:
        """Each step's section."""
        return {key: getattr(self, key).box for key in STEPS}

    @property
    def watched(self) -> list[Any]:
        """What the timer may change: never a field that somebody is filling in."""
        r, v, m, k = self.run, self.prove, self.promote, self.keep
        return [
            self.steps, r.empty, r.begin, r.body, r.queue, r.status, r.cancel, r.resume, r.retry,
            r.delete, r.charts, *r.titles.values(), *r.plots.values(), r.log, v.empty, v.begin,
            v.body, v.table, v.gallery, v.again, v.case, m.empty, m.begin, m.body, m.rule,
            m.promote, m.reason, m.override, m.in_use, m.rollback, m.history, k.seen, k.place,
        ]  # fmt: skip

    @property
    def shown(self) -> list[Any]:
        """All that a change of step or job may touch."""
        c, p, s, r, k = self.choose, self.preview, self.set, self.run, self.keep
        more = [
            self.message, *self.boxes.values(), c.empty, c.open_corrections, c.form, c.author,
            c.slices, c.adapter, c.message, c.progress, c.preview, c.stop, p.view, p.message,
            p.use, s.runner, s.message, s.start, s.changed, s.command, s.config, s.name_message,
            r.confirm, r.message, r.command, r.config, self.prove.maps, self.prove.progress,
            self.prove.maps_note, self.promote.message, k.address, k.timer,
        ]  # fmt: skip
        return [*self.watched, *more]

    @property
    def filled(self) -> list[Any]:
        """The same with the fields of the Set step."""
        return [*self.shown, *self.set.fields.values(), *self.set.messages.values()]


def show(tab: TrainingTab, desk: Desk, visitor: Visitor, place: Place, note: str = "") -> Values:
    """The page at that place, all of it but the fields that people fill in."""
    values: Values = {
        tab.keep.place: place,
        tab.keep.address: to_query(place),
        tab.message: markup.note(note),
        **{box: gr.update(visible=key == place.step) for key, box in tab.boxes.items()},
    }
    return values | step_values(tab, desk, visitor, place) | watch(tab, desk, visitor, place, "")


def step_values(tab: TrainingTab, desk: Desk, visitor: Visitor, place: Place) -> Values:
    """What only a change of the step or the job sets."""
    if place.step == "choose":
        return _choose(tab.choose, desk, visitor)
    if place.step == "preview":
        return _preview(tab.preview, desk, visitor, place)
    if place.step == "set":
        return _set(tab.set, desk, visitor, place)
    if place.step == "run":
        return _recipe(tab.run, desk, visitor, place)
    if place.step == "prove":
        hidden = gr.update(visible=False)
        return {tab.prove.maps: hidden, tab.prove.progress: "", tab.prove.maps_note: ""}
    return {tab.promote.message: ""}


def _choose(c: ChoosePart, desk: Desk, visitor: Visitor) -> Values:
    found = training_choose.choices(visitor, desk.home, TASK)
    none = found.accepted == 0
    text = markup.empty(
        "No correction is accepted yet",
        "A training learns from corrections that somebody has accepted. Make some in the Scene "
        "tab, then accept them in Corrections.",
    )

    def offer(names: tuple[str, ...]) -> Any:
        return gr.update(choices=[("all", ""), *((n, n) for n in names)])

    return {
        c.empty: text if none else "",
        c.open_corrections: gr.update(visible=none),
        c.form: gr.update(visible=not none),
        c.author: offer(found.authors),
        c.slices: offer(found.slices),
        c.adapter: offer(found.adapters),
        c.message: "",
    }


def _preview(p: PreviewPart, desk: Desk, visitor: Visitor, place: Place) -> Values:
    """A frozen snapshot's content; a preview that is not frozen yet is drawn when it is made."""
    if not place.snapshot:
        return {}
    view = training_choose.frozen_preview(visitor, desk.home, place.snapshot)
    text = f"This snapshot is frozen: {place.snapshot[:12]}."
    return {
        p.view: markup.preview(view),
        p.message: markup.note(text),
        p.use: gr.update(value="Use these again", interactive=True),
    }


def _set(s: SetPart, desk: Desk, visitor: Visitor, place: Place) -> Values:
    where = training_submit.places_to_run()
    ready = bool(place.snapshot)
    text = ""
    if not ready:
        text = "First choose corrections and look at what goes in; then “Use these”."
    elif not visitor.may("trainer"):
        text = "You may look at the settings. To train you need the role trainer."
    return {
        s.runner: gr.update(choices=list(where.choices), value=where.usual, info=where.note),
        s.start: gr.update(
            interactive=ready, value="Train with these changes" if place.retry else "Train"
        ),
        s.message: markup.note(text),
        s.name_message: "",
    }


def _recipe(r: RunPart, desk: Desk, visitor: Visitor, place: Place) -> Values:
    values: Values = {r.confirm: gr.update(visible=False), r.message: ""}
    job = training.job_of(desk.home, place)
    if job is not None:
        recipe = training_submit.recipe_of_job(visitor, desk.home, job)
        values |= {r.command: recipe.command, r.config: recipe.config}
    return values


# ---- what the timer refreshes --------------------------------------------------------------------


def watch(tab: TrainingTab, desk: Desk, visitor: Visitor, place: Place, seen: str) -> Values:
    """What changed since `seen`; nothing where nothing did."""
    mark = training_run.mark(visitor, desk.home, place)
    if mark == seen:
        return {}
    states = training.step_states(visitor, desk.home, place)
    values: Values = {tab.steps: markup.steps(states, place.step), tab.keep.seen: mark}
    if place.step == "run":
        values |= _run(tab, desk, visitor, place)
    elif place.step == "prove":
        values |= _prove(tab.prove, desk, visitor, place)
    elif place.step == "promote":
        values |= _promote(tab.promote, desk, visitor, place)
    return values


def _run(tab: TrainingTab, desk: Desk, visitor: Visitor, place: Place) -> Values:
    r, home = tab.run, desk.home
    views = training_run.job_views(visitor, home)
    if not views:
        text = markup.empty(
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
        r.queue: markup.queue(views, place.job),
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
        tab.run.status: markup.status(view),
        **{part: gr.update(visible=key in able) for key, part in _buttons(tab.run).items()},
    }


def _curves(tab: TrainingTab, desk: Desk, job: Any) -> Values:
    figures = tab.curves.get(desk.home, job)
    values: Values = {
        tab.run.charts: gr.update(visible=any(plot is not None for plot in figures.plots.values()))
    }
    for key, chart in CHARTS.items():
        values[tab.run.titles[key]] = markup.chart_title(chart.title, chart.unit, figures.said[key])
        values[tab.run.plots[key]] = plot_value(figures.plots[key])
    return values


def _log(r: RunPart, desk: Desk, visitor: Visitor, job_id: str) -> Values:
    return {r.log: markup.log(*training_run.log_text(visitor, desk.home, job_id))}


def plot_value(text: str | None) -> Any:
    return None if text is None else PlotData(type="plotly", plot=text)


def _prove(v: ProvePart, desk: Desk, visitor: Visitor, place: Place) -> Values:
    job = training.job_of(desk.home, place)
    proof = training_prove.proof(visitor, desk.home, job) if job is not None else None
    if proof is None:
        return _nothing_yet(v, job, "There is no proof yet")
    caption = "Mean error in pixels at 1280 × 720, with its 95 % interval, and the median error"
    notes = [f"Corrected cases that could not be measured: {x}" for x in proof.left_out]
    return {
        v.empty: "",
        v.begin: gr.update(visible=False),
        v.body: gr.update(visible=True),
        v.again: gr.update(visible=job is not None and job.state == "done"),
        v.table: proof_markup.table(proof.rows, proof.names, caption)
        + scene_markup.warnings(notes),
        v.gallery: proof_markup.gallery(proof.cases, proof.names),
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
        part.empty: markup.empty(title, text),
        part.begin: gr.update(visible=True),
        part.body: gr.update(visible=False),
    }


def _promote(m: PromotePart, desk: Desk, visitor: Visitor, place: Place) -> Values:
    standing = training_promote.standing(visitor, desk.home, TASK)
    values: Values = {
        m.in_use: markup.facts([("In use now", standing.in_use)]),
        m.rollback: gr.update(visible=standing.can_roll_back),
        m.history: proof_markup.history(standing.history),
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
        m.rule: proof_markup.rule(outcome.conditions, outcome.allowed, outcome.words),
        m.promote: gr.update(visible=outcome.allowed and not outcome.used),
        m.reason: gr.update(visible=against),
        m.override: gr.update(visible=against),
    }


def maps_values(v: ProvePart, pair: training_prove.MapsPair) -> Values:
    """The two maps, side by side."""
    style = f"<style>:root{{--sl-aspect:{min(max(pair.aspect, 0.8), 2.4):.3f}}}</style>"
    return {
        v.maps: gr.update(visible=True),
        v.before_title: _title("Before", pair.before_title),
        v.after_title: _title("After", pair.after_title),
        v.before: plot_value(pair.before),
        v.after: plot_value(pair.after),
        v.maps_note: markup.note(pair.said) + style,
    }


def _title(when: str, name: str) -> str:
    return scene_markup.panel_title("finetuned", when, name)


def problem_values(tab: TrainingTab, problem: UserError, place: Any) -> Values:
    """A message in `place`, or next to the setting that it names."""
    target = tab.set.messages.get(problem.field or "", place)
    return {target: scene_markup.error(problem)}


def field_values(s: SetPart, settings: Any) -> Values:
    """The form filled in with these settings; old complaints go."""
    shown = training_set.form_values(settings)
    return {s.fields[name]: value for name, value in shown.items()} | dict.fromkeys(
        s.messages.values(), ""
    )
