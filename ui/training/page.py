"""The Training page: from accepted corrections to an adapter that is proven better. Builds and
binds only; `ui.training.handlers` does the work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.shell.address import ADDRESS_JS
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, asked, clicks
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.visitors import Role, Visitor
from ui.training import view
from ui.training.before import NO_PREVIEW, Choose, Configure, Preview
from ui.training.decide import Promote, Prove
from ui.training.handlers import place as places
from ui.training.handlers.place import STEPS, Place
from ui.training.handlers.run import Mark
from ui.training.handlers.run import mark as marked
from ui.training.parts import Values, components, shown, telling
from ui.training.run import Run

LABEL = "Training"
NEEDED: dict[Role, str] = {
    "viewer": "opened tick step job new task plan_follow plan_show plan_stop preset check recipe "
    "curves ask_delete spare compare_follow compare_follow1 compare_show compare_show1 "
    "compare_stop",
    "annotator": "plan case compare",
    "trainer": "use start cancel resume retry delete prove_again promote override rollback",
}
ENDPOINTS: dict[str, Role] = {
    f"training_{name}": role for role, names in NEEDED.items() for name in names.split()
}


class TrainingPage:
    """The row of steps, the six steps, and what the page remembers. seen: what was drawn last."""

    def __init__(self) -> None:
        with gr.Column(elem_id="sl-training", elem_classes="tr-page"):
            self.steps = gr.HTML(elem_id="tr-steps", js_on_load=clicks("step"))
            self.message = gr.HTML(elem_id="tr-message")
            self.choose, self.preview, self.configure = Choose(), Preview(), Configure()
            self.run, self.prove, self.promote = Run(), Prove(), Promote()
        self.address = gr.HTML(elem_id="tr-address", elem_classes="sl-hidden",
                               js_on_load=ADDRESS_JS)  # fmt: skip
        self.asked_step = asked("step")
        self.place, self.seen = gr.State(Place()), gr.State(None)
        self.timer = gr.Timer(2.0, active=False)

    @property
    def everything(self) -> list[Any]:
        return components(self, *(getattr(self, key) for key in STEPS))

    def show(self, desk: Desk, visitor: Visitor, place: Place, note: str = "") -> Values:
        """The page at that place."""
        boxes = {getattr(self, key).box: shown(key == place.step) for key in STEPS}
        here = getattr(self, place.step)
        return {
            self.place: place,
            self.address: places.to_query(place),
            self.message: markup.note(note),
            **boxes,
            **here.values(desk, visitor, place),
            **self.watch(desk, visitor, place, None),
        }

    def watch(self, desk: Desk, visitor: Visitor, place: Place, seen: Mark | None) -> Values:
        """What changed since `seen`; nothing where nothing did. Never a field to be filled in."""
        mark = marked(visitor, desk.home, place)
        if mark == seen:
            return {}
        states = places.step_states(visitor, desk.home, place)
        values: Values = {self.steps: view.steps(states, place.step), self.seen: mark}
        if place.step == "run":
            values |= self.run.watched(desk, visitor, place)
            if seen is not None and seen.state != mark.state:
                values[self.run.message] = ""  # it was said of the state before
        # Another job's news: what is chosen here stays chosen.
        elif place.step in ("prove", "promote") and (seen is None or seen.proof != mark.proof):
            values |= getattr(self, place.step).watched(desk, visitor, place)
        return values


def build() -> TrainingPage:
    return TrainingPage()


def wire(tab: TrainingPage, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    for key in STEPS:
        getattr(tab, key).wire(desk, tab)
    _wire_opening(tab, desk, page)
    _wire_moving(tab, desk)


def _wire_opening(tab: TrainingPage, desk: Desk, page: gr.Blocks) -> None:
    """A link, and the timer."""

    def opened(request: gr.Request) -> Values:
        ticking: Values = {tab.timer: gr.Timer(active=True)}
        try:
            visitor = desk.visitor(request)
            place, note = places.opened(visitor, desk.home, dict(request.query_params))
            return ticking | tab.show(desk, visitor, place, note)
        except Exception as error:
            return ticking | {tab.message: markup.error(explain_failure(error))}

    page.load(opened, None, tab.everything, api_name="training_opened", **AT_ONCE)

    def ticked(place: Place, seen: Mark | None, request: gr.Request) -> Values:
        if desk.services.home is None:
            return {tab.seen: seen}
        try:
            changed = tab.watch(desk, desk.visitor(request), place, seen)
        except UserError as problem:
            return {tab.seen: seen, tab.run.status: markup.error(problem)}
        return changed or {tab.seen: gr.skip()}

    watched = [tab.steps, tab.seen, *components(tab.run, tab.prove, tab.promote)]
    tab.timer.tick(ticked, [tab.place, tab.seen], watched, api_name="training_tick", **AT_ONCE)


def _wire_moving(tab: TrainingPage, desk: Desk) -> None:
    """The row of steps, the queue, and the buttons that lead from step to step."""

    @telling(tab.message)
    def stepped(place: Place, step: str | None, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        return tab.show(desk, visitor, places.moved(visitor, place, step or ""))

    @telling(tab.message)
    def picked(place: Place, job: str | None, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        there = places.selected(visitor, desk.home, place, job or "")
        cleared = {tab.promote.message: ""}  # what was said of another job
        return cleared | tab.show(desk, visitor, there)

    @telling(tab.message)
    def fresh(place: Place, request: gr.Request) -> Values:
        preview = tab.preview
        there = replace(Place(), smooth=place.smooth, log=place.log, task=place.task)
        cleared = {preview.view: NO_PREVIEW, preview.use: gr.update(interactive=False)}
        return cleared | tab.show(desk, desk.visitor(request), there)

    tab.steps.select(
        stepped, [tab.place, tab.asked_step], tab.everything, api_name="training_step", **LATEST
    )
    tab.run.queue.select(
        picked, [tab.place, tab.run.asked_job], tab.everything, api_name="training_job", **LATEST
    )
    gr.on(
        [tab.run.fresh.click, tab.run.begin.click, tab.preview.back.click], fresh, tab.place,
        tab.everything, api_name="training_new", **AT_ONCE,
    )  # fmt: skip
