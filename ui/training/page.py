"""The Training page: from accepted corrections to an adapter that is proven better. Builds and
binds only; `ui.training.handlers` does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.components.choosers import clicks
from ui.components.endpoints import Endpoints, Values, components, needs, roles
from ui.shell.address import ADDRESS_JS
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, asked
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.visitors import Visitor
from ui.training import view
from ui.training.before import NO_PREVIEW, Choose, Configure, Preview
from ui.training.decide import Promote, Prove
from ui.training.handlers import place as places
from ui.training.handlers.place import STEPS, Place
from ui.training.handlers.run import Mark, mark
from ui.training.parts import shown
from ui.training.run import Run

LABEL = "Training"
NEEDS = needs(
    "opened tick step job new task plan_follow plan_show plan_stop preset check recipe curves "
    "compare_follow compare_show compare_stop",
    {
        "plan": ("annotator", "The preview of a training"),
        "compare": ("annotator", "Comparing maps"),
        "use": ("trainer", "Freezing corrections for a training"),
        "start": ("trainer", "Training"),
        "cancel": ("trainer", "Cancelling a job"),
        "resume": ("trainer", "Resuming a job"),
        "retry": ("trainer", "Trying a job again"),
        "delete": ("trainer", "Deleting a job"),
        "prove_again": ("trainer", "Proving an adapter again"),
        "promote": ("trainer", "Promoting an adapter"),
        "override": ("trainer", "Overriding the rule"),
        "rollback": ("trainer", "Rolling back"),
    },
)
ENDPOINTS = roles("training", NEEDS)


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
        self.everything = components(self)

    def show(self, desk: Desk, visitor: Visitor, place: Place, note: str = "") -> Values:
        """The page at that place."""
        boxes = {getattr(self, key).box: shown(key == place.step) for key in STEPS}
        return {
            self.place: place,
            self.address: places.to_query(place),
            self.message: markup.note(note),
            **boxes,
            **getattr(self, place.step).values(desk, visitor, place),
            **self.watch(desk, visitor, place, None),
        }

    def watch(self, desk: Desk, visitor: Visitor, place: Place, seen: Mark | None) -> Values:
        """What changed since `seen`; nothing where nothing did. Never a field to be filled in."""
        now = mark(desk.home, place)
        if now == seen:
            return {}
        states = places.step_states(desk.home, place)
        values: Values = {self.steps: view.steps(states, place.step), self.seen: now}
        if seen is not None and seen.state != now.state:
            values |= {self.message: "", self.run.message: ""}  # said of the state before
        if place.step == "run":
            values |= self.run.watched(desk, visitor, place)
        # Another job's news: what is chosen here stays chosen.
        elif place.step in ("prove", "promote") and (seen is None or seen.proof != now.proof):
            values |= getattr(self, place.step).watched(desk, visitor, place)
        return values

    def bind(
        self, endpoints: Endpoints, trigger: Callable[..., Any], name: str,
        event: Callable[[Visitor, Values], tuple[Place, str]], message: gr.HTML,
        inputs: Iterable[Any] = (), cleared: Values | None = None, **how: Any,
    ) -> None:  # fmt: skip
        """An event after which the page is at a place and says something of it in `message`.
        cleared: what else becomes of the page."""

        def moved(visitor: Visitor, values: Values) -> Values:
            place, said = event(visitor, values)
            shows = self.show(endpoints.desk, visitor, place)
            return shows | {message: markup.note(said)} | (cleared or {})

        endpoints.bind(trigger, name, moved, {self.place, *inputs}, self.everything, message, **how)


build = TrainingPage


def wire(tab: TrainingPage, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    endpoints = Endpoints(desk, "training", NEEDS)
    for key in STEPS:
        getattr(tab, key).wire(endpoints, tab)
    _wire_opening(tab, desk, page)
    _wire_moving(tab, endpoints)


def _wire_opening(tab: TrainingPage, desk: Desk, page: gr.Blocks) -> None:
    """A link, and the timer."""

    def opened(request: gr.Request) -> Values:
        ticking: Values = {tab.timer: gr.Timer(active=True)}
        try:
            place, note = places.opened(desk.home, dict(request.query_params))
            return ticking | tab.show(desk, desk.visitor(request), place, note)
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

    parts = [tab.steps, tab.message, tab.seen, tab.run, tab.prove, tab.promote]
    watched = [component for part in parts for component in components(part)]
    tab.timer.tick(ticked, [tab.place, tab.seen], watched, api_name="training_tick", **AT_ONCE)


def _wire_moving(tab: TrainingPage, endpoints: Endpoints) -> None:
    """The row of steps, the queue, and the buttons that lead from step to step."""
    bind = partial(tab.bind, endpoints, message=tab.message)

    def stepped(visitor: Visitor, values: Values) -> tuple[Place, str]:
        return places.moved(values[tab.place], values[tab.asked_step] or ""), ""

    def picked(visitor: Visitor, values: Values) -> tuple[Place, str]:
        job = values[tab.run.asked_job] or ""
        return places.selected(endpoints.desk.home, values[tab.place], job), ""

    def fresh(visitor: Visitor, values: Values) -> tuple[Place, str]:
        place = values[tab.place]
        return replace(Place(), smooth=place.smooth, log=place.log, task=place.task), ""

    bind(tab.steps.select, "step", stepped, inputs=[tab.asked_step], **LATEST)
    said = {tab.promote.message: ""}  # of another job
    bind(tab.run.queue.select, "job", picked, inputs=[tab.run.asked_job], cleared=said, **LATEST)
    news = [tab.run.fresh.click, tab.run.begin.click, tab.preview.back.click]
    emptied = {tab.preview.view: NO_PREVIEW, tab.preview.use: gr.update(interactive=False)}
    bind(partial(gr.on, news), "new", fresh, cleared=emptied)
