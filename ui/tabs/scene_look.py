"""Events of the Scene tab that lead to the model: opening a page, Look, an example, Cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inference.errors import Cancelled, UserError
from ui import markup
from ui.address import from_query
from ui.frame import Frame, frame_values
from ui.handlers import scene
from ui.handlers.desk import Desk, SceneForm
from ui.handlers.restore import restore
from ui.store import StoredResult
from ui.tabs.scene_show import (
    SceneTab,
    Values,
    all_parts,
    form_values,
    idle,
    messages,
    show,
    working,
)

MODEL_QUEUE = "model"
STOPPED = "Stopped. Your settings are kept."


def wire_opening(tab: SceneTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Restores a link's or this browser's scene, and runs the model if it has to."""
    a, k = tab.ask, tab.keep

    def opened(memory: Any, request: gr.Request) -> Values:
        kept = memory.items() if isinstance(memory, dict) else ()
        remembered = {key: value for key, value in kept if isinstance(value, str)}
        found = restore(desk, from_query(dict(request.query_params)), remembered)
        values = form_values(tab, desk, found.form) | frame_values(frame, desk, found.form.adapter)
        values[k.run] = found.run.id if found.run else ""
        values[tab.result.empty] = gr.update(
            value=markup.empty(bool(desk.services.examples())), visible=found.result is None
        )
        values[a.image_message] = markup.hint(found.message)
        values[a.examples] = markup.examples(desk.services.examples(), found.form.example)
        if found.run:
            values |= working(tab, found.run.snapshot())
        if found.result is not None:
            values |= {k.result: found.result.id, k.linked: None}
            values |= show(tab, scene.view(desk, found.result, found.form.view))
        return values

    first = page.load(
        opened, [k.memory], all_parts(tab, frame), api_visibility="private", show_progress="hidden"
    )
    _then_run(tab, desk, frame, first)


def wire_looking(tab: SceneTab, desk: Desk, frame: Frame) -> None:
    """Look, Enter, an example, another forced answer; Cancel stops any of them."""
    a, k = tab.ask, tab.keep
    outputs = [
        a.progress, a.look, a.cancel, a.image_message, a.prompt_message, a.adapter_message,
        a.image, k.example, k.run, k.memory, k.chosen, a.examples,
    ]  # fmt: skip

    def began(values: Values, event: Any = None) -> Values:
        form = tab.read_form(values)
        try:
            run, order = scene.begin(desk, form)
        except UserError as problem:
            return idle(tab) | messages(tab, problem)
        desk.runs.supersede(values[k.run])
        kept = {"result": values[k.result], "run": run.id}
        # Chosen tokens belong to the answer before; a link's view waits for its own result.
        chosen = values[k.chosen] if values[k.linked] is not None else []
        return working(tab, run.snapshot()) | messages(tab, None) | {
            a.image_message: markup.hint(scene.size_note(order.image)),
            k.run: run.id, k.memory: kept, k.chosen: chosen,
        }  # fmt: skip

    def picked(values: Values, event: gr.EventData) -> Values:
        example = scene.example_of(desk.services, str(event.id))
        chosen = {**values, a.image: str(example.path), k.example: example.id}
        strip = markup.examples(desk.services.examples(), example.id)
        return began(chosen) | {
            a.image: str(example.path),
            k.example: example.id,
            a.examples: strip,
        }

    def checked(values: Values) -> Values:
        cleared = {k.example: None, a.examples: markup.examples(desk.services.examples(), None)}
        try:
            note = scene.check_picture(desk.services, values[a.image])
        except UserError as problem:
            return cleared | {a.image_message: markup.error(problem)}
        return cleared | {a.image_message: markup.hint(note)}

    common = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    looks = gr.on(
        [a.look.click, a.prompt.submit, tab.settings.forced.input],
        began,
        tab.inputs,
        outputs,
        **common,
    )
    clicks = a.examples.select(picked, tab.inputs, outputs, **common)
    a.image.input(checked, {a.image}, [k.example, a.image_message, a.examples], **common)
    a.preset.input(lambda text: text or gr.skip(), a.preset, a.prompt, **common)
    a.prompt.input(
        lambda text: text if text in desk.services.prompts.values() else "",
        a.prompt,
        a.preset,
        **common,
    )
    for begin in (looks, clicks):
        _then_run(tab, desk, frame, begin)

    def stopped(run_id: str) -> Values:
        desk.runs.cancel(run_id)
        return idle(tab, STOPPED)

    a.cancel.click(stopped, k.run, [a.progress, a.look, a.cancel, k.run], **common)


def _then_run(tab: SceneTab, desk: Desk, frame: Frame, first: Any) -> None:
    """Follows the run that the event before has prepared, if it did, and draws its result.

    Two events: the first one speaks often, so it must not carry the whole page.
    """
    a, k = tab.ask, tab.keep
    spoken = [
        a.progress,
        a.look,
        a.cancel,
        a.image_message,
        a.prompt_message,
        a.adapter_message,
        k.run,
        k.result,
        k.linked,
        k.memory,
        k.fresh,
    ]

    def ran(values: Values) -> Iterator[Values]:
        run = desk.runs.get(values[k.run])
        if run is None:
            # gradio 6.31 undoes the event before when a generator ends without any value.
            yield {k.run: ""}
            return
        last = ""
        try:
            for step in scene.look(desk, run):
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
            yield _failed(tab, scene.explain_failure(error))

    def drawn(values: Values) -> Values:
        result = desk.results.get(values[k.fresh])
        if result is None:
            return {k.fresh: ""}
        try:
            return _finished(tab, desk, frame, result, tab.read_form(values))
        except Exception as error:
            return {k.fresh: "", **_failed(tab, scene.explain_failure(error))}

    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    running = first.then(
        ran, tab.inputs, spoken, concurrency_id=MODEL_QUEUE, concurrency_limit=1, **quiet
    )
    running.then(drawn, tab.inputs, all_parts(tab, frame), queue=False, **quiet)


def _finished(
    tab: SceneTab, desk: Desk, frame: Frame, result: StoredResult, form: SceneForm
) -> Values:
    request = result.pair.request
    view = scene.view(desk, result, form.view)
    return {tab.keep.fresh: ""} | (
        show(tab, view)
        | idle(tab)
        | frame_values(frame, desk, request.adapter)
        | {tab.keep.result: result.id, tab.keep.linked: None}
        | {tab.keep.memory: {"result": result.id, "run": ""}}
    )


def _failed(tab: SceneTab, problem: UserError) -> Values:
    if problem.field in ("image", "prompt", "adapter"):
        return idle(tab) | messages(tab, problem)
    return idle(tab) | {tab.ask.progress: markup.error(problem)}
