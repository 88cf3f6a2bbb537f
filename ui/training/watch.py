"""Events of the Run step: cancel, resume, try again with other settings, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE
from ui.shell.failures import explain_failure
from ui.shell.visitors import Visitor
from ui.training.begin import checked_values
from ui.training.handlers import run as training_run
from ui.training.handlers import submit as training_submit
from ui.training.handlers.place import Place
from ui.training.show import field_values, show
from ui.training.tab import TrainingTab, Values

Act = Callable[[Visitor, Desk, str], str]


def wire_running(tab: TrainingTab, desk: Desk) -> None:
    """Each button acts on the selected job and shows what became of it."""
    r, place = tab.run, tab.keep.place

    def acting(act: Act, stay: bool) -> Callable[[Place, gr.Request], Values]:
        def acted(place: Place, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            try:
                said = act(visitor, desk, place.job)
                there = place if stay else Place("run")
                return show(tab, desk, visitor, there) | {r.message: markup.note(said)}
            except Exception as error:
                return {r.message: markup.error(explain_failure(error))}

        return acted

    for button, act, stay, name in (
        (r.cancel, training_run.cancel, True, "cancel"),
        (r.resume, training_run.resume, True, "resume"),
        (r.really, training_run.delete, False, "delete"),
    ):
        button.click(acting(act, stay), place, tab.shown, api_name=f"training_{name}", **AT_ONCE)
    # Asking back shows a row and does nothing else: no role is needed for that.
    r.delete.click(lambda: gr.update(visible=True), None, r.confirm, **_named("ask_delete"))
    r.keep.click(lambda: gr.update(visible=False), None, r.confirm, **_named("keep"))
    _wire_retry(tab, desk)


def _named(name: str) -> dict[str, Any]:
    return {**AT_ONCE, "api_name": f"training_{name}"}


def _wire_retry(tab: TrainingTab, desk: Desk) -> None:
    s = tab.set

    def retried(place: Place, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        try:
            there, settings = training_submit.retry_place(visitor, desk, place.job)
            return show(tab, desk, visitor, there) | field_values(s, settings)
        except Exception as error:
            return {tab.run.message: markup.error(explain_failure(error))}

    outputs = [*tab.shown, *s.fields.values(), *s.messages.values()]
    filled = tab.run.retry.click(
        retried, tab.keep.place, outputs, api_name="training_retry", **AT_ONCE
    )
    inputs = {*s.fields.values(), s.name, s.runner, tab.keep.place}
    told = [*s.messages.values(), s.changed, s.message, s.start, s.command, s.config, s.about]

    def checked(values: Values, request: gr.Request) -> Values:
        return checked_values(tab, desk, desk.visitor(request), values)

    filled.then(checked, inputs, told, api_name="training_retry_check", **AT_ONCE)
