"""The components of the Scene tab, in page order. Only builds; `ui.scene.page` binds."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from ui.components.upload import OriginalImage
from ui.shell.address import ADDRESS_JS
from ui.shell.events import asked, asks

# Clicks inside the HTML pieces become one event each; the rest of the page's script lies in
# ui/shell/sightline.js.
EXAMPLES_JS = f"window.sightline.examples(element, {asks('example')});"
TOKENS_JS = f"window.sightline.tokens(element, {asks('tokens')});"


@dataclass(frozen=True)
class InputPart:
    """Picture, question and the buttons."""

    image: gr.Image
    image_message: gr.HTML
    examples: gr.HTML
    preset: gr.Dropdown
    prompt: gr.Textbox
    prompt_message: gr.HTML
    adapter: gr.Dropdown
    adapter_message: gr.HTML
    look: gr.Button
    cancel: gr.Button
    five: gr.Checkbox
    progress: gr.HTML


@dataclass(frozen=True)
class AdapterPart:
    """Loading an adapter that the app does not know yet."""

    source: gr.Textbox
    load: gr.Button
    unload: gr.Button
    message: gr.HTML


@dataclass(frozen=True)
class ResultPart:
    """Three panels, and what stands around them."""

    empty: gr.HTML
    box: gr.Column
    headline: gr.HTML
    tuned_column: gr.Column
    difference_column: gr.Column
    base_title: gr.HTML
    tuned_title: gr.HTML
    base_plot: gr.Plot
    tuned_plot: gr.Plot
    difference_plot: gr.Plot
    base_answer: gr.HTML
    tuned_answer: gr.HTML
    difference_note: gr.HTML
    tokens: gr.HTML
    numbers: gr.HTML
    shift_column: gr.Column
    shift_plot: gr.Plot
    notes: gr.HTML
    caption: gr.HTML


@dataclass(frozen=True)
class SettingsPart:
    """How a finished result is drawn. Hidden until there is one."""

    box: gr.Accordion
    method: gr.Dropdown
    first: gr.Slider
    last: gr.Slider
    heads: gr.Dropdown
    opacity: gr.Slider
    same_scale: gr.Checkbox
    sinks: gr.Checkbox
    relative: gr.Checkbox
    forced: gr.Radio
    message: gr.HTML


@dataclass(frozen=True)
class KeepPart:
    """Downloads, the link, and what the page remembers.

    memory: this browser's last result and run. example, run, result, chosen: of this visit.
    linked: the view that a link asks for, until its result is there. fresh: id of a result that
    is not drawn yet.
    """

    box: gr.Column
    png: gr.Button
    png_file: gr.DownloadButton
    numbers: gr.Button
    numbers_file: gr.DownloadButton
    link: gr.Button
    message: gr.HTML
    address: gr.HTML
    asked_example: gr.HTML
    asked_tokens: gr.HTML
    memory: gr.BrowserState
    example: gr.State
    run: gr.State
    result: gr.State
    chosen: gr.State
    linked: gr.State
    fresh: gr.State


def build_input() -> InputPart:
    with gr.Row(elem_id="sl-input", equal_height=False):
        with gr.Column(scale=3, min_width=300):
            image = OriginalImage(
                label="Road scene", sources=["upload", "clipboard", "webcam"], height=180,
                elem_id="sl-image", buttons=[], alt_text="The picture that both models look at",
                placeholder="Drop a road photo here\n- or -\nclick to upload",
            )  # fmt: skip
            image_message = gr.HTML(elem_id="sl-image-message")
        with gr.Column(scale=7, min_width=300):
            examples = gr.HTML(elem_id="sl-examples", js_on_load=EXAMPLES_JS)
    with gr.Row(elem_id="sl-ask", equal_height=False):
        with gr.Column(scale=3, min_width=190):
            preset = gr.Dropdown(label="Question", interactive=True, elem_id="sl-preset")
        with gr.Column(scale=7, min_width=260):
            prompt = gr.Textbox(
                label="Exact prompt (Enter runs it)", lines=1, max_lines=4, elem_id="sl-prompt"
            )
            prompt_message = gr.HTML(elem_id="sl-prompt-message")
        with gr.Column(scale=3, min_width=200):
            adapter = gr.Dropdown(label="Fine-tuned by adapter", elem_id="sl-adapter")
            adapter_message = gr.HTML(elem_id="sl-adapter-message")
        with gr.Column(scale=2, min_width=130, elem_id="sl-go"):
            # Pressed before the page has filled in prompt and adapter it would run without them.
            look = gr.Button("Look", variant="primary", interactive=False, elem_id="sl-look")
            cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="sl-cancel")
    five = gr.Checkbox(
        False, label="Five-second mode: mark the hazard yourself before you see the answers",
        container=False, elem_id="sl-five",
    )  # fmt: skip
    progress = gr.HTML(elem_id="sl-progress")
    return InputPart(
        image, image_message, examples, preset, prompt, prompt_message, adapter, adapter_message,
        look, cancel, five, progress,
    )  # fmt: skip


def build_adapters() -> AdapterPart:
    with (
        gr.Accordion("Load another adapter", open=False, elem_id="sl-adapters"),
        gr.Row(equal_height=False),
    ):
        with gr.Column(scale=5, min_width=260):
            source = gr.Textbox(
                label="Folder or Hugging Face id", elem_id="sl-source", lines=1, max_lines=1,
                max_length=1000,
                placeholder="/path/to/adapter or user/name",
                info="A LoRA folder: adapter_config.json, adapter_model.safetensors",
            )  # fmt: skip
            message = gr.HTML(elem_id="sl-load-message")
        load = gr.Button("Load it", scale=1, min_width=110, elem_id="sl-load")
        unload = gr.Button("Unload the chosen one", scale=1, min_width=180, elem_id="sl-unload")
    return AdapterPart(source, load, unload, message)


def build_result() -> ResultPart:
    empty = gr.HTML(elem_id="sl-empty")
    with gr.Column(visible=False, elem_id="sl-result") as box:
        headline = gr.HTML(elem_id="sl-headline")
        with gr.Row(elem_id="sl-panels", equal_height=False):
            panels = [_panel(kind) for kind in ("base", "tuned", "difference")]
        caption = gr.HTML(elem_id="sl-caption")
        notes = gr.HTML(elem_id="sl-notes")
        with gr.Row(elem_id="sl-below", equal_height=False):
            with gr.Column(scale=2, min_width=300):
                tokens = gr.HTML(elem_id="sl-tokens", js_on_load=TOKENS_JS)
                numbers = gr.HTML(elem_id="sl-numbers")
            with gr.Column(scale=1, min_width=300, elem_id="sl-shift") as shift_column:
                gr.HTML(
                    '<h3 class="sl-panel-title">Which heads moved<span class="sl-quiet">share '
                    "of each head's attention that went elsewhere</span></h3>"
                )
                shift_plot = gr.Plot(show_label=False, container=False, elem_classes="sl-shift")
    (_, base_title, base_plot, base_answer) = panels[0]
    (tuned_column, tuned_title, tuned_plot, tuned_answer) = panels[1]
    (difference_column, _, difference_plot, difference_note) = panels[2]
    return ResultPart(
        empty, box, headline, tuned_column, difference_column, base_title, tuned_title, base_plot,
        tuned_plot, difference_plot, base_answer, tuned_answer, difference_note, tokens, numbers,
        shift_column, shift_plot, notes, caption,
    )  # fmt: skip


DIFFERENCE_TITLE = (
    '<h3 class="sl-panel-title"><span class="sl-sign sl-sign-difference" aria-hidden="true"></span>'
    'Difference<span class="sl-quiet">fine-tuned minus base</span></h3>'
)


def _panel(kind: str) -> tuple[gr.Column, gr.HTML, gr.Plot, gr.HTML]:
    with gr.Column(scale=1, min_width=300, elem_id=f"sl-{kind}", elem_classes="sl-panel") as column:
        title = gr.HTML(DIFFERENCE_TITLE if kind == "difference" else "")
        plot = gr.Plot(show_label=False, container=False, elem_classes="sl-plot")
        below = gr.HTML()
    return column, title, plot, below


def build_settings() -> SettingsPart:
    with gr.Accordion("Map settings", open=True, visible=False, elem_id="sl-settings") as box:
        with gr.Row(equal_height=False):
            method = gr.Dropdown(
                [("Attention", "attention")], value="attention", label="Method", scale=2,
                min_width=150, elem_id="sl-method",
            )  # fmt: skip
            first = gr.Slider(
                0, 1, 0, step=1, label="First layer", scale=2, min_width=140, elem_id="sl-first"
            )
            last = gr.Slider(
                0, 1, 1, step=1, label="Last layer", scale=2, min_width=140, elem_id="sl-last"
            )
            heads = gr.Dropdown(
                [("Mean of heads", "mean"), ("Max of heads", "max")], value="mean", label="Heads",
                scale=2, min_width=140, elem_id="sl-heads",
            )  # fmt: skip
            opacity = gr.Slider(
                0,
                100,
                75,
                step=1,
                label="Opacity (%)",
                scale=2,
                min_width=140,
                elem_id="sl-opacity",
            )
        with gr.Row(equal_height=False, elem_id="sl-switches"):
            same_scale = gr.Checkbox(True, label="Same scale on both sides", min_width=190)
            sinks = gr.Checkbox(
                False, label="Remove attention sinks", min_width=190, elem_id="sl-sinks"
            )
            relative = gr.Checkbox(False, label="Relative to a neutral prompt", min_width=200)
            forced = gr.Radio(
                [("Fine-tuned's", "finetuned"), ("Base's", "base")], value="finetuned",
                label="Answer that both must say (runs again)", min_width=260, elem_id="sl-forced",
            )  # fmt: skip
        message = gr.HTML(elem_id="sl-settings-message")
    return SettingsPart(
        box, method, first, last, heads, opacity, same_scale, sinks, relative, forced, message
    )


def build_keep() -> KeepPart:
    with gr.Column(visible=False, elem_id="sl-keep") as box, gr.Row():
        png = gr.Button("Download PNG", size="md", elem_id="sl-png")
        numbers = gr.Button("Download JSON", size="md", elem_id="sl-json")
        link = gr.Button("Copy link", size="md", elem_id="sl-link")
        png_file = gr.DownloadButton(elem_id="sl-png-file", elem_classes="sl-hidden")
        numbers_file = gr.DownloadButton(elem_id="sl-json-file", elem_classes="sl-hidden")
    message = gr.HTML(elem_id="sl-keep-message")
    return KeepPart(
        box, png, png_file, numbers, numbers_file, link, message,
        address=gr.HTML(elem_id="sl-address", elem_classes="sl-hidden", js_on_load=ADDRESS_JS),
        asked_example=asked("example"),
        asked_tokens=asked("tokens"),
        # Fixed key and secret: a restart of the app must still read what the browser kept.
        memory=gr.BrowserState({}, storage_key="sightline-scene", secret="sightline"),
        example=gr.State(None),
        run=gr.State(""),
        result=gr.State(""),
        chosen=gr.State([]),
        linked=gr.State(None),
        fresh=gr.State(""),
    )  # fmt: skip
