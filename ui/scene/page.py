"""The Scene page: one image, base beside fine-tuned, and what changed. Builds and binds only."""

from __future__ import annotations

import gradio as gr

from ui.components.endpoints import roles
from ui.scene import api, correcting, keeping, running
from ui.scene.parts import Scene
from ui.shell.desk import Desk
from ui.shell.frame import Frame
from ui.shell.visitors import Role

LABEL = "Scene"
ENDPOINTS: dict[str, Role] = {
    **roles("scene", {**running.NEEDS, **keeping.NEEDS, **correcting.NEEDS}),
    **api.ENDPOINTS,
}


def build() -> Scene:
    return Scene()


def wire(tab: Scene, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    running.wire_opening(tab, desk, frame, page)
    running.wire_running(tab, desk, frame)
    running.wire_form(tab, desk, frame)
    correcting.wire_correcting(tab, desk)
    keeping.wire_redrawing(tab, desk)
    keeping.wire_adapters(tab, desk, frame)
    keeping.wire_keeping(tab, desk)
    api.expose(desk)
