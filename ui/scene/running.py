"""Events of the Scene page that lead to the model: opening, Compare, an example, Cancel; and those
that change the form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inference.errors import Cancelled, UserError
from inference.registry import task as find_task
from ui.components import markup
from ui.components.endpoints import Endpoints, Event, needs
from ui.scene import view as pieces
from ui.scene.address import from_query
from ui.scene.correcting import able_to_correct, present
from ui.scene.handlers import run as scene
from ui.scene.handlers.restore import restore
from ui.scene.parts import Scene
from ui.scene.show import (
    Values,
    form_values,
    freshness,
    idle,
    memory,
    messages,
    read_form,
    task_values,
    working,
)
from ui.shell.desk import Desk, adapter_choices, adapters_for, usual_adapter
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE, QUIET
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame, frame_values
from ui.shell.results import StoredResult
from ui.shell.visitors import Visitor

NEEDS = needs(
    "open look example picture task preset prompt choose_adapter adapter_in_use stop run_open "
    "run_look run_example draw_open draw_look draw_example",
    {},
)
STOPPED = "Stopped. Your settings are kept."
FORGOTTEN = f"Too many people asked at once, and this was left out. {scene.AGAIN}."


def wire_opening(tab: Scene, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Restores a link's or this browser's scene, and runs the model if it has to."""

    def opened(kept: Any, request: gr.Request) -> Values:
        kept = kept if isinstance(kept, dict) else {}
        remembered = {key: value for key, value in kept.items() if isinstance(value, str)}
        visitor = desk.visitor(request)
        known = [entry.name for entry in adapters_for(visitor, desk.services)]
        address = from_query(dict(request.query_params), known)
        found = restore(visitor, desk, address, remembered)
        able = able_to_correct(visitor, desk)
        five = bool(kept.get("five")) and able
        values = form_values(tab, desk, visitor, found.form)
        values |= frame_values(frame, desk)
        values |= {
            tab.run: found.run.id if found.run else "",
            tab.empty: gr.update(
                value=pieces.empty(bool(desk.services.examples())), visible=found.result is None
            ),
            tab.compare: gr.update(interactive=True),
            tab.examples: pieces.examples(desk.services.examples(), found.form.example),
            tab.five: gr.update(value=five, visible=able),
        }
        if found.form.image is None:
            del values[tab.image]  # one that was dropped while the page was still opening stays
        if found.message:
            values[tab.image_message] = markup.hint(found.message)
        if found.run:
            values |= working(tab, found.run.snapshot())
        if found.result is not None:
            values |= {tab.result: found.result.id, tab.linked: None}
            veiled = five and remembered.get("veiled") == found.result.id
            values |= present(tab, desk, visitor, found.result, found.form, veiled=veiled)
        return values

    outputs = [*tab.outputs, *vars(frame).values()]
    first = page.load(opened, [tab.memory], outputs, api_name="scene_open", **QUIET)
    _then_run(tab, desk, frame, first, "open")


