"""The Models page: the adapters, where each comes from, two of them side by side, and what can be
done with one. Builds and binds only; `ui.models.handlers` does the work."""

from __future__ import annotations

from typing import Any

import gradio as gr

from training.adapters.lineage import can_push
from ui.components import markup
from ui.components.adapters import unload
from ui.components.choosers import clicks
from ui.components.downloads import Download
from ui.components.endpoints import Endpoints, Values, components, needs, roles
from ui.models import handlers, view
from ui.shell.address import ADDRESS_JS, query_of
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE, asked
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.visitors import Visitor

LABEL = "Models"
NEEDS = needs(
    "opened pick compare in_use pack",
    {
        "load": ("trainer", "Loading an adapter"),
        "unload": ("trainer", "Unloading an adapter"),
        "push": ("trainer", "Pushing an adapter to the hub"),
    },
)
ENDPOINTS = roles("models", NEEDS)
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
        self.shown = components(self)

    def _build_detail(self) -> None:
        self.other = gr.Dropdown(
            [("none", "")], value="", label="Compare with", visible=False, elem_id="md-other"
        )
        self.detail = gr.HTML(elem_id="md-detail")
        with gr.Row(visible=False) as self.buttons:
            self.load = gr.Button("Load", size="md", min_width=110, elem_id="md-load")
            self.unload = gr.Button("Unload", size="md", min_width=110, elem_id="md-unload")
            self.pack = Download("Download (zip)", "md-pack")
        with gr.Row(visible=False, equal_height=False) as self.push_box:
            self.repo = gr.Textbox(
                label="Push to the Hugging Face hub as", placeholder="owner/name", max_lines=1,
                scale=3, elem_id="md-repo",
            )  # fmt: skip
            self.private = gr.Checkbox(True, label="Private", scale=1, min_width=110)
            self.push = gr.Button("Push", size="md", scale=1, min_width=110, elem_id="md-push")
        self.push_note = gr.HTML(elem_id="md-push-note")
        self.message = gr.HTML(elem_id="md-message")


build = ModelsPage


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
    chosen = second.name if second else ""
    return {
        tab.items: view.items(scan, entry.name),
        tab.other: gr.update(choices=offered, value=chosen, visible=len(names) > 1),
        tab.detail: f'<div class="md-cards">{cards}</div>{numbers}',
        tab.buttons: gr.update(visible=True),
        tab.load: gr.update(visible=not loaded and not entry.problem),
        tab.unload: gr.update(visible=loaded),
        tab.push_box: gr.update(visible=token),
        tab.push_note: "" if token else markup.note(NO_TOKEN),
        tab.message: markup.note(note),
        tab.address: query_of({"adapter": entry.name, "with": chosen}),
        tab.name: entry.name,
    }


def wire(tab: ModelsPage, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    endpoints = Endpoints(desk, "models", NEEDS)
    chosen = {tab.name, tab.other, tab.asked}

    def bind(trigger: Any, name: str, event: Any, **how: Any) -> None:
        endpoints.bind(trigger, name, event, chosen, tab.shown, tab.message, **how)

    def opened(request: gr.Request) -> Values:
        name, other = (request.query_params.get(key, "")[:100] for key in ("adapter", "with"))
        try:
            return show(tab, desk, desk.visitor(request), name, other=other)
        except Exception as error:
            return {tab.message: markup.error(explain_failure(error))}

    page.load(opened, None, tab.shown, api_name="models_opened", **AT_ONCE)

    def again(visitor: Visitor, values: Values, note: str = "") -> Values:
        return show(tab, desk, visitor, values[tab.name], note, values[tab.other] or "")

    def picked(visitor: Visitor, values: Values) -> Values:
        return again(visitor, {**values, tab.name: values[tab.asked] or ""})

    # Promoted or rolled back meanwhile, on any page.
    bind(frame.news.apply, "in_use", again)
    bind(tab.items.select, "pick", picked, **LATEST)
    bind(tab.other.input, "compare", again, **LATEST)

    def loaded(visitor: Visitor, values: Values) -> Values:
        return again(visitor, values, handlers.load(visitor, desk, values[tab.name]))

    def unloaded(visitor: Visitor, values: Values) -> Values:
        return again(visitor, values, unload(desk, values[tab.name])[1])

    alone = {"concurrency_id": MODEL_QUEUE, "concurrency_limit": 1, "api_visibility": "private",
             "show_progress_on": tab.message}  # fmt: skip
    bind(tab.load.click, "load", loaded, **alone)
    bind(tab.unload.click, "unload", unloaded, **alone)

    tab.pack.wire(
        lambda name, request: handlers.pack(desk.visitor(request), desk, name), tab.name,
        tab.message, "models_pack",
    )  # fmt: skip

    def pushed(visitor: Visitor, values: Values) -> Values:
        where = values[tab.repo], bool(values[tab.private])
        return {tab.message: markup.note(handlers.push(visitor, desk, values[tab.name], *where))}

    endpoints.bind(
        tab.push.click, "push", pushed, {tab.name, tab.repo, tab.private}, [tab.message],
        tab.message, api_visibility="private", show_progress_on=tab.message,
    )  # fmt: skip
