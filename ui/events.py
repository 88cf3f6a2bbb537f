"""What the events of every page have in common."""

from __future__ import annotations

from typing import Any

# Our pages say themselves that something is going on. The empty list tells Gradio's page to follow
# no output of the event either: it looks each one up in the whole tree of components, at every
# step of every event, which was a third of its work while opening (dev/LOG.md).
QUIET: dict[str, Any] = {
    "api_visibility": "private", "show_progress": "hidden", "show_progress_on": [],
}  # fmt: skip

# Answered past the queue, so that it never waits for a model.
AT_ONCE: dict[str, Any] = {**QUIET, "queue": False}
