"""The one place where an error becomes what gradio shows; `ui.layout.Page` sends all here."""

from __future__ import annotations

from html import escape

import gradio as gr

from inference.errors import UserError
from ui.handlers.scene import explain_failure
from ui.visitors import names_only


def as_shown(error: Exception) -> gr.Error:
    """What to raise instead. Gradio shows errors as HTML and with the server's paths in them: texts
    are escaped, paths are cut to names, and what nobody foresaw is logged, not shown."""
    if isinstance(error, gr.Error):  # gradio's own, which repeats what was sent
        return gr.Error(_plain(error.message), error.duration, print_exception=False)
    if not isinstance(error, UserError) and isinstance(error.__cause__, UserError):
        error = error.__cause__  # gradio wraps what a component raises
    return gr.Error(_plain(str(explain_failure(error))), print_exception=False)


def _plain(text: str) -> str:
    return escape(names_only(text), quote=False)
