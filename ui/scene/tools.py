"""Events of the Scene tab that work on a finished result, and those of the adapters."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from inference.errors import UserError
from ui.components import adapters, markup
from ui.scene.handlers import correct, downloads
from ui.scene.handlers import run as scene
from ui.scene.handlers import view as scene_view
from ui.scene.show import SceneTab, Values, show
from ui.shell.address import ViewSettings
from ui.shell.desk import Desk, adapter_choices
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame, frame_values
from ui.shell.visitors import Role, Visitor

Write = Callable[[Visitor, Desk, str, ViewSettings], str]
ENDPOINTS: dict[str, Role] = {
    "scene_redraw": "viewer",
    "scene_tokens": "viewer",
    "scene_load_adapter": "trainer",
    "scene_unload_adapter": "trainer",
    "scene_choose_adapter": "viewer",
    "scene_adapter_in_use": "viewer",
    "scene_png": "viewer",
    "scene_json": "viewer",
}
COPY_LINK = "() => { window.sightline.copyLink(); }"


def wire_redrawing(tab: SceneTab, desk: Desk) -> None:
    s, k = tab.settings, tab.keep
    outputs = [*vars(tab.result).values(), *vars(s).values(), k.address, k.chosen, k.box]

    def redrawn(values: Values, request: gr.Request) -> Values:
        result = desk.results.get(values[k.result])
        if result is None:
            return {k.chosen: values[k.chosen]}
        try:
            visitor = desk.visitor(request)
            human = correct.mine(visitor, desk, result).point
            view = scene_view.view(visitor, desk, result, tab.read_form(values).view, human)
        except UserError as problem:
            return {s.message: markup.error(problem)}
        return show(tab, view, controls=False)

    def chose(values: Values, request: gr.Request) -> Values:
        tokens = scene.token_list(values[k.asked_tokens])
        return {k.chosen: tokens} | redrawn({**values, k.chosen: tokens}, request)

    changes = [
        s.method.input,
        s.first.input,
        s.last.input,
        s.heads.input,
        s.same_scale.input,
        s.sinks.input,
        s.relative.input,
        s.opacity.release,
    ]
    gr.on(changes, redrawn, tab.inputs, outputs, api_name="scene_redraw", **LATEST)
    tab.result.tokens.select(chose, tab.inputs, outputs, api_name="scene_tokens", **LATEST)
    # The browser alone dims the maps while the slider moves.
    s.opacity.input(None, s.opacity, js="(percent) => window.sightline.opacity(percent / 100)")


def wire_adapters(tab: SceneTab, desk: Desk, frame: Frame) -> None:
    a, p = tab.ask, tab.adapters
    outputs = [a.adapter, p.message, a.adapter_message, *vars(frame).values()]

    def act(
        change: Callable[[Visitor, Desk, str], adapters.Changed], text: str, request: gr.Request
    ) -> Values:
        visitor = desk.visitor(request)
        try:
            done = change(visitor, desk, text)
        except Exception as error:
            return {p.message: markup.error(explain_failure(error))}
        choices = adapter_choices(visitor, desk.services)
        update = gr.update(choices=choices, value=done.chosen or "")
        return {a.adapter: update, p.message: markup.hint(done.message)} | frame_values(frame, desk)

    common = {"api_visibility": "private", "concurrency_id": MODEL_QUEUE, "concurrency_limit": 1}

    def loaded(text: str, request: gr.Request) -> Values:
        return act(adapters.load, text, request)

    def unloaded(name: str, request: gr.Request) -> Values:
        return act(adapters.unload, name, request)

    gr.on(
        [p.load.click, p.source.submit],
        loaded,
        p.source,
        outputs,
        show_progress_on=p.message,
        api_name="scene_load_adapter",
        **common,
    )
    p.unload.click(
        unloaded,
        a.adapter,
        outputs,
        show_progress_on=p.message,
        api_name="scene_unload_adapter",
        **common,
    )
    a.adapter.input(lambda: "", None, a.adapter_message, api_name="scene_choose_adapter", **LATEST)

    def promoted(request: gr.Request) -> Values:
        """Another adapter is in use now: it is chosen, whatever was chosen before."""
        choices = adapter_choices(desk.visitor(request), desk.services)
        return gr.update(choices=choices, value=desk.services.default_adapter() or "")

    frame.news.apply(promoted, None, a.adapter, api_name="scene_adapter_in_use", **AT_ONCE)


def wire_keeping(tab: SceneTab, desk: Desk) -> None:
    k = tab.keep

    def saving(write: Write, target: gr.DownloadButton) -> Callable[..., Values]:
        def saved(values: Values, request: gr.Request) -> Values:
            visitor, view = desk.visitor(request), tab.read_form(values).view
            try:
                path = write(visitor, desk, values[k.result], view)
            except UserError as problem:
                return {target: None, k.message: markup.error(problem)}
            return {target: path, k.message: ""}

        return saved

    common = {"api_visibility": "private", "queue": False, "show_progress_on": k.message}
    pairs = (
        (k.png, k.png_file, downloads.save_png),
        (k.numbers, k.numbers_file, downloads.save_json),
    )
    for button, target, write in pairs:
        done = button.click(
            saving(write, target),
            tab.inputs,
            [target, k.message],
            api_name=write.__name__.replace("save", "scene"),
            **common,
        )
        done.then(None, None, None, js=f"() => window.sightline.download('{target.elem_id}')")
    k.link.click(None, js=COPY_LINK)
