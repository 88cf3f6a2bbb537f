"""Corrections of the hazard task, made by hand."""

from __future__ import annotations

from typing import Any

from inference.correction import Fix, point_of
from inference.fields import Label, Text, Value


def hazard_fix(
    verdict: Any = "wrong",
    xy: tuple[float, float] | None = None,
    *,
    box: tuple[float, float, float, float] | None = None,
    kind: str | None = None,
    reason: str = "",
    five_second: bool = False,
) -> Fix:
    """xy, box: pixels."""
    values: dict[str, Value] = {}
    point = point_of(*(xy or (None, None)), box)
    if point is not None:
        values["point"] = point
    if kind is not None:
        values["hazard_kind"] = Label(kind)
    if reason:
        values["reason"] = Text(reason)
    return Fix("hazard", verdict, values, five_second)
