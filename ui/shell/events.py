"""What the events of every page have in common."""

from __future__ import annotations

from typing import Any

import gradio as gr

MODEL_QUEUE = "model"  # concurrency_id of every event that needs the model: one at a time

# Our pages say themselves that something is going on. The empty list tells Gradio's page to follow
# no output of the event either: it looks each one up in the whole tree of components, at every
# step of every event, which was a third of its work while opening (dev/LOG.md).
QUIET: dict[str, Any] = {
    "api_visibility": "private", "show_progress": "hidden", "show_progress_on": [],
}  # fmt: skip

# Answered past the queue, so that it never waits for a model.
AT_ONCE: dict[str, Any] = {**QUIET, "queue": False}

# Asked again before the answer is there, it is sent once more after it, as things then are. By
# itself Gradio drops what is pressed meanwhile, and the page shows something else than is pressed.
LATEST: dict[str, Any] = {**AT_ONCE, "trigger_mode": "always_last"}


def asked(name: str) -> gr.HTML:
    """What was pressed last in the page's piece of that name, for a handler of a LATEST event.

    The event's own data will not do: Gradio 6.31 sends an event again with the first one's.
    """
    return gr.HTML(
        "", html_template="<i></i>", elem_classes="sl-hidden",
        js_on_load=f"window.sightline.asked('{name}', props);",
    )  # fmt: skip


def asks(name: str) -> str:
    """Script of a piece: a function that takes what was pressed (a text) and sends the event."""
    return f"(what) => {{ window.sightline.ask('{name}', what); trigger('select', {{}}); }}"
