"""What all tabs share: the head of the page and its banner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui import masthead
from ui.handlers.desk import Desk, adapter_entry, card_for_banner


@dataclass(frozen=True)
class Frame:
    header: gr.HTML
    banner: gr.HTML


def build_frame(desk: Desk) -> Frame:
    name = desk.services.default_adapter()
    header, banner = _texts(desk, name)
    return Frame(gr.HTML(header, elem_id="sl-header"), gr.HTML(banner, elem_id="sl-banner"))


def frame_values(frame: Frame, desk: Desk, adapter: str | None) -> dict[Any, Any]:
    """The head as it is now, for the chosen adapter."""
    header, banner = _texts(desk, adapter)
    return {frame.header: header, frame.banner: banner}


def _texts(desk: Desk, adapter: str | None) -> tuple[str, str]:
    info = desk.services.model_info()
    entry = adapter_entry(desk.services, adapter)
    return masthead.header(info, entry), masthead.banner(info, card_for_banner(desk.services))
