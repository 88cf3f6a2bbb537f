"""The Scene tab: one picture, base beside fine-tuned, and what changed. Builds and binds only."""

from __future__ import annotations

import gradio as gr

from ui.scene import api as scene_api
from ui.scene import correct as scene_correct
from ui.scene import look as scene_look
from ui.scene import tools as scene_tools
from ui.scene.correct import wire_correcting
from ui.scene.correct_parts import build_correct
from ui.scene.look import wire_looking, wire_opening
from ui.scene.parts import (
    build_adapters,
    build_input,
    build_keep,
    build_result,
    build_settings,
)
from ui.scene.show import SceneTab
from ui.scene.tools import wire_adapters, wire_keeping, wire_redrawing
from ui.shell.desk import Desk
from ui.shell.frame import Frame
from ui.shell.visitors import Role

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
    scene_api.expose(desk)
