"""The Models page: the adapters, where each comes from, two of them side by side, and what can be
done with one. Builds and binds only; `ui.models.handlers` does the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from training.adapters.lineage import can_push
from ui.components import markup
from ui.models import handlers, view
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
    "models_compare": "viewer",
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


class ModelsPage:
    """The page's components. name: the shown adapter."""

    def __init__(self) -> None:
        with gr.Column(elem_id="sl-models", elem_classes="tr-page"):
            gr.HTML(
                markup.heading(
                    "Adapters", "Each adapter's lineage, metrics and settings; compare two."
                )
            )
            with gr.Row(equal_height=False):
                with gr.Column(scale=1, min_width=280):
                    self.items = gr.HTML(elem_id="md-items", js_on_load=clicks("adapter"))
                with gr.Column(scale=3, min_width=300):
                    self._build_detail()
        self.address = gr.HTML(elem_id="md-address", elem_classes="sl-hidden",
                               js_on_load=ADDRESS_JS)  # fmt: skip
        self.asked = asked("adapter")
        self.name = gr.State("")

    def _build_detail(self) -> None:
        self.other = gr.Dropdown(
            [("none", "")], value="", label="Compare with", visible=False, elem_id="md-other"
        )
        self.detail = gr.HTML(elem_id="md-detail")
        with gr.Row(visible=False) as self.buttons:
            self.load = gr.Button("Load", size="md", min_width=110, elem_id="md-load")
            self.unload = gr.Button("Unload", size="md", min_width=110, elem_id="md-unload")
            self.pack = gr.Button("Download (zip)", size="md", min_width=200, elem_id="md-pack")
            self.file = gr.DownloadButton(elem_id="md-file", elem_classes="sl-hidden")
        with gr.Row(visible=False, equal_height=False) as self.push_box:
            self.repo = gr.Textbox(
                label="Push to the Hugging Face hub as", placeholder="owner/name", max_lines=1,
                scale=3, elem_id="md-repo",
            )  # fmt: skip
            self.private = gr.Checkbox(True, label="Private", scale=1, min_width=110)
            self.push = gr.Button("Push", size="md", scale=1, min_width=110, elem_id="md-push")
        self.push_note = gr.HTML(elem_id="md-push-note")
        self.message = gr.HTML(elem_id="md-message")

    @property
    def shown(self) -> list[Any]:
        return [
            self.items, self.other, self.detail, self.buttons, self.load, self.unload,
            self.push_box, self.push_note, self.message, self.address, self.name,
        ]  # fmt: skip


def build() -> ModelsPage:
    return ModelsPage()


def show(
    tab: ModelsPage, desk: Desk, visitor: Visitor, name: str, note: str = "", other: str = ""
) -> Values:
    """The page with that adapter, or with the one in use. other: what it is compared with."""
    scan = handlers.scan(visitor, desk)
    names = [entry.name for entry in scan.entries]
    if not names:
        text = markup.nothing_yet(
            "There is no adapter yet", "Train one in Training, or load one in Scene."
        )
        return {tab.items: text, tab.detail: "", tab.buttons: gr.update(visible=False)}
    if name and name not in names:
        note = f"There is no adapter {name} here any more."
    entry = scan.find(name if name in names else names[0])
    second = scan.find(other) if other in names and other != entry.name else None
    cards = "".join(
        view.card(e, handlers.facts(visitor, e), handlers.origin(desk, e))
        for e in (entry, second)
        if e is not None
    )
    numbers = view.one(entry) if second is None else view.two(entry, second)
    token, loaded = can_push(), entry.name in scan.loaded
    offered = [("none", ""), *((n, n) for n in names if n != entry.name)]
    return {
        tab.items: view.items(scan, entry.name),
        tab.other: gr.update(
            choices=offered, value=second.name if second else "", visible=len(names) > 1
        ),
        tab.detail: f'<div class="md-cards">{cards}</div>{numbers}',
        tab.buttons: gr.update(visible=True),
        tab.load: gr.update(visible=not loaded and not entry.problem),
        tab.unload: gr.update(visible=loaded),
        tab.push_box: gr.update(visible=token),
        tab.push_note: "" if token else markup.note(NO_TOKEN),
        tab.message: markup.note(note),
        tab.address: handlers.to_query(entry.name, second.name if second else ""),
        tab.name: entry.name,
    }


def wire(tab: ModelsPage, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""

    def shown(visitor: Visitor, name: str, other: str) -> Values:
        try:
            return show(tab, desk, visitor, name, other=other)
        except Exception as error:
            return {tab.message: markup.error(explain_failure(error))}

    def opened(request: gr.Request) -> Values:
        query = dict(request.query_params)
        name, other = handlers.named(query), handlers.named(query, "with")
        return shown(desk.visitor(request), name, other)

    page.load(opened, None, tab.shown, api_name="models_opened", **AT_ONCE)

    def picked(name: str | None, other: str | None, request: gr.Request) -> Values:
        return shown(desk.visitor(request), name or "", other or "")

    # Promoted or rolled back meanwhile, on any page.
    frame.news.apply(picked, [tab.name, tab.other], tab.shown, api_name="models_in_use", **AT_ONCE)
    tab.items.select(picked, [tab.asked, tab.other], tab.shown, api_name="models_pick", **LATEST)
    tab.other.input(picked, [tab.name, tab.other], tab.shown, api_name="models_compare", **LATEST)

    def acting(act: Callable[[Visitor, Desk, str], str]) -> Callable[..., Values]:
        def acted(name: str, other: str | None, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            try:
                said = act(visitor, desk, name)
                return show(tab, desk, visitor, name, said, other or "")
            except Exception as error:
                return {tab.message: markup.error(explain_failure(error))}

        return acted

    for button, act, key in (
        (tab.load, handlers.load, "load"),
        (tab.unload, handlers.unload, "unload"),
    ):
        button.click(
            acting(act), [tab.name, tab.other], tab.shown, api_name=f"models_{key}",
            concurrency_id=MODEL_QUEUE, concurrency_limit=1, api_visibility="private",
            show_progress_on=tab.message,
        )  # fmt: skip
    _wire_out(tab, desk)


def _wire_out(tab: ModelsPage, desk: Desk) -> None:
    def packed(name: str, request: gr.Request) -> Values:
        try:
            return {tab.file: handlers.pack(desk.visitor(request), desk, name), tab.message: ""}
        except Exception as error:
            return {tab.file: None, tab.message: markup.error(explain_failure(error))}

    done = tab.pack.click(
        packed, tab.name, [tab.file, tab.message], api_name="models_pack", **AT_ONCE
    )
    done.then(None, None, None, js="() => window.sightline.download('md-file')")

    def pushed(name: str, repo: str, private: bool, request: gr.Request) -> str:
        try:
            said = handlers.push(desk.visitor(request), desk, name, repo, private)
        except Exception as error:
            return markup.error(explain_failure(error))
        return markup.note(said)

    tab.push.click(
        pushed, [tab.name, tab.repo, tab.private], tab.message, api_name="models_push",
        api_visibility="private", show_progress_on=tab.message,
    )  # fmt: skip
