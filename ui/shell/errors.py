"""The one place where an error becomes what gradio shows; `ui.layout.Page` sends all here."""

from __future__ import annotations

from html import escape

import gradio as gr
from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse

from inference.errors import UserError
from ui.shell.failures import explain_failure
from ui.shell.visitors import names_only

COME_BACK_S = 30


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


def queue_full(request: Request, error: HTTPException) -> JSONResponse:
    """The answer where gradio says 503: too many wait already, or the server is being stopped."""
    said = (
        "Too many people wait for an answer at this moment, so this was not taken. "
        f"Come back in {COME_BACK_S} seconds."
    )
    return JSONResponse({"detail": said}, 503, headers={"Retry-After": str(COME_BACK_S)})
