"""What the Training tab's components become: pure updates, no events. `ui.training.page` binds."""

from __future__ import annotations

from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor
from ui.training import view as page_view
from ui.training.handlers import choose as training_choose
from ui.training.handlers import prove as training_prove
from ui.training.handlers import set as training_set
from ui.training.handlers import steps as training
from ui.training.handlers import submit as training_submit
from ui.training.handlers.place import TASK, Place, to_query
from ui.training.parts import ChoosePart, PreviewPart, ProvePart, RunPart, SetPart
from ui.training.refresh import plot_value, watch
from ui.training.tab import TrainingTab, Values


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
    return {}


def _choose(c: ChoosePart, desk: Desk, visitor: Visitor) -> Values:
    if not visitor.reads("training previews"):
        text = page_view.elsewhere(visitor.role, "annotator", "choose corrections")
        return {
            c.empty: text,
            c.open_corrections: gr.update(visible=False),
            c.form: gr.update(visible=False),
        }
    found = training_choose.choices(visitor, desk.home, TASK)
    none = found.accepted == 0
    text = markup.nothing_yet(
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
    if not visitor.reads("training previews"):
        return {p.message: page_view.elsewhere(visitor.role, "annotator", "see what goes in")}
    view = training_choose.frozen_preview(visitor, desk.home, place.snapshot)
    text = f"This snapshot is frozen: {place.snapshot[:12]}."
    return {
        p.view: page_view.preview(view),
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


def maps_values(v: ProvePart, pair: training_prove.MapsPair) -> Values:
    """The two maps, side by side."""
    style = markup.aspect_style("tr-maps-panels", pair.aspect)
    return {
        v.maps: gr.update(visible=True),
        v.before_title: _title("Before", pair.before_title),
        v.after_title: _title("After", pair.after_title),
        v.before: plot_value(pair.before),
        v.after: plot_value(pair.after),
        v.maps_note: markup.note(pair.said) + style,
    }


def _title(when: str, name: str) -> str:
    return markup.panel_title("finetuned", when, name)


def problem_values(tab: TrainingTab, problem: UserError, place: Any) -> Values:
    """A message in `place`, or next to the setting that it names."""
    target = tab.set.messages.get(problem.field or "", place)
    return {target: markup.error(problem)}


def field_values(s: SetPart, settings: Any) -> Values:
    """The form filled in with these settings; old complaints go."""
    shown = training_set.form_values(settings)
    return {s.fields[name]: value for name, value in shown.items()} | dict.fromkeys(
        s.messages.values(), ""
    )
