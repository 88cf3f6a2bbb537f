"""Corrections of the hazard task, made by hand, and a small task that has every kind of field."""

from __future__ import annotations

from typing import Any

from inference.correction import Fix, point_of
from inference.fields import Answer, Field, Label, Point, Text, Value, values_to_json
from inference.tasks.base import Task


def hazard_fix(
    verdict: Any = "wrong",
    xy: tuple[float, float] | None = None,
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


def said_at(xy: tuple[float, float] | None, text: str = "The area …") -> dict[str, Any]:
    """A stored side that points there, or that has no point."""
    values = {"point": Point(*xy)} if xy else {}
    missing = {} if xy else {"point": "no numbers"}
    return {"text": text, "values": values_to_json(values), "missing": missing}


EVENTS = ("Normal", "Near-Collision", "Collision")
# The fixture `made_up` (tests/conftest.py) registers it.
MADE_UP = Task(
    name="made_up",
    fields=(
        Field("event", "label", "Event", EVENTS),
        Field("actions", "labels", "Actions", ("brake", "turn left", "turn right")),
        Field("chance", "probability", "Chance"),
        Field("advice", "text", "Advice", optional=True),
        Field("trace", "steps", "Chain of thought", optional=True),
        Field("place", "point", "Place", optional=True),
    ),
    main="event",
    prompt="What happens?",
    prompts={"Usual": "What happens?"},
    neutral_prompt="Describe it.",
    parse=lambda text, *_: Answer({"event": Label(text)} if text in EVENTS else {}),
    target_text=lambda values, *_: values["event"].value,  # type: ignore[attr-defined]
)
