"""Events of the Scene tab that lead to the model: opening a page, Look, an example, Cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inference.errors import Cancelled, UserError
from ui.components import markup
from ui.scene import view as pieces
from ui.scene.correct import five_seconds, present
from ui.scene.handlers import run as scene
from ui.scene.handlers.restore import restore
from ui.scene.show import (
    SceneTab,
    Values,
    all_parts,
    form_values,
    idle,
    messages,
    working,
)
from ui.shell.address import from_query
from ui.shell.desk import Desk, adapters_for
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE, QUIET
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame, frame_values
from ui.shell.results import StoredResult
from ui.shell.visitors import Role, Visitor

ENDPOINTS: dict[str, Role] = {
    **{f"scene_{name}": "viewer" for name in (
        "open", "look", "example", "picture", "preset", "prompt", "stop")},
    **{f"scene_run_{name}": "viewer" for name in ("open", "look", "example")},
    **{f"scene_draw_{name}": "viewer" for name in ("open", "look", "example")},
}  # fmt: skip
STOPPED = "Stopped. Your settings are kept."
FORGOTTEN = "Too many people asked at once, and this was left out. Press Look once more."


def wire_opening(tab: SceneTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Restores a link's or this browser's scene, and runs the model if it has to."""
    a, k = tab.ask, tab.keep

    def opened(memory: Any, request: gr.Request) -> Values:
        kept = memory.items() if isinstance(memory, dict) else ()
        remembered = {key: value for key, value in kept if isinstance(value, str)}
        visitor = desk.visitor(request)
        known = [entry.name for entry in adapters_for(visitor, desk.services)]
        address = from_query(dict(request.query_params), known)
        found = restore(visitor, desk, address, remembered)
        five = isinstance(memory, dict) and memory.get("five")
        values = form_values(tab, desk, visitor, found.form)
        values |= frame_values(frame, desk)
        values[k.run] = found.run.id if found.run else ""
        values[tab.result.empty] = gr.update(
            value=pieces.empty(bool(desk.services.examples())), visible=found.result is None
        )
        if found.form.image is None:
            del values[a.image]  # one that was dropped while the page was still opening stays
        if found.message:
            values[a.image_message] = markup.hint(found.message)
        values[a.look] = gr.update(interactive=True)
        values[a.examples] = pieces.examples(desk.services.examples(), found.form.example)
        values |= five_seconds(tab, desk, visitor, five)
        if found.run:
            values |= working(tab, found.run.snapshot())
        if found.result is not None:
            values |= {k.result: found.result.id, k.linked: None}
            veiled = bool(five) and remembered.get("veiled") == found.result.id
            values |= present(tab, desk, visitor, found.result, found.form.view, veiled=veiled)
        return values

    first = page.load(
        opened, [k.memory], all_parts(tab, frame), api_name="scene_open", **QUIET,
    )  # fmt: skip
    _then_run(tab, desk, frame, first, "open")


