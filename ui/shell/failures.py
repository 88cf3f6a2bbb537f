"""What a person is told of any error. Knows no gradio."""

from __future__ import annotations

import logging

from inference.errors import Cancelled, UserError, unexpected

log = logging.getLogger(__name__)


def explain_failure(error: BaseException) -> UserError:
    """What to tell the user; an unexpected error goes to the log, not to the page."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, Cancelled):
        return UserError("Stopped", hint="Your settings are kept; press Compare to run again")
    log.error("an action failed", exc_info=error)
    return unexpected("The server met an unexpected error", error)
