"""A button that makes a file and hands it to the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from ui.components import markup
from ui.shell.failures import explain_failure


class Download:
    """button: what is pressed. file: hidden, gets the file and is pressed by the browser."""

    def __init__(self, label: str, elem_id: str) -> None:
        self.button = gr.Button(label, size="md", elem_id=elem_id)
        self.file = gr.DownloadButton(elem_id=f"{elem_id}-file", elem_classes="sl-hidden")

    def wire(self, write: Callable[..., str], inputs: Any, message: gr.HTML, name: str) -> None:
        """write(values, request): makes the file and returns its path. Errors go to `message`."""

        def saved(values: Any, request: gr.Request) -> dict[Any, Any]:
            try:
                return {self.file: write(values, request), message: ""}
            except Exception as error:
                return {self.file: None, message: markup.error(explain_failure(error))}

        self.button.click(
            saved, inputs, [self.file, message], api_name=name, api_visibility="private",
            queue=False, show_progress_on=message,
        ).then(None, js=f"() => window.sightline.download('{self.file.elem_id}')")  # fmt: skip
