"""Events of the Scene page's corrections: mark, save, withdraw; and how a result is drawn with
them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.components.endpoints import Endpoints, Event, needs
from ui.scene.handlers import correct
from ui.scene.handlers import view as scene_view
from ui.scene.handlers.correct import GONE, CorrectionForm, Mine, Verdict
from ui.scene.handlers.run import SceneForm
from ui.scene.parts import Scene
from ui.scene.show import Values, freshness, hide_answers, memory, read_form, show
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE
from ui.shell.results import StoredResult
from ui.shell.visitors import Role, Visitor

CORRECTING: tuple[Role, str] = ("annotator", "Correcting")
NEEDS = needs(
    "mark_close reveal",
    {
        **dict.fromkeys(("correct", "right", "no_hazard", "mark"), CORRECTING),
        "withdraw": ("annotator", "Withdrawing a correction"),
    },
)


def able_to_correct(visitor: Visitor, desk: Desk) -> bool:
    return visitor.may("annotator") and desk.services.home is not None


def present(
    tab: Scene, desk: Desk, visitor: Visitor, result: StoredResult, form: SceneForm,
    *, veiled: bool = False,
) -> Values:  # fmt: skip
    """A finished result with its corrections. veiled: only the image, until the person has
    answered; then nothing of either answer is sent to the browser."""
    able, stores = able_to_correct(visitor, desk), desk.services.home is not None
    veiled = veiled and able
    try:
        mine, problem = correct.mine(visitor, desk, result), None
    except UserError as failed:  # a store that cannot be read hides no answer
        mine, problem, veiled, able = Mine(), failed, False, False
    view = scene_view.view(desk, result, form.view, mine.point, mine.draft)
    values = show(tab, view, result)
    values |= freshness(tab, form, result, able)
    values |= {part: {**values[part], "visible": True} for part in (tab.right, tab.wrong)}
    if veiled:
        photo = scene_view.photo(desk, result, mine.draft, correct.FIVE_SECONDS)
        values |= hide_answers(tab, photo)
    invited = correct.invitation(visitor, veiled) if stores and not problem else ""
    return values | {
        tab.verdicts: gr.update(visible=stores),
        tab.invitation: markup.hint(invited),
        tab.mine: mine.html,
        tab.message: markup.error(problem),
        tab.mark_message: "",
        tab.veiled: result.id if veiled else "",
        tab.place: gr.update(visible=veiled),
        tab.close: gr.update(visible=not veiled),
        tab.reveal: gr.update(visible=veiled),
    }


def wire_correcting(tab: Scene, desk: Desk) -> None:
    ends = Endpoints(desk, "scene", NEEDS)
    inputs = {*tab.inputs, *tab.fields}
    outputs = [part for part in tab.outputs if part not in (tab.image, tab.prompt)]
    common = {**AT_ONCE, "trigger_mode": "once"}

    def again(visitor: Visitor, values: Values, said: str) -> Values:
        """The result with the corrections as they are now, and what was confirmed."""
        result = scene_view.stored(desk, values[tab.result], GONE)
        drawn = present(tab, desk, visitor, result, read_form(tab, values))
        kept = memory(tab, values, result=result.id, veiled="")
        return drawn | {tab.message: markup.confirmed(said), tab.memory: kept}

    def saving(verdict: Verdict) -> Event:
        def saved(visitor: Visitor, values: Values) -> Values:
            now = read_form(tab, values)
            editors = tab.editors[now.task]
            sent = {name: values[part] for name, part in editors.items()}
            form = CorrectionForm(verdict, sent, five_second=bool(values[tab.veiled]))
            try:
                said = correct.save(visitor, desk, values[tab.result], form, now)
            except UserError as problem:
                if problem.field != "point":
                    raise
                return {tab.mark_message: markup.error(problem), tab.message: ""}
            # Only now that it is stored may the form forget.
            return again(visitor, values, said) | dict.fromkeys(editors.values(), "")

        return saved

    def withdrawn(visitor: Visitor, values: Values) -> Values:
        asked = str(values[tab.asked_withdraw])
        said = correct.withdraw(visitor, desk, values[tab.result], asked)
        drawn = again(visitor, values, said)
        # Undo says nothing about a mark that is being made.
        return {part: value for part, value in drawn.items() if part is not tab.place}

    def revealed(visitor: Visitor, values: Values) -> Values:
        return again(visitor, values, "")

    def marking(visitor: Visitor, values: Values) -> Values:
        return {tab.place: gr.update(visible=True), tab.message: ""}

    def closing(visitor: Visitor, values: Values) -> Values:
        return {tab.place: gr.update(visible=False)}

    def bind(trigger: Any, name: str, event: Event) -> Any:
        return ends.bind(trigger, name, event, inputs, outputs, tab.message, **common)

    bind(tab.save.click, "correct", saving("wrong"))
    bind(tab.right.click, "right", saving("right"))
    bind(tab.nothing.click, "no_hazard", saving("none"))
    bind(tab.mine.select, "withdraw", withdrawn)
    bind(tab.reveal.click, "reveal", revealed)
    place = [tab.place, tab.message]
    for button, name, event, then in (
        (tab.wrong, "mark", marking, "open"), (tab.close, "mark_close", closing, "close"),
    ):  # fmt: skip
        bound = ends.bind(button.click, name, event, {tab.result}, place, tab.message, **common)
        bound.then(None, js=f"() => window.sightline.marker.{then}()")
