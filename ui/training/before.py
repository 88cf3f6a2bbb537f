"""Builds the steps before a job: Choose, Preview, Set."""

from __future__ import annotations

from typing import Any

import gradio as gr

from training.jobs.settings import PRESETS, FieldSpec
from ui.components import markup
from ui.training.handlers.set import form_fields, form_values, label
from ui.training.parts import ChoosePart, PreviewPart, SetPart, recipe, section

ALL = ("all", "")
USUAL_PRESET = "quick_fix"

NO_PREVIEW = markup.nothing_yet(
    "Nothing to look at yet", "Go to Choose and press “Show what goes in”: the pictures and the "
    "exact texts appear here.",
)  # fmt: skip


def build_choose() -> ChoosePart:
    usual = PRESETS[USUAL_PRESET].settings
    with section(
        "choose",
        "Which corrections should the model learn?",
        "Only accepted corrections are used. Leave a filter empty to take all of them.",
    ) as box:
        empty = gr.HTML()
        go = gr.Button("Open Corrections", variant="primary", visible=False, elem_id="tr-open")
        with gr.Column() as form:
            with gr.Row():
                author = gr.Dropdown([ALL], value="", label="By whom", elem_id="tr-author")
                slices = gr.Dropdown([ALL], value="", label="In which slice", elem_id="tr-slice")
                adapter = gr.Dropdown(
                    [ALL], value="", label="Made on answers of adapter", elem_id="tr-from-adapter"
                )
                since = gr.Textbox(label="From day", placeholder="2026-11-01", max_lines=1)
                until = gr.Textbox(label="To day", placeholder="2026-11-30", max_lines=1)
            with gr.Row():
                replay = gr.Slider(
                    0, 95, 100 * usual.replay_share, step=0.1,
                    label="Replay share (% of all pictures)",
                    info="Original training scenes mixed in, so that the model forgets less.",
                    elem_id="tr-replay",
                )  # fmt: skip
                validation = gr.Slider(
                    0, 50, 100 * usual.validation_share, step=1,
                    label="Validation share (% of scenes)",
                    info="Kept aside to measure; no scene is in both parts.",
                    elem_id="tr-validation",
                )  # fmt: skip
                seed = gr.Number(
                    42, precision=0, label="Seed", info="Which scenes are drawn and kept aside.",
                    elem_id="tr-seed",
                )  # fmt: skip
            with gr.Row():
                preview = gr.Button(
                    "Show what goes in",
                    variant="primary",
                    scale=0,
                    min_width=240,
                    elem_id="tr-show",
                )
                stop = gr.Button("Cancel", variant="stop", visible=False, elem_id="tr-stop-plan")
            progress = gr.HTML(elem_id="tr-plan-progress")
        message = gr.HTML(elem_id="tr-choose-message")
    return ChoosePart(
        box, empty, go, form, author, slices, adapter, since, until, replay, validation, seed,
        progress, message, preview, stop,
    )  # fmt: skip


def build_preview() -> PreviewPart:
    with section(
        "preview",
        "What goes in",
        "Look at the pictures and the exact texts before anything is trained.",
    ) as box:
        message = gr.HTML(elem_id="tr-preview-message")
        with gr.Row():
            use = gr.Button("Use these", variant="primary", interactive=False, elem_id="tr-use")
            back = gr.Button("Choose others", elem_id="tr-back")
        view = gr.HTML(NO_PREVIEW, elem_id="tr-preview-view")
    return PreviewPart(box, view, message, use, back)


def build_set() -> SetPart:
    with section(
        "set",
        "How should it be trained?",
        "Take a preset as it is, or change any number; a wrong one is refused at its field.",
    ) as box:
        with gr.Row():
            with gr.Column(scale=2, min_width=260):
                preset = gr.Dropdown(
                    [(p.label, name) for name, p in PRESETS.items()],
                    value=USUAL_PRESET, label="Preset", elem_id="tr-preset",
                )  # fmt: skip
                about = gr.HTML(markup.note(PRESETS[USUAL_PRESET].about))
            with gr.Column(scale=2, min_width=260):
                name = gr.Textbox(
                    label="Name of the new adapter", max_lines=1, elem_id="tr-name",
                    placeholder="made from task and time when empty",
                )  # fmt: skip
                name_message = gr.HTML()
            with gr.Column(scale=2, min_width=260):
                runner = gr.Radio(label="Where it runs", elem_id="tr-runner")
        changed = gr.HTML(elem_id="tr-changed")
        message = gr.HTML(elem_id="tr-set-message")
        start = gr.Button("Train", variant="primary", elem_id="tr-start")
        usual = form_values(PRESETS[USUAL_PRESET].settings)
        fields: dict[str, Any] = {}
        messages: dict[str, gr.HTML] = {}
        for group, members in form_fields().items():
            with gr.Column(elem_classes="tr-fields"):
                gr.HTML(f'<h3 class="tr-group-title">{group}</h3>', elem_classes="tr-wide")
                for key, spec in members:
                    with gr.Column(elem_classes="tr-field"):
                        fields[key] = _field(key, spec, usual[key])
                        messages[key] = gr.HTML(elem_id=f"tr-problem-{key}")
        shown, command, config = recipe("tr-set")
    return SetPart(
        box, preset, about, name, name_message, runner, fields, messages, changed, message, start,
        shown, command, config,
    )  # fmt: skip


def _field(name: str, spec: FieldSpec, value: Any) -> Any:
    common = {
        "value": value,
        "label": label(name), "info": spec.meaning, "elem_id": f"tr-field-{name}",
        "interactive": True, "container": True,
    }  # fmt: skip
    if spec.kind == "bool":
        return gr.Checkbox(**common)
    if spec.kind == "choice":
        return gr.Dropdown(list(spec.choices), filterable=False, **common)
    if spec.kind == "choices":
        return gr.CheckboxGroup(list(spec.choices), **common)
    return gr.Number(precision=0 if spec.kind == "int" else None, **common)
