"""The components of the Scene page, in page order. Only builds."""

from __future__ import annotations

from typing import Any

import gradio as gr

from inference.registry import task as find_task
from ui.components.downloads import Download
from ui.components.editors import editor
from ui.components.map_settings import MapControls
from ui.components.upload import OriginalImage
from ui.shell.address import ADDRESS_JS
from ui.shell.desk import task_choices
from ui.shell.events import asked, asks

# Clicks inside the HTML pieces become one event each.
EXAMPLES_JS = f"window.sightline.scene.examples(element, {asks('example')});"
TOKENS_JS = f"window.sightline.tokens(element, {asks('tokens')});"
STAGE_JS = "".join(
    f"window.sightline.{part}.attach(element, watch);" for part in ("panels", "marker", "scene")
)
SHEET_JS = "watch('value', () => window.sightline.scene.png(props));"
MINE_JS = f"window.sightline.marker.mine(element, {asks('withdraw')});"


class Scene:
    """The components by name. Those of one part of the page are built by one method."""

    def __init__(self) -> None:
        self._input()
        self.empty = gr.HTML(elem_id="sl-empty")
        with gr.Column(visible=False, elem_id="sl-result") as self.box:
            self.headline = gr.HTML(elem_id="sl-head")
            self.stale = gr.HTML(elem_id="sl-stale")
            self.stage = gr.HTML(elem_id="sl-stage", js_on_load=STAGE_JS)
            self._bar()
            self._correction()
            with gr.Column(elem_id="sl-details") as self.details:
                self._details()
        self._adapters()
        self._kept()

    def _input(self) -> None:
        tasks = task_choices("image")
        with gr.Row(elem_id="sl-input", equal_height=False):
            with gr.Column(scale=2, min_width=150):
                self.image = OriginalImage(
                    label="Road scene", show_label=False, sources=["upload", "clipboard", "webcam"],
                    elem_id="sl-image", buttons=[], alt_text="The image that both models get",
                    placeholder="Drop a road photo",
                )  # fmt: skip
                self.image_message = gr.HTML(elem_id="sl-image-message")
            with gr.Column(scale=5, min_width=190):
                self.examples = gr.HTML(elem_id="sl-examples", js_on_load=EXAMPLES_JS)
            with gr.Column(scale=2, min_width=130):
                self.task = gr.Dropdown(
                    tasks, value=tasks[0][1], label="Task", interactive=True, elem_id="sl-task"
                )
            with gr.Column(scale=2, min_width=130):
                self.preset = gr.Dropdown(label="Question", interactive=True, elem_id="sl-preset")
            with gr.Column(scale=5, min_width=200):
                self.prompt = gr.Textbox(
                    label="Prompt (Enter runs it)", lines=1, max_lines=3, elem_id="sl-prompt"
                )
                self.prompt_message = gr.HTML(elem_id="sl-prompt-message")
            with gr.Column(scale=3, min_width=150):
                self.adapter = gr.Dropdown(label="Adapter", elem_id="sl-adapter")
                self.adapter_message = gr.HTML(elem_id="sl-adapter-message")
            with gr.Column(scale=2, min_width=130, elem_id="sl-go"):
                # Pressed before the page has filled in the form it would run without it.
                self.compare = gr.Button(
                    "Compare", variant="primary", interactive=False, elem_id="sl-compare"
                )
                self.cancel = gr.Button(
                    "Cancel", variant="stop", visible=False, elem_id="sl-cancel"
                )
                self.five = gr.Checkbox(
                    False, label="Five-second mode", container=False, elem_id="sl-five",
                    info="Mark the hazard before you see the answers",
                )  # fmt: skip
        self.progress = gr.HTML(elem_id="sl-progress")

    def _bar(self) -> None:
        with gr.Row(elem_id="sl-bar", equal_height=False):
            with gr.Accordion("Map settings", open=True, elem_id="sl-settings") as self.settings:
                with gr.Row(equal_height=False):
                    self.maps = MapControls()
                    self.forced = gr.Radio(
                        [("Fine-tuned", "finetuned"), ("Base", "base")], value="finetuned",
                        label="Forced answer (runs again)", min_width=215, elem_id="sl-forced",
                    )  # fmt: skip
                self.settings_message = gr.HTML(elem_id="sl-settings-message")
            with gr.Row(elem_id="sl-verdicts") as self.verdicts:
                self.right = gr.Button("✓ Right", elem_id="sl-right", min_width=90)
                self.wrong = gr.Button("✗ Wrong", elem_id="sl-wrong", min_width=90)
                self.nothing = gr.Button("∅ No hazard", elem_id="sl-nothing", min_width=110)
        self.notes = gr.HTML(elem_id="sl-notes")

    def _correction(self) -> None:
        self.invitation = gr.HTML(elem_id="sl-invitation")
        self.editors: dict[str, dict[str, Any]] = {}
        self.editor_boxes: dict[str, gr.Column] = {}
        with gr.Row(visible=False, elem_id="sl-editor", equal_height=False) as self.place:
            for _, name in task_choices("image"):
                self._editor(name)
            with gr.Column(scale=1, min_width=240), gr.Row(elem_id="sl-save-row"):
                self.save = gr.Button("Save", variant="primary", elem_id="sl-save")
                self.close = gr.Button("Close", elem_id="sl-close")
                self.reveal = gr.Button(
                    "Show the answers without marking", elem_id="sl-reveal", visible=False
                )
        self.mark_message = gr.HTML(elem_id="sl-mark-message")
        self.message = gr.HTML(elem_id="sl-correct-message")
        self.mine = gr.HTML(elem_id="sl-mine", js_on_load=MINE_JS)

    def _editor(self, name: str) -> None:
        """What corrects each of a task's fields; seen only while that task is chosen."""
        task = find_task(name)
        fields = [*task.fields, *task.notes]
        first = name == task_choices("image")[0][1]
        with gr.Column(scale=3, min_width=300, visible=first) as self.editor_boxes[name], gr.Row():
            self.editors[name] = {field.name: editor(field) for field in fields}

    def _details(self) -> None:
        self.tokens = gr.HTML(elem_id="sl-tokens", js_on_load=TOKENS_JS)
        self.answers = gr.HTML(elem_id="sl-answers")
        with gr.Accordion("Numbers with their baselines", open=False, elem_id="sl-numbers"):
            self.numbers = gr.HTML()
        with gr.Accordion(
            "Attention shift per head (total variation, 0–1)", open=False, elem_id="sl-heads"
        ) as self.heads:
            self.shift = gr.HTML()
        with gr.Accordion("Download, link", open=False, elem_id="sl-keep"):
            with gr.Row():
                self.png = gr.Button("Download PNG", size="md", elem_id="sl-png")
                self.json = Download("Download JSON", "sl-json")
                self.link = gr.Button("Copy link", size="md", elem_id="sl-link")
            # Holds the sheet, as JSON, until the browser has drawn it: the template shows nothing.
            self.sheet = gr.HTML(
                "", html_template="<i></i>", js_on_load=SHEET_JS, elem_classes="sl-hidden"
            )
            self.keep_message = gr.HTML(elem_id="sl-keep-message")

    def _adapters(self) -> None:
        with (
            gr.Accordion("Load another adapter", open=False, elem_id="sl-adapters"),
            gr.Row(equal_height=False),
        ):
            with gr.Column(scale=5, min_width=260):
                self.source = gr.Textbox(
                    label="Folder or Hugging Face id", elem_id="sl-source", lines=1, max_lines=1,
                    max_length=1000, placeholder="/path/to/adapter or user/name",
                    info="A LoRA folder: adapter_config.json, adapter_model.safetensors",
                )  # fmt: skip
                self.load_message = gr.HTML(elem_id="sl-load-message")
            self.load = gr.Button("Load", scale=1, min_width=110, elem_id="sl-load")
            self.unload = gr.Button(
                "Unload the chosen adapter", scale=1, min_width=180, elem_id="sl-unload"
            )

    def _kept(self) -> None:
        """What the page remembers.

        memory: this browser's last result and run. example, run, result, chosen: of this visit.
        linked: the view that a link asks for, until its result is there. fresh: id of a result
        that is not drawn yet. veiled: id of the result whose answers are hidden until the person
        has answered, or "".
        """
        self.address = gr.HTML(
            elem_id="sl-address", elem_classes="sl-hidden", js_on_load=ADDRESS_JS
        )
        self.asked_example = asked("example")
        self.asked_tokens, self.asked_withdraw = asked("tokens"), asked("withdraw")
        # Fixed key and secret: a restart of the app must still read what the browser kept.
        self.memory = gr.BrowserState({}, storage_key="sightline-scene", secret="sightline")
        self.example, self.linked = gr.State(None), gr.State(None)
        self.run, self.result, self.fresh = gr.State(""), gr.State(""), gr.State("")
        self.chosen, self.veiled, self.shown_task = gr.State([]), gr.State(""), gr.State("")

    @property
    def fields(self) -> list[Any]:
        """The editors' components, of all tasks."""
        return [part for task in self.editors.values() for part in task.values()]

    @property
    def inputs(self) -> set[Any]:
        """What every handler gets; `read_form` turns it into a SceneForm at once."""
        return {
            self.image, self.task, self.prompt, self.adapter, *self.maps.parts, self.forced,
            self.example, self.run, self.result, self.chosen, self.linked, self.fresh,
            self.asked_example, self.asked_tokens, self.asked_withdraw, self.five, self.veiled,
            self.shown_task,
        }  # fmt: skip

    @property
    def outputs(self) -> list[Any]:
        """What a result changes."""
        never = {
            self.link, self.source, self.load, self.unload, self.load_message, self.asked_example,
            self.asked_tokens, self.asked_withdraw,
        }  # fmt: skip
        own = [part for part in vars(self).values() if isinstance(part, gr.blocks.Block)]
        boxes = list(self.editor_boxes.values())
        return [p for p in [*own, *boxes, *self.maps.parts, *self.fields] if p not in never]
