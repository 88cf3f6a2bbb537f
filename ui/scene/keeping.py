"""Events of the Scene page that work on a finished result (other maps, downloads, the link), and
those that load adapters."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from inference.errors import UserError
from ui.components import adapters, markup
from ui.scene.address import ViewSettings
from ui.scene.correcting import able_to_correct
from ui.scene.handlers import correct, downloads
from ui.scene.handlers import run as scene
from ui.scene.handlers import view as scene_view
from ui.scene.parts import Scene
from ui.scene.show import Values, adapter_choices, freshness, read_form, show
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame, frame_values
from ui.shell.visitors import Role, Visitor

ENDPOINTS: dict[str, Role] = {
    "scene_redraw": "viewer",
    "scene_tokens": "viewer",
    "scene_load_adapter": "trainer",
    "scene_unload_adapter": "trainer",
    "scene_png": "viewer",
    "scene_json": "viewer",
}


def wire_redrawing(tab: Scene, desk: Desk) -> None:
    outputs = [part for part in tab.outputs if part not in (tab.image, tab.prompt, tab.memory)]

    def redrawn(values: Values, request: gr.Request) -> Values:
        result = desk.results.get(values[tab.result])
        if result is None or values[tab.veiled]:
            return {tab.chosen: values[tab.chosen]}
        visitor, form = desk.visitor(request), read_form(tab, values)
        try:
            mine = correct.editor(visitor, desk, result)
            human, draft = mine.mine.point, mine.draft
            view = scene_view.view(visitor, desk, result, form.view, human, draft)
        except UserError as problem:
            return {tab.settings_message: markup.error(problem)}
        able = able_to_correct(visitor, desk)
        drawn = show(tab, view, result) | freshness(tab, form, result, able)
        return {part: value for part, value in drawn.items() if part is not tab.verdicts}

    def chose(values: Values, request: gr.Request) -> Values:
        tokens = scene.token_list(values[tab.asked_tokens])
        return {tab.chosen: tokens} | redrawn({**values, tab.chosen: tokens}, request)

    changes = [*tab.maps.changes, tab.maps.opacity.release]
    gr.on(changes, redrawn, tab.inputs, outputs, api_name="scene_redraw", **LATEST)
    tab.tokens.select(chose, tab.inputs, outputs, api_name="scene_tokens", **LATEST)
    # The browser alone dims the maps while the slider moves.
    tab.maps.opacity.input(
        None, tab.maps.opacity, js="(percent) => window.sightline.panels.opacity(percent / 100)"
    )


def wire_keeping(tab: Scene, desk: Desk) -> None:
    def asked(values: Values, request: gr.Request) -> tuple[Visitor, Desk, str, ViewSettings]:
        return desk.visitor(request), desk, values[tab.result], read_form(tab, values).view

    def drawn(values: Values, request: gr.Request) -> Values:
        try:
            return {tab.sheet: downloads.sheet(*asked(values, request)), tab.keep_message: ""}
        except UserError as problem:
            return {tab.sheet: "", tab.keep_message: markup.error(problem)}

    def numbers(values: Values, request: gr.Request) -> str:
        return downloads.save_json(*asked(values, request))

    tab.png.click(drawn, tab.inputs, [tab.sheet, tab.keep_message], api_name="scene_png", **AT_ONCE)
    tab.json.wire(numbers, tab.inputs, tab.keep_message, "scene_json")
    tab.link.click(None, js="() => { window.sightline.copyLink(); }")


def wire_adapters(tab: Scene, desk: Desk, frame: Frame) -> None:
    outputs = [tab.adapter, tab.load_message, tab.adapter_message, *vars(frame).values()]

    def acting(change: Callable[[Visitor, Desk, str], adapters.Changed]) -> Callable[..., Values]:
        def acted(text: str, task: str, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            try:
                done = change(visitor, desk, text)
            except Exception as error:
                return {tab.load_message: markup.error(explain_failure(error))}
            chosen = gr.update(
                choices=adapter_choices(visitor, desk, task), value=done.chosen or ""
            )
            head = frame_values(frame, desk)
            return {tab.adapter: chosen, tab.load_message: markup.hint(done.message), **head}

        return acted

    common = {
        "api_visibility": "private", "concurrency_id": MODEL_QUEUE, "concurrency_limit": 1,
        "show_progress_on": tab.load_message,
    }  # fmt: skip
    gr.on(
        [tab.load.click, tab.source.submit], acting(adapters.load), [tab.source, tab.task], outputs,
        api_name="scene_load_adapter", **common,
    )  # fmt: skip
    tab.unload.click(
        acting(adapters.unload), [tab.adapter, tab.task], outputs, api_name="scene_unload_adapter",
        **common,
    )  # fmt: skip
