"""The Training tab: from accepted corrections to an adapter that is proven better. Builds and
binds only; `ui.training.handlers.steps*` does the work."""

from __future__ import annotations

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, clicks
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.visitors import Role
from ui.training.after import build_keep, build_promote, build_prove, build_run
from ui.training.before import NO_PREVIEW, build_choose, build_preview, build_set
from ui.training.begin import wire_choosing, wire_setting
from ui.training.decide import wire_promoting, wire_proving
from ui.training.handlers import steps as training
from ui.training.handlers.place import Place
from ui.training.handlers.run import Curves
from ui.training.refresh import watch
from ui.training.show import field_values, show
from ui.training.tab import TrainingTab, Values
from ui.training.watch import wire_running

LABEL = "Training"
ENDPOINTS: dict[str, Role] = {
    "training_opened": "viewer",
    "training_tick": "viewer",
    "training_step": "viewer",
    "training_job": "viewer",
    "training_new": "viewer",
    "training_plan": "annotator",
    "training_plan_follow": "viewer",
    "training_plan_show": "viewer",
    "training_plan_stop": "viewer",
    "training_use": "trainer",
    "training_preset": "viewer",
    "training_check": "viewer",
    "training_check_preset": "viewer",
    "training_recipe": "viewer",
    "training_start": "trainer",
    "training_cancel": "trainer",
    "training_resume": "trainer",
    "training_retry": "trainer",
    "training_retry_check": "viewer",
    "training_ask_delete": "viewer",
    "training_keep": "viewer",
    "training_delete": "trainer",
    "training_prove_again": "trainer",
    "training_case": "annotator",
    "training_compare": "annotator",
    "training_compare_follow": "viewer",
    "training_compare_follow1": "viewer",
    "training_compare_show": "viewer",
    "training_compare_show1": "viewer",
    "training_compare_stop": "viewer",
    "training_promote": "trainer",
    "training_override": "trainer",
    "training_rollback": "trainer",
}


def build() -> TrainingTab:
    with gr.Column(elem_id="sl-training"):
        steps = gr.HTML(elem_id="tr-steps", js_on_load=clicks("step"))
        message = gr.HTML(elem_id="tr-message")
        parts = (
            build_choose(), build_preview(), build_set(), build_run(), build_prove(),
            build_promote(),
        )  # fmt: skip
    return TrainingTab(steps, message, *parts, build_keep(Place()), Curves())


def wire(tab: TrainingTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    wire_opening(tab, desk, page)
    wire_moving(tab, desk)
    wire_choosing(tab, desk)
    wire_setting(tab, desk)
    wire_running(tab, desk)
    wire_proving(tab, desk)
    wire_promoting(tab, desk)


def wire_opening(tab: TrainingTab, desk: Desk, page: gr.Blocks) -> None:
    """A link, and the timer."""
    k = tab.keep

    def opened(request: gr.Request) -> Values:
        ticking: Values = {k.timer: gr.Timer(active=True)}
        try:
            visitor = desk.visitor(request)
            place, note = training.opened(visitor, desk.home, dict(request.query_params))
            place, settings = training.moved(visitor, desk.home, place, place.step)
            values = ticking | show(tab, desk, visitor, place, note)
            return values if settings is None else values | field_values(tab.set, settings)
        except Exception as error:
            return ticking | {tab.message: markup.error(explain_failure(error))}

    page.load(opened, None, tab.filled, api_name="training_opened", **AT_ONCE)

    def ticked(place: Place, seen: str, request: gr.Request) -> Values:
        if desk.services.home is None:
            return {k.seen: seen}
        try:
            changed = watch(tab, desk, desk.visitor(request), place, seen)
        except UserError as problem:
            return {k.seen: seen, tab.run.status: markup.error(problem)}
        return changed or {k.seen: gr.skip()}

    k.timer.tick(ticked, [k.place, k.seen], tab.watched, api_name="training_tick", **AT_ONCE)


def wire_moving(tab: TrainingTab, desk: Desk) -> None:
    """The row of steps, the queue, and the buttons that lead from step to step."""

    def moved(place: Place, request: gr.Request, step: str = "", job: str = "") -> Values:
        visitor = desk.visitor(request)
        try:
            if job:
                place = training.selected(visitor, desk.home, place, job)
            there, settings = training.moved(visitor, desk.home, place, step)
            values = show(tab, desk, visitor, there)
            return values if settings is None else values | field_values(tab.set, settings)
        except Exception as error:
            return {tab.message: markup.error(explain_failure(error))}

    def stepped(place: Place, step: str | None, request: gr.Request) -> Values:
        return moved(place, request, step=step or "")

    def picked(place: Place, job: str | None, request: gr.Request) -> Values:
        values = moved(place, request, job=job or "")
        return {tab.promote.message: "", **values}  # what was said of another job

    k = tab.keep
    shown = tab.filled
    tab.steps.select(stepped, [k.place, k.asked_step], shown, api_name="training_step", **LATEST)
    tab.run.queue.select(picked, [k.place, k.asked_job], shown, api_name="training_job", **LATEST)

    def fresh(request: gr.Request) -> Values:
        p = tab.preview
        cleared = {p.view: NO_PREVIEW, p.use: gr.update(value="Use these", interactive=False)}
        return cleared | moved(Place(), request)

    gr.on(
        [tab.run.fresh.click, tab.run.begin.click, tab.preview.back.click], fresh, None, shown,
        api_name="training_new", **AT_ONCE,
    )  # fmt: skip
    for part in (tab.prove, tab.promote):
        part.begin.click(None, js="() => document.querySelector('[data-step=run]').click()")
    tab.choose.open_corrections.click(None, js="() => { location.href = './corrections'; }")
