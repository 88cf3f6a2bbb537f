"""The folded parts of the Corrections tab: agreement, exchange, forgetting. Only builds."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from ui.corrections import view
from ui.corrections.handlers.exchange import format_choices, format_note


@dataclass(frozen=True)
class AgreementPart:
    box: gr.Accordion
    figure: gr.Plot
    text: gr.HTML


@dataclass(frozen=True)
class SharePart:
    """Export and import."""

    format: gr.Dropdown
    export: gr.Button
    export_file: gr.DownloadButton
    export_message: gr.HTML
    upload: gr.File
    preview: gr.HTML
    bring: gr.Button


@dataclass(frozen=True)
class ForgetPart:
    """Deleting a person's corrections."""

    person: gr.Dropdown
    typed: gr.Textbox
    forget: gr.Button
    message: gr.HTML


def build_agreement() -> AgreementPart:
    with (
        gr.Accordion("Agreement between people", open=False, elem_id="sl-cor-agreement") as box,
        gr.Row(equal_height=False, elem_classes="sl-cor-plot-box"),
    ):
        with gr.Column(scale=2, min_width=300):
            figure = gr.Plot(show_label=False, container=False, elem_classes="sl-cor-bars")
        with gr.Column(scale=3, min_width=300):
            text = gr.HTML(elem_id="sl-cor-agreement-text")
    return AgreementPart(box, figure, text)


def build_share() -> SharePart:
    with (
        gr.Accordion("Export and import", open=False, elem_id="sl-cor-share"),
        gr.Row(equal_height=False),
    ):
        with gr.Column(scale=1, min_width=300):
            kind = gr.Dropdown(
                format_choices(), value="sharegpt", label="Format", elem_id="sl-cor-format"
            )
            export = gr.Button("Export what the filters show", elem_id="sl-cor-export")
            export_file = gr.DownloadButton(elem_id="sl-cor-file", elem_classes="sl-hidden")
            export_message = gr.HTML(format_note("sharegpt"), elem_id="sl-cor-export-message")
        with gr.Column(scale=1, min_width=300):
            upload = gr.File(
                label="Import: a zip exported here, or INSIGHT's rows", height=120,
                file_types=[".zip", ".json", ".jsonl", ".parquet", ".csv"],
                elem_id="sl-cor-upload",
            )  # fmt: skip
            gr.HTML(view.IMPORT_NOTE)
            preview = gr.HTML(elem_id="sl-cor-preview")
            bring = gr.Button("Import", visible=False, variant="primary", elem_id="sl-cor-bring")
    return SharePart(kind, export, export_file, export_message, upload, preview, bring)


def build_forget() -> ForgetPart:
    with (
        gr.Accordion("Forget a person", open=False, elem_id="sl-cor-forget-box"),
        gr.Column(),
    ):
        gr.HTML(view.FORGET_NOTE)
        with gr.Row(equal_height=False):
            person = gr.Dropdown([], label="Whose corrections", elem_id="sl-cor-person")
            typed = gr.Textbox(
                label="Type the name again to confirm", max_lines=1, elem_id="sl-cor-typed"
            )
            forget = gr.Button("Delete for ever", variant="stop", elem_id="sl-cor-forget")
        message = gr.HTML(elem_id="sl-cor-forget-message")
    return ForgetPart(person, typed, forget, message)
