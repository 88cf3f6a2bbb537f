"""What all pages share: the way to the others, which model and adapter are in use, what is being
trained, and who is there. Every open page learns of a change within seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.shell import masthead
from ui.shell.desk import Desk, adapter_entry, photographed_card, unfinished_job
from ui.shell.events import AT_ONCE
from ui.shell.visitors import Role, can_sign_in

# While the page is in view the browser asks every few seconds whether anything has changed.
NEWS_JS = (
    "window.sightline.news(() => trigger('select', {}), () => trigger('apply', {}),"
    " () => props.value, watch);"
)


def endpoints(page: str) -> dict[str, Role]:
    """api_name -> the least role, of the frame round that page."""
    names = ["frame", "news", *(["login"] if can_sign_in() else [])]
    return {f"{page}_{name}": "viewer" for name in names}


@dataclass(frozen=True)
class Frame:
    """news: what the frame shows now, as text. A page that shows which adapter is in use binds
    `frame.news.apply`, which comes when another one is while the page is open."""

    header: gr.HTML
    who: gr.HTML
    banner: gr.HTML
    work: gr.HTML
    news: gr.HTML


def build_frame(desk: Desk, labels: Mapping[str, str], page: str) -> Frame:
    """labels: of all pages by name, in their order. page: the one that this frame is round."""
    with gr.Row(elem_id="sl-frame"):
        gr.HTML(masthead.pages(labels, page), elem_id="sl-pages")
        header = gr.HTML(elem_id="sl-header")
        who = gr.HTML(elem_id="sl-who")
        if can_sign_in():
            gr.LoginButton(size="sm", elem_id="sl-login")
        banner, work = gr.HTML(elem_id="sl-banner"), gr.HTML(elem_id="sl-work")
        news = gr.HTML("", html_template="<i></i>", elem_classes="sl-hidden", js_on_load=NEWS_JS)
    return Frame(header, who, banner, work, news)


def frame_values(frame: Frame, desk: Desk) -> dict[Any, Any]:
    """The frame as it is now."""
    info, name = desk.services.model_info(), desk.services.default_adapter()
    entry = adapter_entry(desk.services, name)
    work = masthead.work(unfinished_job(desk))
    card = entry.card if entry else None
    return {
        frame.header: masthead.header(info, entry),
        frame.banner: masthead.banner(info, card, photographed_card(desk.services)),
        frame.work: work,
        frame.news: "\n".join([name or "", str(info.loaded), work]),
    }


def wire_frame(frame: Frame, desk: Desk, page: gr.Blocks, name: str) -> None:
    """name: of the page that the frame is round."""

    def opened(request: gr.Request) -> dict[Any, Any]:
        return {frame.who: masthead.who(desk.visitor(request)), **frame_values(frame, desk)}

    shown = [frame.header, frame.banner, frame.work, frame.news]
    page.load(opened, None, [frame.who, *shown], api_name=f"{name}_frame", **AT_ONCE)

    def news(seen: str | None) -> dict[Any, Any]:
        values = frame_values(frame, desk)
        return values if values[frame.news] != seen else {frame.news: gr.skip()}

    frame.news.select(
        news, frame.news, shown, api_name=f"{name}_news", trigger_mode="once", **AT_ONCE
    )
    for login in (block for block in page.blocks.values() if isinstance(block, gr.LoginButton)):
        if login.load_event_to_attach:  # gradio itself would bind all pages' buttons to the last
            check, _, _ = login.load_event_to_attach
            login.load_event_to_attach = None
            page.load(check, None, login, api_name=f"{name}_login", **AT_ONCE)
