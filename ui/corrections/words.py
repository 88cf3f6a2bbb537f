"""A case in words and points, for all parts of the Corrections page. No gradio, no plotly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from inference.fields import Label, first_point
from training.store.feedback import Case, Correction, StoredPrediction

XY = tuple[float, float]
VERDICTS = {"right": "the model is right", "wrong": "wrong", "none": "no hazard here"}


@dataclass(frozen=True)
class Sign:
    """One mark on the picture, in pixels of the original. kind: base, finetuned, human or truth.
    correction: id of the correction behind a human's point. status: of that correction."""

    kind: str
    name: str
    x_px: float
    y_px: float
    box_px: tuple[float, float, float, float] | None = None
    correction: str = ""
    status: str = ""

    def far_px(self, other: Sign) -> float:
        return math.hypot(self.x_px - other.x_px, self.y_px - other.y_px)


def diagonal_px(case: Case) -> float:
    return math.hypot(case.media.width, case.media.height) or 1.0


def signs(case: Case) -> list[Sign]:
    """Everything that points somewhere: the newest prediction, each person, the truth if known.
    Withdrawn corrections are left out."""
    found: list[Sign] = []
    newest = case.predictions[0] if case.predictions else None
    if newest is not None:
        found += [
            Sign(kind, name, *point)
            for kind, name, side in (
                ("base", "Base", newest.base),
                ("finetuned", "Fine-tuned", newest.finetuned),
            )
            if (point := point_of(newest, side)) is not None
        ]
        truth = truth_of(newest)
        found += [Sign("truth", "Ground truth", *truth)] if truth else []
    return found + [s for c in case.corrections if (s := human_sign(c)) is not None]


def human_sign(c: Correction) -> Sign | None:
    point = first_point(c.values)
    if c.status == "withdrawn" or point is None:
        return None
    return Sign("human", c.author, *point.xy, point.box_px, c.id, c.status)


def point_of(prediction: StoredPrediction, side: Mapping[str, Any] | None) -> XY | None:
    """The point that one side's stored answer shows, or None."""
    point = first_point(prediction.values(side)) if side else None
    return point.xy if point else None


def truth_of(prediction: StoredPrediction) -> XY | None:
    point = first_point(prediction.truth)
    return point.xy if point else None


def px_and_share(distance_px: float, case: Case) -> str:
    """ "212 px (14.4 %)": percent of the picture's diagonal."""
    return f"{distance_px:.0f} px ({100 * distance_px / diagonal_px(case):.1f} %)"


def share(part: float) -> str:
    """A share of the diagonal in percent."""
    return f"{100 * part:.1f} %"


def apart(disagreement: float) -> str:
    """A case's disagreement, which is a share of the diagonal, or 1 where people say opposites."""
    return "opposite answers" if disagreement >= 0.9995 else f"{share(disagreement)} apart"


def what_they_said(c: Correction) -> str:
    """A correction in a few words, plain text."""
    fix = c.payload
    labels = [v.value for v in fix.values.values() if isinstance(v, Label)]
    said = f": {', '.join(labels)}" if labels else ""
    blind = ", seen for five seconds before the model's answer" if fix.five_second else ""
    return VERDICTS[fix.verdict].capitalize() + said + blind


def where_of(c: Correction) -> str:
    """The point of a correction as HTML, or nothing."""
    at = human_sign(c)
    if at is None:
        return ""
    box = " · centre of a box" if at.box_px else ""
    return f' at <b>({at.x_px:.0f}, {at.y_px:.0f}) px</b><span class="sl-quiet">{box}</span>'


def status_badge(status: str) -> str:
    return f'<span class="sl-status sl-status-{escape(status)}">{escape(status)}</span>'


def moment(created: str) -> str:
    """2026-11-21 04:30 UTC, from an ISO time."""
    return escape(created[:16].replace("T", " ")) + " UTC"