def wire_running(tab: Scene, desk: Desk, frame: Frame) -> None:
    """Compare, Enter, an example, another forced answer; Cancel stops any of them."""
    outputs = [
        tab.progress, tab.compare, tab.cancel, tab.image_message, tab.prompt_message,
        tab.adapter_message, tab.image, tab.example, tab.run, tab.memory, tab.chosen, tab.examples,
    ]  # fmt: skip

    def began(values: Values, request: gr.Request) -> Values:
        desk.runs.supersede(values[tab.run])
        try:
            run, image = scene.begin(desk.visitor(request), desk, read_form(tab, values))
        except UserError as problem:
            return idle(tab) | messages(tab, problem) | {tab.run: ""}
        # Chosen tokens belong to the answer before; a link's view waits for its own result.
        chosen = values[tab.chosen] if values[tab.linked] is not None else []
        return working(tab, run.snapshot()) | messages(tab, None) | {
            tab.image_message: markup.hint(scene.size_note(image)),
            tab.run: run.id, tab.memory: memory(tab, values, run=run.id), tab.chosen: chosen,
        }  # fmt: skip

    def picked(values: Values, request: gr.Request) -> Values:
        asked = str(values[tab.asked_example])
        example = scene.example_of(desk.services, asked)
        chosen = {tab.image: str(example.path), tab.example: example.id}
        strip = pieces.examples(desk.services.examples(), example.id)
        return began({**values, **chosen}, request) | chosen | {tab.examples: strip}

    compares = gr.on(
        [tab.compare.click, tab.prompt.submit, tab.forced.input],
        began, tab.inputs, outputs, api_name="scene_look", **LATEST,
    )  # fmt: skip
    clicks = tab.examples.select(picked, tab.inputs, outputs, api_name="scene_example", **LATEST)
    for begin, name in ((compares, "look"), (clicks, "example")):
        _then_run(tab, desk, frame, begin, name)

    def stopped(run_id: str) -> Values:
        desk.runs.cancel(run_id)  # an id cannot be guessed: only its own page has it
        return idle(tab, STOPPED)

    tab.cancel.click(
        stopped, tab.run, [tab.progress, tab.compare, tab.cancel], api_name="scene_stop", **AT_ONCE
    )


def wire_form(tab: Scene, desk: Desk, frame: Frame) -> None:
    """Changes of the form: what depends on the changed field, and whether the result still fits."""
    ends = Endpoints(desk, "scene", NEEDS)
    marks = [tab.stale, tab.right, tab.wrong, tab.nothing, tab.save]

    def now(visitor: Visitor, values: Values, **changes: Any) -> Values:
        result = desk.results.get(values[tab.result])
        if result is None:
            return {tab.stale: ""}
        changed = {getattr(tab, name): value for name, value in changes.items()}
        form = read_form(tab, {**values, **changed})
        return freshness(tab, form, result, able_to_correct(visitor, desk))

    def image(visitor: Visitor, values: Values) -> Values:
        cleared = {tab.example: None, tab.examples: pieces.examples(desk.services.examples(), None)}
        try:
            said = markup.hint(scene.check_image(desk.services, values[tab.image]))
        except UserError as problem:
            said = markup.error(problem)
        return cleared | {tab.image_message: said} | now(visitor, values, example=None)

    def task(visitor: Visitor, values: Values) -> Values:
        name = values[tab.task]
        if name == values[tab.shown_task]:  # gradio tells of a list that was only left, too
            return {tab.shown_task: name}
        prompt = find_task(name).prompt
        adapter = usual_adapter(visitor, desk.services, name)
        changed = task_values(tab, desk, visitor, name, prompt, adapter)
        return changed | now(visitor, values, prompt=prompt, adapter=adapter)

    def preset(visitor: Visitor, values: Values) -> Values:
        text = values[tab.preset] or values[tab.prompt]
        return {tab.prompt: text, **now(visitor, values, prompt=text)}

    def prompt(visitor: Visitor, values: Values) -> Values:
        prompts = find_task(values[tab.task]).prompts.values()
        known = values[tab.prompt] if values[tab.prompt] in prompts else ""
        return {tab.preset: known, **now(visitor, values)}

    def adapter(visitor: Visitor, values: Values) -> Values:
        return {tab.adapter_message: "", **now(visitor, values)}

    def in_use(visitor: Visitor, values: Values) -> Values:
        """Another adapter is in use now: it is chosen, whatever was chosen before."""
        choices = adapter_choices(visitor, desk.services, values[tab.task])
        usual = desk.services.default_adapter() or ""
        chosen = usual if usual in [name for _, name in choices] else ""
        update = gr.update(choices=choices, value=chosen)
        return {**now(visitor, values, adapter=chosen), tab.adapter: update}

    def on(trigger: Any, name: str, event: Event, outputs: list[Any], **more: Any) -> None:
        inputs, how = {*tab.inputs, tab.preset}, {**LATEST, **more}
        shown = [*outputs, *marks, tab.progress]
        ends.bind(trigger, name, event, inputs, shown, tab.progress, **how)

    on(tab.image.input, "picture", image, [tab.example, tab.image_message, tab.examples])
    boxes = tab.editor_boxes.values()
    on(tab.task.input, "task", task,
       [tab.shown_task, tab.preset, tab.prompt, tab.adapter, *boxes])  # fmt: skip
    on(tab.preset.input, "preset", preset, [tab.prompt])
    # Not `input`: gradio does not tell of letters that are deleted.
    on(tab.prompt.change, "prompt", prompt, [tab.preset])
    on(tab.adapter.input, "choose_adapter", adapter, [tab.adapter_message])
    on(frame.news.apply, "adapter_in_use", in_use, [tab.adapter], trigger_mode="once")


