"""The Scene tab: one picture, base beside fine-tuned, and what changed. Builds and binds only."""

from __future__ import annotations

import gradio as gr

from ui.frame import Frame
from ui.handlers.desk import Desk
from ui.tabs import scene_api, scene_correct, scene_look, scene_tools
from ui.tabs.scene_correct import wire_correcting
from ui.tabs.scene_correct_parts import build_correct
from ui.tabs.scene_look import wire_looking, wire_opening
from ui.tabs.scene_parts import (
    build_adapters,
    build_input,
    build_keep,
    build_result,
    build_settings,
)
from ui.tabs.scene_show import SceneTab
from ui.tabs.scene_tools import wire_adapters, wire_keeping, wire_redrawing
from ui.visitors import Role

LABEL = "Scene"
ENDPOINTS: dict[str, Role] = {
    **scene_look.ENDPOINTS,
    **scene_tools.ENDPOINTS,
    **scene_correct.ENDPOINTS,
    **scene_api.ENDPOINTS,
}


def build() -> SceneTab:
    ask = build_input()
    result = build_result()
    settings, correct, keep = build_settings(), build_correct(), build_keep()
    return SceneTab(ask, result, settings, correct, keep, build_adapters())


def wire(tab: SceneTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    wire_opening(tab, desk, frame, page)
    wire_looking(tab, desk, frame)
    wire_redrawing(tab, desk)
    wire_adapters(tab, desk, frame)
    wire_correcting(tab, desk, frame)
    wire_keeping(tab, desk)
