"""Events of the Scene page's corrections: mark, save, withdraw; and how a result is drawn with
them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.scene.handlers import correct
from ui.scene.handlers import view as scene_view
from ui.scene.handlers.correct import GONE, CorrectionForm, Mine, Verdict
from ui.scene.handlers.run import SceneForm
from ui.scene.parts import Scene
from ui.scene.show import Values, freshness, hide_answers, memory, read_form, show
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE
from ui.shell.failures import explain_failure
from ui.shell.results import StoredResult
from ui.shell.visitors import Role, Visitor, require

ENDPOINTS: dict[str, Role] = {
    "scene_correct": "annotator",
    "scene_right": "annotator",
    "scene_no_hazard": "annotator",
    "scene_mark": "annotator",
    "scene_mark_close": "viewer",
    "scene_withdraw": "annotator",
    "scene_reveal": "viewer",
}


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
    view = scene_view.view(visitor, desk, result, form.view, mine.point, mine.draft)
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
    outputs = [part for part in tab.outputs if part not in (tab.image, tab.prompt)]
    common = {**AT_ONCE, "trigger_mode": "once"}

    def bind(trigger: Any, name: str, act: Callable[..., str]) -> None:
        """act(visitor, values, event): what was confirmed. The result is drawn again with the
        corrections as they are now; what goes wrong is said, and the form stays."""

        def acted(values: Values, event: gr.EventData, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            try:
                confirmed = act(visitor, values, event)
                result = scene_view.stored(desk, values[tab.result], GONE)
                drawn = present(tab, desk, visitor, result, read_form(tab, values))
            except Exception as error:
                problem = explain_failure(error)
                places = (tab.message, tab.mark_message)
                here, other = places[::-1] if problem.field == "point" else places
                return {here: markup.error(problem), other: ""}
            drawn[tab.message] = markup.confirmed(confirmed)
            drawn[tab.memory] = memory(tab, values, result=result.id, veiled="")
            if act is withdrawn:  # which says nothing about a mark that is being made
                del drawn[tab.place]
            elif act is not revealed:  # only now that it is stored may the form forget
                drawn |= dict.fromkeys(tab.editors[read_form(tab, values).task].values(), "")
            return drawn

        inputs = {*tab.inputs, *tab.fields}
        trigger(acted, inputs, outputs, api_name=name, **common)

    def saving(verdict: Verdict) -> Callable[..., str]:
        def saved(visitor: Visitor, values: Values, event: gr.EventData) -> str:
            now = read_form(tab, values)
            sent = {name: values[part] for name, part in tab.editors[now.task].items()}
            form = CorrectionForm(verdict, sent, five_second=bool(values[tab.veiled]))
            return correct.save(visitor, desk, values[tab.result], form, now)

        return saved

    def withdrawn(visitor: Visitor, values: Values, event: gr.EventData) -> str:
        asked = str(getattr(event, "id", ""))
        return correct.withdraw(visitor, desk, values[tab.result], asked)

    def revealed(visitor: Visitor, values: Values, event: gr.EventData) -> str:
        return ""

    bind(tab.save.click, "scene_correct", saving("wrong"))
    bind(tab.right.click, "scene_right", saving("right"))
    bind(tab.nothing.click, "scene_no_hazard", saving("none"))
    bind(tab.mine.select, "scene_withdraw", withdrawn)
    bind(tab.reveal.click, "scene_reveal", revealed)

    def marking(request: gr.Request) -> Values:
        try:
            require(desk.visitor(request), "annotator", "Correcting")
        except UserError as problem:
            return {tab.message: markup.error(problem)}
        return {tab.place: gr.update(visible=True), tab.message: ""}

    def closing() -> Values:
        return {tab.place: gr.update(visible=False)}

    opened = [tab.place, tab.message]
    tab.wrong.click(marking, None, opened, api_name="scene_mark", **common).then(
        None, js="() => window.sightline.marker.open()"
    )
    tab.close.click(closing, None, opened, api_name="scene_mark_close", **common).then(
        None, js="() => window.sightline.marker.close()"
    )
