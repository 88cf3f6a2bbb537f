"""The Models tab: the adapters, where each comes from, and what can be done with it. Builds and
binds only; `ui.models.handlers` does the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.components import markup
from ui.models import handlers as models
from ui.models import view
from ui.shell.address import ADDRESS_JS
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE, asked, clicks
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.visitors import Role, Visitor

LABEL = "Models"
ENDPOINTS: dict[str, Role] = {
    "models_opened": "viewer",
    "models_pick": "viewer",
    "models_in_use": "viewer",
    "models_load": "trainer",
    "models_unload": "trainer",
    "models_pack": "viewer",
    "models_push": "trainer",
}
Values = dict[Any, Any]
NO_TOKEN = (
    "To push adapters to the Hugging Face hub, log in on this machine (hf auth login) or set "
    "HF_TOKEN, then reload this page."
)


@dataclass(frozen=True)
class ModelsTab:
    items: gr.HTML
    detail: gr.HTML
    buttons: gr.Row
    load: gr.Button
    unload: gr.Button
    pack: gr.Button
    file: gr.DownloadButton
    push_box: gr.Row
    repo: gr.Textbox
    private: gr.Checkbox
    push: gr.Button
    push_note: gr.HTML
    message: gr.HTML
    address: gr.HTML
    asked: gr.HTML
    name: gr.State

    @property
    def shown(self) -> list[Any]:
        return [
            self.items, self.detail, self.buttons, self.load, self.unload, self.push_box,
            self.push_note, self.message, self.address, self.name,
        ]  # fmt: skip


def build() -> ModelsTab:
    with gr.Column(elem_id="sl-models"):
        gr.HTML(
            markup.heading(
                "Adapters",
                "What can stand beside the base model, and where each one comes from.",
            )
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=280):
                items = gr.HTML(elem_id="md-items", js_on_load=clicks("adapter"))
            with gr.Column(scale=3, min_width=300):
                detail = gr.HTML(elem_id="md-detail")
                with gr.Row(visible=False) as buttons:
                    load = gr.Button("Load", size="md", min_width=110, elem_id="md-load")
                    unload = gr.Button("Unload", size="md", min_width=110, elem_id="md-unload")
                    pack = gr.Button(
                        "Download the folder (zip)", size="md", min_width=200, elem_id="md-pack"
                    )
                    file = gr.DownloadButton(elem_id="md-file", elem_classes="sl-hidden")
                with gr.Row(visible=False, equal_height=False) as push_box:
                    repo = gr.Textbox(
                        label="Push to the Hugging Face hub as", placeholder="owner/name",
                        max_lines=1, scale=3, elem_id="md-repo",
                    )  # fmt: skip
                    private = gr.Checkbox(True, label="Private", scale=1, min_width=110)
                    push = gr.Button("Push", size="md", scale=1, min_width=110, elem_id="md-push")
                push_note = gr.HTML(elem_id="md-push-note")
                message = gr.HTML(elem_id="md-message")
    return ModelsTab(
        items, detail, buttons, load, unload, pack, file, push_box, repo, private, push,
        push_note, message,
        gr.HTML(elem_id="md-address", elem_classes="sl-hidden", js_on_load=ADDRESS_JS),
        asked("adapter"),
        gr.State(""),
    )  # fmt: skip


def show(tab: ModelsTab, desk: Desk, visitor: Visitor, name: str, note: str = "") -> Values:
    """The page with that adapter, or with the one in use."""
    scan = models.scan(visitor, desk)
    found = models.items(visitor, desk, scan)
    names = [item.name for item in found]
    if not found:
        text = markup.nothing_yet(
            "There is no adapter yet", "Train one in the Training tab, or load one in Scene."
        )
        return {tab.items: text, tab.detail: "", tab.buttons: gr.update(visible=False)}
    wanted = name if name in names else names[0]
    if name and name not in names:
        note = f"There is no adapter {name} here any more."
    one = models.detail(visitor, desk, wanted, scan)
    token = models.can_push()
    return {
        tab.items: view.items(found, wanted),
        tab.detail: view.detail(one),
        tab.buttons: gr.update(visible=True),
        tab.load: gr.update(visible=not one.item.loaded and not one.item.problem),
        tab.unload: gr.update(visible=one.item.loaded),
        tab.push_box: gr.update(visible=token),
        tab.push_note: "" if token else markup.note(NO_TOKEN),
        tab.message: markup.note(note),
        tab.address: models.to_query(wanted),
        tab.name: wanted,
    }


def wire(tab: ModelsTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""

    def shown(visitor: Visitor, name: str) -> Values:
        try:
            return show(tab, desk, visitor, name)
        except Exception as error:
            return {tab.message: markup.error(explain_failure(error))}

    def opened(request: gr.Request) -> Values:
        return shown(desk.visitor(request), models.named(dict(request.query_params)))

    page.load(opened, None, tab.shown, api_name="models_opened", **AT_ONCE)

    def promoted(name: str, request: gr.Request) -> Values:
        return shown(desk.visitor(request), name)

    frame.news.apply(promoted, tab.name, tab.shown, api_name="models_in_use", **AT_ONCE)

    def picked(name: str | None, request: gr.Request) -> Values:
        return shown(desk.visitor(request), name or "")

    tab.items.select(picked, tab.asked, tab.shown, api_name="models_pick", **LATEST)
    _wire_memory(tab, desk)
    _wire_out(tab, desk)


def _wire_memory(tab: ModelsTab, desk: Desk) -> None:
    def acting(act: Callable[[Visitor, Desk, str], str]) -> Callable[..., Values]:
        def acted(name: str, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            try:
                said = act(visitor, desk, name)
                return show(tab, desk, visitor, name, said)
            except Exception as error:
                return {tab.message: markup.error(explain_failure(error))}

        return acted

    for button, act, key in (
        (tab.load, models.load, "load"),
        (tab.unload, models.unload, "unload"),
    ):
        button.click(
            acting(act), tab.name, tab.shown, api_name=f"models_{key}", concurrency_id=MODEL_QUEUE,
            concurrency_limit=1, api_visibility="private", show_progress_on=tab.message,
        )  # fmt: skip


def _wire_out(tab: ModelsTab, desk: Desk) -> None:
    def packed(name: str, request: gr.Request) -> Values:
        try:
            return {tab.file: models.pack(desk.visitor(request), desk, name), tab.message: ""}
        except Exception as error:
            return {tab.file: None, tab.message: markup.error(explain_failure(error))}

    done = tab.pack.click(
        packed, tab.name, [tab.file, tab.message], api_name="models_pack", **AT_ONCE
    )
    done.then(None, None, None, js="() => window.sightline.download('md-file')")

    def pushed(name: str, repo: str, private: bool, request: gr.Request) -> str:
        try:
            said = models.push(desk.visitor(request), desk, name, repo, private)
        except Exception as error:
            return markup.error(explain_failure(error))
        return markup.note(said)

    tab.push.click(
        pushed, [tab.name, tab.repo, tab.private], tab.message, api_name="models_push",
        api_visibility="private", show_progress_on=tab.message,
    )  # fmt: skip
