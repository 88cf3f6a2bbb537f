"""What the steps of the Training page have in common. Each step is a class: it builds its
components, says what they become at a place (`values` when one comes there, `watched` on each
tick), and binds its own events; `page` is `ui.training.page.TrainingPage`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from training.jobs.rows import JobRow
from ui.components import markup
from ui.components.endpoints import Values


def shown(visible: bool, **more: Any) -> Any:
    return gr.update(visible=visible, **more)


def section(key: str, title: str, sentence: str) -> gr.Column:
    box = gr.Column(visible=False, elem_id=f"tr-{key}", elem_classes="tr-section")
    with box:
        gr.HTML(markup.heading(title, sentence))
    return box


def recipe(key: str) -> tuple[gr.Accordion, gr.Code, gr.Code]:
    with gr.Accordion("The exact command and config", open=False, elem_id=f"{key}-recipe") as box:
        command = gr.Code(
            language="shell", label="Command, from the repository's folder", interactive=False,
            lines=1, wrap_lines=True, show_line_numbers=False, buttons=["copy"],
            elem_id=f"{key}-command",
        )  # fmt: skip
        config = gr.Code(
            language="json", label="The file that it reads", interactive=False, lines=8,
            max_lines=24, buttons=["copy"], elem_id=f"{key}-config",
        )  # fmt: skip
    return box, command, config


class Step:
    """A step has a body, or, as long as there is nothing to show, a text and a button. js: what
    the button does in the browser."""

    def __init__(self, button: str, js: str | None = None) -> None:
        self.empty = gr.HTML()
        self.begin = gr.Button(button, variant="primary", visible=False)
        if js is not None:
            self.begin.click(None, js=js)
        self.body = gr.Column(visible=False, elem_classes="tr-section")

    def something(self) -> Values:
        return {self.empty: "", self.begin: shown(False), self.body: shown(True)}

    def nothing(self, title: str, text: str) -> Values:
        return {
            self.empty: markup.nothing_yet(title, text),
            self.begin: shown(True),
            self.body: shown(False),
        }

    def unproven(self, job: JobRow | None, title: str) -> Values:
        """Before there is a proof."""
        if job is None:
            text = "Pick a job that is done, or start one."
        elif job.state in ("queued", "running", "cancelling"):
            text = "The job is not through yet; its proof is made right after the training."
        elif job.state == "done":
            text = "The job made no proof. Its log says why; “Prove again” makes one."
        else:
            text = "The job ended before a proof was made. Resume it, or change its settings."
        return self.nothing(title, text)