def wire_looking(tab: SceneTab, desk: Desk, frame: Frame) -> None:
    """Look, Enter, an example, another forced answer; Cancel stops any of them."""
    a, k = tab.ask, tab.keep
    outputs = [
        a.progress, a.look, a.cancel, a.image_message, a.prompt_message, a.adapter_message,
        a.image, k.example, k.run, k.memory, k.chosen, a.examples,
    ]  # fmt: skip

    def began(values: Values, request: gr.Request) -> Values:
        form = tab.read_form(values)
        desk.runs.supersede(values[k.run])
        try:
            run, image = scene.begin(desk.visitor(request), desk, form)
        except UserError as problem:
            return idle(tab) | messages(tab, problem) | {k.run: ""}
        kept = tab.memory(values, run=run.id)
        # Chosen tokens belong to the answer before; a link's view waits for its own result.
        chosen = values[k.chosen] if values[k.linked] is not None else []
        return working(tab, run.snapshot()) | messages(tab, None) | {
            a.image_message: markup.hint(scene.size_note(image)),
            k.run: run.id, k.memory: kept, k.chosen: chosen,
        }  # fmt: skip

    def picked(values: Values, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        example = scene.example_of(visitor, desk.services, str(values[k.asked_example]))
        chosen = {**values, a.image: str(example.path), k.example: example.id}
        strip = pieces.examples(desk.services.examples(), example.id)
        return began(chosen, request) | {
            a.image: str(example.path),
            k.example: example.id,
            a.examples: strip,
        }

    def checked(values: Values, request: gr.Request) -> Values:
        cleared = {k.example: None, a.examples: pieces.examples(desk.services.examples(), None)}
        try:
            note = scene.check_picture(desk.visitor(request), desk.services, values[a.image])
        except UserError as problem:
            return cleared | {a.image_message: markup.error(problem)}
        return cleared | {a.image_message: markup.hint(note)}

    looks = gr.on(
        [a.look.click, a.prompt.submit, tab.settings.forced.input],
        began,
        tab.inputs,
        outputs,
        api_name="scene_look",
        **LATEST,
    )
    clicks = a.examples.select(picked, tab.inputs, outputs, api_name="scene_example", **LATEST)
    a.image.input(
        checked, {a.image}, [k.example, a.image_message, a.examples], api_name="scene_picture",
        **LATEST,
    )  # fmt: skip
    a.preset.input(
        lambda text: text or gr.skip(), a.preset, a.prompt, api_name="scene_preset", **LATEST
    )
    a.prompt.input(
        lambda text: text if text in desk.services.prompts.values() else "",
        a.prompt,
        a.preset,
        api_name="scene_prompt",
        **LATEST,
    )
    for begin, name in ((looks, "look"), (clicks, "example")):
        _then_run(tab, desk, frame, begin, name)

    def stopped(run_id: str, request: gr.Request) -> Values:
        scene.stop(desk.visitor(request), desk, run_id)
        return idle(tab, STOPPED)

    a.cancel.click(stopped, k.run, [a.progress, a.look, a.cancel], api_name="scene_stop", **AT_ONCE)


def _then_run(tab: SceneTab, desk: Desk, frame: Frame, first: Any, name: str) -> None:
    """Follows the run that the event before has prepared, if it did, and draws its result.

    Two events: the first one speaks often, so it must not carry the whole page. Neither is dropped
    while one for an earlier picture is still ending ("multiple"). Neither says which run the page
    has (`k.run`): by the time that one ends, the next may have begun.
    """
    a, k = tab.ask, tab.keep
    spoken = [
        a.progress, a.look, a.cancel, a.image_message, a.prompt_message, a.adapter_message, k.fresh,
    ]  # fmt: skip

    def ran(values: Values, request: gr.Request) -> Iterator[Values]:
        run = desk.runs.get(values[k.run])
        if run is None:
            # gradio 6.31 undoes the event before when a generator ends without any value.
            yield {k.fresh: ""} | (idle(tab, FORGOTTEN) if values[k.run] else {})
            return
        last = ""
        try:
            for step in scene.look(desk.visitor(request), desk, run):
                if isinstance(step, StoredResult):
                    yield {k.fresh: step.id}
                elif (text := markup.progress(step)) != last:
                    last = text
                    yield working(tab, step)
        except Cancelled:
            # Cancel said so already; said again, since a step may have been on its way meanwhile.
            # (gradio's own `cancels` would leave such a late step as the last word.)
            yield {k.fresh: ""} if run.superseded else idle(tab, STOPPED)
        except Exception as error:
            if run.superseded:
                yield {k.fresh: ""}
                return
            yield _failed(tab, explain_failure(error))

    def drawn(values: Values, request: gr.Request) -> Values:
        result = desk.results.get(values[k.fresh])
        if result is None:  # the next picture's may be on its way already
            return {k.fresh: gr.skip()}
        try:
            return _finished(tab, desk, frame, desk.visitor(request), result, values)
        except Exception as error:
            return {k.fresh: "", **_failed(tab, explain_failure(error))}

    running = first.then(
        ran, tab.inputs, spoken, concurrency_id=MODEL_QUEUE, concurrency_limit=1,
        api_name=f"scene_run_{name}", trigger_mode="multiple", **QUIET,
    )  # fmt: skip
    running.then(
        drawn, tab.inputs, all_parts(tab, frame), queue=False, api_name=f"scene_draw_{name}",
        trigger_mode="multiple", **QUIET,
    )  # fmt: skip


def _finished(
    tab: SceneTab, desk: Desk, frame: Frame, visitor: Visitor, result: StoredResult, values: Values
) -> Values:
    settings, five = tab.read_form(values).view, bool(values[tab.ask.five])
    new = present(tab, desk, visitor, result, settings, veiled=five)
    memory = tab.memory(values, result=result.id, veiled=new[tab.correct.veiled])
    following = desk.runs.get(values[tab.keep.run])
    busy = following is not None and not following.done.is_set()  # the next one has begun already
    return {tab.keep.fresh: ""} | (
        new
        | ({} if busy else idle(tab))
        | frame_values(frame, desk)
        | {tab.keep.result: result.id, tab.keep.linked: None, tab.keep.memory: memory}
    )


def _failed(tab: SceneTab, problem: UserError) -> Values:
    if problem.field in ("image", "prompt", "adapter"):
        return idle(tab) | messages(tab, problem)
    return idle(tab) | {tab.ask.progress: markup.error(problem)}
