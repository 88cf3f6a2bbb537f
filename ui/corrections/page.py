"""The Corrections tab: what people said about the models, reviewed case by case. Builds and binds
only; `ui.corrections.handlers.queue*` does the work."""

from __future__ import annotations

import gradio as gr

from ui.corrections.look import wire_looking
from ui.corrections.parts import CorrectionsTab, build_tab
from ui.corrections.review import wire_reviewing
from ui.corrections.share import wire_sharing
from ui.shell.desk import Desk
from ui.shell.frame import Frame
from ui.shell.visitors import Role

LABEL = "Corrections"
ENDPOINTS: dict[str, Role] = {
    "corrections_pulse": "annotator",
    "corrections_refresh": "annotator",
    "corrections_filter": "annotator",
    "corrections_clear": "annotator",
    "corrections_page_before": "annotator",
    "corrections_page_after": "annotator",
    "corrections_open": "annotator",
    "corrections_agreement": "annotator",
    "corrections_ask": "annotator",
    "corrections_comment": "annotator",
    "corrections_withdraw": "annotator",
    "corrections_accept": "trainer",
    "corrections_reject": "trainer",
    "corrections_undo": "trainer",
    "corrections_bulk_queue": "trainer",
    "corrections_bulk_marked": "trainer",
    "corrections_bulk_accept": "trainer",
    "corrections_bulk_cancel": "viewer",
    "corrections_export": "trainer",
    "corrections_import_preview": "trainer",
    "corrections_import": "trainer",
    "corrections_import_clear": "viewer",
    "corrections_format": "viewer",
    "corrections_forget": "annotator",
}


def build() -> CorrectionsTab:
    return build_tab()


def wire(tab: CorrectionsTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    wire_looking(tab, desk)
    wire_reviewing(tab, desk)
    wire_sharing(tab, desk)
