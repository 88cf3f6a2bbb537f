"""Builds the steps of a job: Run, Prove, Promote; and what the page remembers."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.components import markup
from ui.shell.address import ADDRESS_JS
from ui.shell.events import asked, clicks
from ui.training.figures import CHARTS
from ui.training.parts import (
    KeepPart,
    PromotePart,
    ProvePart,
    RunPart,
    recipe,
    section,
)


def build_run() -> RunPart:
    with section(
        "run",
        "Training",
        "Everything here is read from the database: you may close the browser and come back.",
    ) as box:
        empty = gr.HTML()
        begin = gr.Button("Choose corrections", variant="primary", visible=False)
        with gr.Row(equal_height=False) as body:
            with gr.Column(scale=1, min_width=260):
                gr.HTML("<h3>Jobs</h3>")
                queue = gr.HTML(elem_id="tr-queue", js_on_load=clicks("job"))
                fresh = gr.Button("New training", size="sm", elem_id="tr-new")
            with gr.Column(scale=4, min_width=300):
                status = gr.HTML(elem_id="tr-status")
                cancel, resume, retry, delete, confirm, really, keep = _run_buttons()
                message = gr.HTML(elem_id="tr-run-message")
                with gr.Column(elem_classes="tr-charts", visible=False) as charts:
                    drawn = {key: _chart(key) for key in CHARTS}
                with gr.Accordion("Log", open=False, elem_id="tr-log"):
                    log = gr.HTML()
                _, command, config = recipe("tr-run")
    return RunPart(
        box, empty, begin, body, queue, fresh, status, cancel, resume, retry, delete, confirm,
        really, keep, message, charts, {key: title for key, (title, _) in drawn.items()},
        {key: plot for key, (_, plot) in drawn.items()}, log, command, config,
    )  # fmt: skip


def _run_buttons() -> tuple[Any, ...]:
    with gr.Row(elem_id="tr-actions"):
        names = {
            "cancel": "Cancel", "resume": "Resume", "retry": "Change settings and try again",
            "delete": "Delete",
        }  # fmt: skip
        made = [
            gr.Button(
                text, visible=False, size="md", min_width=120, elem_id=f"tr-{key}",
                variant="stop" if key == "cancel" else "secondary",
            )
            for key, text in names.items()
        ]  # fmt: skip
    with gr.Row(visible=False, elem_id="tr-confirm") as confirm:
        gr.HTML(
            markup.note(
                "Delete this job with its curves, log and checkpoints? An adapter that it made "
                "stays. This cannot be undone."
            )
        )
        really = gr.Button("Delete it", variant="stop", size="md", elem_id="tr-really")
        keep = gr.Button("Keep it", size="md", elem_id="tr-keep")
    return (*made, confirm, really, keep)


def _chart(key: str) -> tuple[gr.HTML, gr.Plot]:
    with gr.Column(elem_id=f"tr-chart-{key}", elem_classes="tr-chart"):
        title = gr.HTML()
        plot = gr.Plot(show_label=False, container=False)
    return title, plot


def build_prove() -> ProvePart:
    with section(
        "prove",
        "Is it better?",
        "Base, current and new adapter on scenes that no training ever sees, and on the corrected "
        "cases. Intervals hold 95 % of paired bootstrap draws.",
    ) as box:
        empty = gr.HTML()
        begin = gr.Button("Go to the job", variant="primary", visible=False)
        with gr.Column(visible=False, elem_classes="tr-section") as body:
            table = gr.HTML(elem_id="tr-table")
            again = gr.Button("Prove again", size="md", visible=False, elem_id="tr-again")
            gallery = gr.HTML(elem_id="tr-gallery", js_on_load=clicks("case"))
            gr.HTML(
                markup.heading(
                    "Where it looks, before and after",
                    "Both adapters are made to say the same words (the base's answer), so that "
                    "the two maps can be compared. Controls are scenes that nobody corrected.",
                )
            )
            with gr.Row(equal_height=False):
                case = gr.Dropdown(label="Case", scale=4, elem_id="tr-case")
                compare = gr.Button(
                    "Compare the maps", variant="primary", scale=1, elem_id="tr-compare"
                )
                stop = gr.Button("Cancel", variant="stop", visible=False, scale=1)
            progress = gr.HTML(elem_id="tr-compare-progress")
            with gr.Row(visible=False, elem_id="tr-maps-panels", equal_height=False) as maps:
                with gr.Column(min_width=300, elem_classes="sl-panel"):
                    before_title = gr.HTML()
                    before = gr.Plot(show_label=False, container=False, elem_classes="sl-plot")
                with gr.Column(min_width=300, elem_classes="sl-panel"):
                    after_title = gr.HTML()
                    after = gr.Plot(show_label=False, container=False, elem_classes="sl-plot")
            note = gr.HTML(elem_id="tr-maps-note")
    return ProvePart(
        box, empty, begin, body, table, gallery, again, case, compare, stop, progress, maps,
        before_title, before, after_title, after, note,
    )  # fmt: skip


def build_promote() -> PromotePart:
    with section(
        "promote",
        "Should it be used?",
        "A new adapter goes into use only if it is better where it should be and not worse "
        "elsewhere. A trainer may decide otherwise, and says why.",
    ) as box:
        empty = gr.HTML()
        begin = gr.Button("Go to the job", variant="primary", visible=False)
        with gr.Column(visible=False, elem_classes="tr-section") as body:
            rule = gr.HTML(elem_id="tr-rule")
            promote = gr.Button(
                "Use it from now on", variant="primary", visible=False, elem_id="tr-use-it"
            )
            with gr.Row(equal_height=False):
                reason = gr.Textbox(
                    label="Reason to use it all the same (kept with the decision)", lines=2,
                    scale=4, elem_id="tr-reason", visible=False,
                )  # fmt: skip
                override = gr.Button(
                    "Use it against the rule", scale=1, visible=False, elem_id="tr-override"
                )
        message = gr.HTML(elem_id="tr-promote-message")
        in_use = gr.HTML(elem_id="tr-in-use")
        rollback = gr.Button("Take the last promotion back", visible=False, elem_id="tr-rollback")
        history = gr.HTML(elem_id="tr-history")
    return PromotePart(
        box, empty, begin, body, rule, promote, reason, override, message, in_use, rollback,
        history,
    )  # fmt: skip


def build_keep(place: object) -> KeepPart:
    return KeepPart(
        address=gr.HTML(elem_id="tr-address", elem_classes="sl-hidden", js_on_load=ADDRESS_JS),
        asked_step=asked("step"),
        asked_job=asked("job"),
        asked_case=asked("case"),
        place=gr.State(place),
        seen=gr.State(""),
        plan=gr.State(""),
        compare=gr.State(""),
        timer=gr.Timer(2.0, active=False),
    )
