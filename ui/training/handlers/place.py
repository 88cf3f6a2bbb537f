"""Where a visitor of the Training page is, and its address. No gradio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ui.shell.address import query_of
from ui.training.views import STEPS

TASK = "hazard"
"""The only task that can be trained so far; the others bring their presets and losses along."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Place:
    """What this page shows. job: the selected one. snapshot: what the next job is trained on.
    retry: the job whose settings are being changed."""

    step: str = "choose"
    job: str = ""
    snapshot: str = ""
    retry: str = ""

    def at(self, step: str) -> Place:
        return replace(self, step=step if step in STEPS else self.step)


def to_query(place: Place) -> str:
    """The query string, without "?"."""
    snapshot = "" if place.job else place.snapshot  # a job knows its own
    return query_of(
        {"job": place.job, "step": place.step, "snapshot": snapshot, "retry": place.retry}
    )


def from_query(query: Mapping[str, str]) -> Place:
    """Whatever is missing or makes no sense stays at its default."""
    known = {
        key: query[key] for key in ("job", "snapshot", "retry") if _ID.fullmatch(query.get(key, ""))
    }
    step = query.get("step", "")
    usual = "run" if known.get("job") else "choose"
    return Place(step if step in STEPS else usual, **known)
