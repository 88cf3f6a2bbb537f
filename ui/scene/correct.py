"""Events of the Scene tab's corrections: mark, save, withdraw; and what they look like."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.scene.handlers import correct
from ui.scene.handlers import view as scene_view
from ui.scene.handlers.correct import CorrectionForm, Verdict
from ui.scene.show import SceneTab, Values, all_parts, show
from ui.shell.address import ViewSettings
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
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


def present(
    tab: SceneTab, desk: Desk, visitor: Visitor, result: StoredResult, settings: ViewSettings,
    *, veiled: bool = False,
) -> Values:  # fmt: skip
    """A finished result with its corrections. veiled: only the picture, until the person has
    answered; then nothing of either answer is sent to the browser."""
    veiled = veiled and visitor.may("annotator") and desk.services.home is not None
    try:
        editor, problem = correct.editor(visitor, desk, result, hidden=veiled), None
    except UserError as failed:  # a store that cannot be read hides no answer
        editor, problem = None, failed
    human = editor.mine.point if editor else None
    shown = show(tab, scene_view.view(visitor, desk, result, settings, human))
    veiled = veiled and editor is not None
    if veiled:
        shown |= _nothing_of(tab)
    return shown | _corrections(tab, desk, editor, problem, result.id if veiled else "")


def _nothing_of(tab: SceneTab) -> Values:
    hidden = {part: gr.update(visible=False) for part in (
        tab.result.box, tab.settings.box, tab.keep.box, tab.result.empty)}  # fmt: skip
    blank: Values = {}
    for part in vars(tab.result).values():
        if isinstance(part, gr.Plot):
            blank[part] = None
        elif isinstance(part, gr.HTML) and part is not tab.result.empty:
            blank[part] = ""
    return blank | hidden


def _corrections(
    tab: SceneTab, desk: Desk, editor: correct.Editor | None, problem: UserError | None, veiled: str
) -> Values:
    c = tab.correct
    kept = desk.services.home is not None
    values: Values = {
        c.box: gr.update(visible=kept),
        c.message: markup.error(problem),
        c.mark_message: "",
        c.veiled: veiled,
        c.verdicts: gr.update(visible=not veiled),
        c.place: gr.update(visible=bool(veiled)),
        c.close: gr.update(visible=not veiled),
        c.none_here: gr.update(visible=bool(veiled)),
        c.reveal: gr.update(visible=bool(veiled)),
    }
    if editor is not None:
        able = gr.update(interactive=editor.problem is None)
        values |= {c.invitation: editor.invitation, c.picture: editor.picture}
        values |= {c.mine: editor.list}
        values |= dict.fromkeys((c.wrong, c.right, c.nothing), able)
    return values


def wire_correcting(tab: SceneTab, desk: Desk, frame: Frame) -> None:
    c, k = tab.correct, tab.keep
    inputs = {*tab.inputs, c.mark, c.kind, c.rationale, c.veiled}
    outputs = all_parts(tab, frame)
    common = {**AT_ONCE, "trigger_mode": "once"}

    def again(values: Values, visitor: Visitor, said: str) -> Values:
        """The result with the corrections as they are now, and what was confirmed."""
        result = correct.result_of(desk, values[k.result])
        drawn = present(tab, desk, visitor, result, tab.read_form(values).view)
        memory = tab.memory(values, result=result.id, veiled="")
        return drawn | {c.message: markup.confirmed(said), k.memory: memory}

    def failed(error: Exception) -> Values:
        problem = explain_failure(error)
        at_mark = problem.field == "point"
        text = markup.error(problem)
        return {c.mark_message: text if at_mark else "", c.message: "" if at_mark else text}

    def saving(verdict: Verdict) -> Callable[..., Values]:
        def saved(values: Values, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            form = CorrectionForm(
                verdict, values[c.mark] or "", values[c.kind], values[c.rationale] or "",
                five_second=bool(values[c.veiled]),
            )  # fmt: skip
            try:
                said = correct.save(visitor, desk, values[k.result], form)
            except Exception as error:
                return failed(error)
            # Only now that it is stored may the form forget.
            return again(values, visitor, said) | {c.mark: "", c.kind: "", c.rationale: ""}

        return saved

    def withdrawn(values: Values, event: gr.EventData, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        try:
            said = correct.withdraw(visitor, desk, values[k.result], str(getattr(event, "id", "")))
        except Exception as error:
            return failed(error)
        drawn = again(values, visitor, said)
        # Undo says nothing about a mark that is being made.
        return {part: value for part, value in drawn.items() if part is not c.place}

    def marking(request: gr.Request) -> Values:
        try:
            correct.may_correct(desk.visitor(request))
        except UserError as problem:
            return {c.message: markup.error(problem)}
        return {c.place: gr.update(visible=True), c.message: ""}

    def revealed(values: Values, request: gr.Request) -> Values:
        try:
            return again(values, desk.visitor(request), "")
        except Exception as error:
            return failed(error)

    verdicts: tuple[tuple[gr.Button, Verdict, str], ...] = (
        (c.save, "wrong", "scene_correct"),
        (c.right, "right", "scene_right"),
        (c.nothing, "no_hazard", "scene_no_hazard"),
        (c.none_here, "no_hazard", "scene_no_hazard_marked"),
    )
    for button, verdict, name in verdicts:
        button.click(saving(verdict), inputs, outputs, api_name=name, **common)
    c.mine.select(withdrawn, inputs, outputs, api_name="scene_withdraw", **common)
    c.reveal.click(revealed, inputs, outputs, api_name="scene_reveal", **common)
    opened = c.wrong.click(marking, None, [c.place, c.message], api_name="scene_mark", **common)
    opened.then(None, js="() => window.sightline.marker.show()")
    c.close.click(
        lambda: gr.update(visible=False), None, c.place, api_name="scene_mark_close", **common
    )


def five_seconds(tab: SceneTab, desk: Desk, visitor: Visitor, on: object) -> Values:
    """The switch of the five-second mode, for a visitor who may correct."""
    able = visitor.may("annotator") and desk.services.home is not None
    return {tab.ask.five: gr.update(value=bool(on) and able, visible=able)}
