"""What a case's points are called and how far apart they lie, for all parts of the Corrections
page. No gradio."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from inference.fields import Point, first_point
from training.store.feedback import Case
from ui.components.marks import MARKS


def points(case: Case) -> dict[str, Point]:
    """All that point somewhere, by kind of mark and name (`ui.components.marks.placed`): the newest
    prediction, the truth if known, each correction that was not withdrawn, with its number."""
    found: dict[str, Point | None] = {}
    if case.predictions:
        newest = case.predictions[0]
        for kind, side in (("base", newest.base), ("finetuned", newest.finetuned)):
            found[kind] = first_point(newest.values(side)) if side else None
        found["truth"] = first_point(newest.truth)
    for number, c in enumerate(case.corrections, start=1):
        if c.status != "withdrawn":
            kind = "rejected" if c.status == "rejected" else "human"
            found[f"{kind}:{c.author} ({number})"] = first_point(c.values)
    return {key: point for key, point in found.items() if point is not None}


def people(marks: Mapping[str, Point]) -> dict[str, Point]:
    """Those of them that people set."""
    return {key: point for key, point in marks.items() if ":" in key}


def name_of(key: str) -> str:
    kind, _, name = key.partition(":")
    return escape(name or MARKS[kind].name)


def share(one: Point, other: Point, case: Case) -> str:
    """ "14.4 %": their distance as a part of the image's diagonal."""
    diagonal = math.hypot(case.media.width, case.media.height) or 1.0
    return f"{100 * one.distance_px(other) / diagonal:.1f} %"


def px_and_share(one: Point, other: Point, case: Case) -> str:
    """ "212 px (14.4 %)"."""
    return f"{one.distance_px(other):.0f} px ({share(one, other, case)})"


def title(case: Case) -> str:
    """The image's or clip's name, plain text."""
    return case.media.name or case.media.hash[:12]


def status_badge(status: str) -> str:
    return f'<span class="sl-status sl-status-{escape(status)}">{escape(status)}</span>'