def _then_run(tab: Scene, desk: Desk, frame: Frame, first: Any, name: str) -> None:
    """Follows the run that the event before has prepared, if it did, and draws its result.

    Two events: the first one speaks often, so it must not carry the whole page. Neither is dropped
    while one for an earlier image is still ending ("multiple"). Neither says which run the page has
    (`tab.run`): by the time that one ends, the next may have begun.
    """
    spoken = [
        tab.progress, tab.compare, tab.cancel, tab.image_message, tab.prompt_message,
        tab.adapter_message, tab.fresh,
    ]  # fmt: skip

    def ran(values: Values) -> Iterator[Values]:
        run = desk.runs.get(values[tab.run])
        if run is None:
            # gradio 6.31 undoes the event before when a generator ends without any value.
            yield {tab.fresh: ""} | (idle(tab, FORGOTTEN) if values[tab.run] else {})
            return
        last = ""
        try:
            for step in scene.follow(desk, run):
                if isinstance(step, StoredResult):
                    yield {tab.fresh: step.id}
                elif (text := markup.progress(step)) != last:
                    last = text
                    yield working(tab, step)
        except Cancelled:
            # Cancel said so already; said again, since a step may have been on its way meanwhile.
            # (gradio's own `cancels` would leave such a late step as the last word.)
            yield {tab.fresh: ""} if run.superseded else idle(tab, STOPPED)
        except Exception as error:
            problem = explain_failure(error)
            yield {tab.fresh: ""} if run.superseded else idle(tab) | messages(tab, problem)

    def drawn(values: Values, request: gr.Request) -> Values:
        result = desk.results.get(values[tab.fresh])
        if result is None:  # the next image's may be on its way already
            return {tab.fresh: gr.skip()}
        visitor, form = desk.visitor(request), read_form(tab, values)
        try:
            new = present(tab, desk, visitor, result, form, veiled=bool(values[tab.five]))
        except Exception as error:
            return {tab.fresh: "", **idle(tab), **messages(tab, explain_failure(error))}
        following = desk.runs.get(values[tab.run])
        busy = following is not None and not following.done.is_set()  # the next one has begun
        kept = memory(tab, values, result=result.id, veiled=new[tab.veiled])
        return {
            **new,
            **({} if busy else idle(tab)),
            **frame_values(frame, desk),
            tab.fresh: "", tab.result: result.id, tab.linked: None, tab.memory: kept,
        }  # fmt: skip

    running = first.then(
        ran, tab.inputs, spoken, concurrency_id=MODEL_QUEUE, concurrency_limit=1,
        api_name=f"scene_run_{name}", trigger_mode="multiple", **QUIET,
    )  # fmt: skip
    running.then(
        drawn, tab.inputs, [*tab.outputs, *vars(frame).values()], queue=False,
        api_name=f"scene_draw_{name}", trigger_mode="multiple", **QUIET,
    )  # fmt: skip
