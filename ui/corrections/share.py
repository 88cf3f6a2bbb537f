"""Events of the Corrections tab that reach beyond it: export, import, forgetting a person."""

from __future__ import annotations

from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.corrections import view
from ui.corrections.address import QueueAddress
from ui.corrections.handlers import exchange as corrections_exchange
from ui.corrections.handlers import review as corrections_review
from ui.corrections.parts import CorrectionsTab
from ui.corrections.show import Values, failed
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST
from ui.shell.failures import explain_failure

LOOK_JS = "() => { window.sightlineCorrections.look(); }"
CLEARED: dict[str, Any] = {**AT_ONCE, "api_name": "corrections_import_clear"}


def wire_sharing(tab: CorrectionsTab, desk: Desk) -> None:
    _wire_export(tab, desk)
    _wire_import(tab, desk)
    _wire_forget(tab, desk)


def _wire_export(tab: CorrectionsTab, desk: Desk) -> None:
    s, k = tab.share, tab.keep

    def exported(name: Any, where: Any, request: gr.Request) -> Values:
        try:
            made = corrections_exchange.export_zip(
                desk.visitor(request), desk, where or QueueAddress(status="any"), str(name or "")
            )
        except Exception as error:
            return {
                s.export_file: None,
                s.export_message: markup.error(explain_failure(error)),
            }
        return {s.export_file: made.path, s.export_message: made.text}

    def described(name: Any) -> str:
        return corrections_exchange.format_note(str(name or ""))

    s.format.input(described, s.format, s.export_message, api_name="corrections_format", **LATEST)
    s.export.click(
        exported, [s.format, k.where], [s.export_file, s.export_message],
        api_name="corrections_export", api_visibility="private",
        show_progress_on=s.export_message,
    ).then(None, None, None, js="() => window.sightline.download('sl-cor-file')")  # fmt: skip


def _wire_import(tab: CorrectionsTab, desk: Desk) -> None:
    s = tab.share
    common: dict[str, Any] = {"api_visibility": "private", "show_progress_on": s.preview}

    def looked(path: Any, request: gr.Request) -> Values:
        try:
            found = corrections_exchange.preview(desk.visitor(request), desk, path)
        except Exception as error:
            return failed(s.preview, explain_failure(error)) | {s.bring: gr.update(visible=False)}
        label = f"Import {found.fresh:,}"
        return {s.preview: found.text, s.bring: gr.update(value=label, visible=found.fresh > 0)}

    def brought(path: Any, request: gr.Request) -> Values:
        try:
            found = corrections_exchange.bring_in(desk.visitor(request), desk, path)
        except Exception as error:
            return failed(s.preview, explain_failure(error))
        return {s.preview: found.text, s.bring: gr.update(visible=False), s.upload: None}

    s.upload.upload(
        looked, s.upload, [s.preview, s.bring], api_name="corrections_import_preview", **common
    )
    s.upload.clear(lambda: ("", gr.update(visible=False)), None, [s.preview, s.bring], **CLEARED)
    s.bring.click(
        brought, s.upload, [s.preview, s.bring, s.upload], api_name="corrections_import", **common
    ).then(None, None, None, js=LOOK_JS)


def _wire_forget(tab: CorrectionsTab, desk: Desk) -> None:
    g = tab.forget

    def forgotten(person: Any, typed: Any, request: gr.Request) -> Values:
        try:
            said = corrections_review.forget(
                desk.visitor(request), desk, str(person or ""), str(typed or "")
            )
        except UserError as problem:
            return failed(g.message, problem)
        return {g.message: view.done(said), g.typed: "", g.person: None}

    g.forget.click(
        forgotten, [g.person, g.typed], [g.message, g.typed, g.person],
        api_name="corrections_forget", **AT_ONCE,
    ).then(None, None, None, js=LOOK_JS)  # fmt: skip
