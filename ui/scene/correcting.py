"""Events of the Scene page's corrections: mark, save, withdraw; and how a result is drawn with
them."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.scene.handlers import correct
from ui.scene.handlers import view as scene_view
from ui.scene.handlers.correct import GONE, CorrectionForm, Verdict
from ui.scene.handlers.run import SceneForm
from ui.scene.parts import Scene
from ui.scene.show import Values, freshness, hide_answers, memory, read_form, show
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE
from ui.shell.failures import explain_failure
from ui.shell.results import StoredResult
from ui.shell.visitors import Role, Visitor

ENDPOINTS: dict[str, Role] = {
    "scene_correct": "annotator",
    "scene_right": "annotator",
    "scene_no_hazard": "annotator",
    "scene_no_hazard_marked": "annotator",
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
    able = able_to_correct(visitor, desk)
    veiled = veiled and able
    try:
        editor, problem = correct.editor(visitor, desk, result, hidden=veiled), None
    except UserError as failed:  # a store that cannot be read hides no answer
        editor, problem, veiled = None, failed, False
    human = editor.mine.point if editor else None
    draft = editor.draft if editor else ""
    view = scene_view.view(visitor, desk, result, form.view, human, draft)
    values = show(tab, view, result)
    if veiled:
        values |= hide_answers(tab, scene_view.photo(desk, result, draft, correct.FIVE_SECONDS))
    kept = desk.services.home is not None
    return values | {
        **freshness(tab, form, result, able and editor is not None),
        tab.verdicts: gr.update(visible=kept and not veiled),
        tab.invitation: editor.invitation if editor and kept else "",
        tab.mine: editor.standing if editor else "",
        tab.message: markup.error(problem),
        tab.mark_message: "",
        tab.veiled: result.id if veiled else "",
        tab.place: gr.update(visible=veiled),
        tab.close: gr.update(visible=not veiled),
        tab.reveal: gr.update(visible=veiled),
    }


def wire_correcting(tab: Scene, desk: Desk) -> None:
    inputs = {*tab.inputs, *tab.fields}
    common = {**AT_ONCE, "trigger_mode": "once"}

    def again(values: Values, visitor: Visitor, said: str) -> Values:
        """The result with the corrections as they are now, and what was confirmed."""
        result = scene_view.stored(desk, values[tab.result], GONE)
        drawn = present(tab, desk, visitor, result, read_form(tab, values))
        kept = memory(tab, values, result=result.id, veiled="")
        return drawn | {tab.message: markup.confirmed(said), tab.memory: kept}

    def failed(error: Exception) -> Values:
        problem = explain_failure(error)
        at_mark = problem.field == "point"
        text = markup.error(problem)
        return {tab.mark_message: text if at_mark else "", tab.message: "" if at_mark else text}

    def saving(verdict: Verdict) -> Callable[..., Values]:
        def saved(values: Values, request: gr.Request) -> Values:
            visitor, now = desk.visitor(request), read_form(tab, values)
            editors = tab.editors[now.task]
            sent = {name: values[part] for name, part in editors.items()}
            form = CorrectionForm(verdict, sent, five_second=bool(values[tab.veiled]))
            try:
                said = correct.save(visitor, desk, values[tab.result], form, now)
            except Exception as error:
                return failed(error)
            # Only now that it is stored may the form forget.
            return again(values, visitor, said) | dict.fromkeys(editors.values(), "")

        return saved

    def withdrawn(values: Values, event: gr.EventData, request: gr.Request) -> Values:
        visitor, asked = desk.visitor(request), str(getattr(event, "id", ""))
        try:
            said = correct.withdraw(visitor, desk, values[tab.result], asked)
        except Exception as error:
            return failed(error)
        drawn = again(values, visitor, said)
        # Undo says nothing about a mark that is being made.
        return {part: value for part, value in drawn.items() if part is not tab.place}

    def marking(request: gr.Request) -> Values:
        try:
            correct.may_correct(desk.visitor(request))
        except UserError as problem:
            return {tab.message: markup.error(problem)}
        return {tab.place: gr.update(visible=True), tab.message: ""}

    def revealed(values: Values, request: gr.Request) -> Values:
        try:
            return again(values, desk.visitor(request), "")
        except Exception as error:
            return failed(error)

    verdicts: tuple[tuple[gr.Button, Verdict, str], ...] = (
        (tab.save, "wrong", "scene_correct"),
        (tab.right, "right", "scene_right"),
        (tab.nothing, "none", "scene_no_hazard"),
        (tab.none_here, "none", "scene_no_hazard_marked"),
    )
    outputs = [part for part in tab.outputs if part not in (tab.image, tab.prompt)]
    for button, verdict, name in verdicts:
        button.click(saving(verdict), inputs, outputs, api_name=name, **common)
    tab.mine.select(withdrawn, inputs, outputs, api_name="scene_withdraw", **common)
    tab.reveal.click(revealed, inputs, outputs, api_name="scene_reveal", **common)
    opened = tab.wrong.click(
        marking, None, [tab.place, tab.message], api_name="scene_mark", **common
    )
    opened.then(None, js="() => window.sightline.marker.open()")
    closed = tab.close.click(
        lambda: gr.update(visible=False), None, tab.place, api_name="scene_mark_close", **common
    )
    closed.then(None, js="() => window.sightline.marker.close()")
