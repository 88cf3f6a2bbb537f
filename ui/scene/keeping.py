"""Events of the Scene page that work on a finished result (other maps, downloads, the link), and
those that load adapters."""

from __future__ import annotations

from functools import partial

import gradio as gr

from inference.errors import UserError
from ui.components import adapters, markup
from ui.components.endpoints import Endpoints, needs
from ui.scene.correcting import able_to_correct
from ui.scene.handlers import correct, downloads
from ui.scene.handlers import run as scene
from ui.scene.handlers import view as scene_view
from ui.scene.parts import Scene
from ui.scene.show import Values, freshness, read_form, show
from ui.shell.desk import Desk, adapter_choices
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE
from ui.shell.frame import Frame, frame_values
from ui.shell.visitors import Visitor

NEEDS = needs(
    "redraw tokens png json",
    {
        "load_adapter": ("trainer", "Loading an adapter"),
        "unload_adapter": ("trainer", "Unloading an adapter"),
    },
)


def wire_redrawing(tab: Scene, desk: Desk) -> None:
    ends = Endpoints(desk, "scene", NEEDS)
    outputs = [part for part in tab.outputs if part not in (tab.image, tab.prompt, tab.memory)]

    def redrawn(visitor: Visitor, values: Values) -> Values:
        result = desk.results.get(values[tab.result])
        if result is None or values[tab.veiled]:
            return {tab.chosen: values[tab.chosen]}
        form, mine = read_form(tab, values), correct.mine(visitor, desk, result)
        view = scene_view.view(desk, result, form.view, mine.point, mine.draft)
        able = able_to_correct(visitor, desk)
        drawn = show(tab, view, result) | freshness(tab, form, result, able)
        return {part: value for part, value in drawn.items() if part is not tab.verdicts}

    def chose(visitor: Visitor, values: Values) -> Values:
        tokens = scene.token_list(values[tab.asked_tokens])
        return {tab.chosen: tokens} | redrawn(visitor, {**values, tab.chosen: tokens})

    changes = partial(gr.on, [*tab.maps.changes, tab.maps.opacity.release])
    bind = partial(ends.bind, inputs=tab.inputs, outputs=outputs, message=tab.settings_message)
    bind(changes, "redraw", redrawn, **LATEST)
    bind(tab.tokens.select, "tokens", chose, **LATEST)
    # The browser alone dims the maps while the slider moves.
    tab.maps.opacity.input(
        None, tab.maps.opacity, js="(percent) => window.sightline.panels.opacity(percent / 100)"
    )


def wire_keeping(tab: Scene, desk: Desk) -> None:
    def drawn(values: Values, request: gr.Request) -> Values:
        view = read_form(tab, values).view
        try:
            sheet = downloads.sheet(desk.visitor(request), desk, values[tab.result], view)
        except UserError as problem:
            return {tab.sheet: "", tab.keep_message: markup.error(problem)}
        return {tab.sheet: sheet, tab.keep_message: ""}

    def numbers(values: Values, request: gr.Request) -> str:
        return downloads.save_json(desk, values[tab.result], read_form(tab, values).view)

    tab.png.click(drawn, tab.inputs, [tab.sheet, tab.keep_message], api_name="scene_png", **AT_ONCE)
    tab.json.wire(numbers, tab.inputs, tab.keep_message, "scene_json")
    tab.link.click(None, js="() => { window.sightline.copyLink(); }")


def wire_adapters(tab: Scene, desk: Desk, frame: Frame) -> None:
    ends = Endpoints(desk, "scene", NEEDS)
    outputs = [tab.adapter, tab.load_message, tab.adapter_message, *vars(frame).values()]

    def shown(visitor: Visitor, values: Values, name: str, message: str) -> Values:
        choices = adapter_choices(visitor, desk.services, values[tab.task])
        chosen = gr.update(choices=choices, value=name)
        said = {tab.adapter: chosen, tab.load_message: markup.hint(message)}
        return said | frame_values(frame, desk)

    def load(visitor: Visitor, values: Values) -> Values:
        return shown(visitor, values, *adapters.load(desk, values[tab.source]))

    def unload(visitor: Visitor, values: Values) -> Values:
        return shown(visitor, values, *adapters.unload(desk, values[tab.adapter]))

    common = {
        "api_visibility": "private", "concurrency_id": MODEL_QUEUE, "concurrency_limit": 1,
        "show_progress_on": tab.load_message,
    }  # fmt: skip
    ends.bind(partial(gr.on, [tab.load.click, tab.source.submit]), "load_adapter", load,
              {tab.source, tab.task}, outputs, tab.load_message, **common)  # fmt: skip
    ends.bind(tab.unload.click, "unload_adapter", unload, {tab.adapter, tab.task}, outputs,
              tab.load_message, **common)  # fmt: skip
