"""What all tabs share: the head of the page, its banner, who is there, and which tab is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.shell import masthead
from ui.shell.desk import Desk, adapter_entry, card_for_banner
from ui.shell.events import AT_ONCE
from ui.shell.visitors import Role, can_sign_in

OPENED_JS = "watch('value', () => window.sightline.opened(props.value));"
# api_name -> the least role. gradio's own login button asks who is there, as everybody may.
ENDPOINTS: dict[str, Role] = {"frame_opened": "viewer", "_check_login_status": "viewer"}


@dataclass(frozen=True)
class Frame:
    header: gr.HTML
    who: gr.HTML
    banner: gr.HTML


def build_frame(desk: Desk) -> Frame:
    name = desk.services.default_adapter()
    header, banner = _texts(desk, name)
    head = gr.HTML(header, elem_id="sl-header")
    with gr.Row(elem_id="sl-who"):
        who = gr.HTML()
        if can_sign_in():
            gr.LoginButton(size="sm", elem_id="sl-login")
    return Frame(head, who, gr.HTML(banner, elem_id="sl-banner"))


def frame_values(frame: Frame, desk: Desk, adapter: str | None) -> dict[Any, Any]:
    """The head as it is now, for the chosen adapter."""
    header, banner = _texts(desk, adapter)
    return {frame.header: header, frame.banner: banner}


def wire_frame(
    frame: Frame, desk: Desk, tabs: gr.Tabs, page: gr.Blocks, names: Sequence[str]
) -> None:
    """Opens the tab that the address names, and says who is there. names: of all tabs."""
    opened = gr.HTML(elem_classes="sl-hidden", js_on_load=OPENED_JS)

    def open_page(request: gr.Request) -> dict[Any, Any]:
        wanted = str(dict(request.query_params).get("tab") or "")
        name = wanted if wanted in names else names[0]
        who = masthead.who(desk.visitor(request))
        return {tabs: gr.Tabs(selected=name), opened: name, frame.who: who}

    page.load(
        open_page, None, [tabs, opened, frame.who], api_name="frame_opened", **AT_ONCE,
    )  # fmt: skip


def _texts(desk: Desk, adapter: str | None) -> tuple[str, str]:
    info = desk.services.model_info()
    entry = adapter_entry(desk.services, adapter)
    return masthead.header(info, entry), masthead.banner(info, card_for_banner(desk.services))
