"""The hazard task: which area of a road image deserves more attention.

Source: INSIGHT, Sec. III-B (prompt and target text). Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Mapping

from inference.checks import MAX_TEXT
from inference.fields import Answer, Field, Point, Text, Value
from inference.tasks.base import WH, Task
from inference.tasks.coordinates import frame_size, from_pixels, parse_point

PROMPT = "Which area should we pay more attention to in the current autonomous driving scenario?"
REASON_PROMPT = PROMPT + " Give the reason."
NEUTRAL_PROMPT = "Describe the image."
PROMPTS: dict[str, str] = {
    "Hazard area (INSIGHT)": PROMPT,
    "INSIGHT, with the reason": REASON_PROMPT,
    "Most dangerous spot": "Where is the most dangerous spot for our car right now?",
    "Who might cross our path": "Point at the road user that is most likely to cross our path.",
    "Neutral": NEUTRAL_PROMPT,
}
NORM_STEP = 10  # thousandths are written in steps of this, as the embedded model learned them


def parse(text: str, image_wh: WH, frame: str, resized_wh: WH | None = None) -> Answer:
    """The hazard point in a model's text, in original pixels, or why there is none; and what the
    text says after the sentence with the point."""
    point = parse_point(text, image_wh, frame, resized_wh)
    if isinstance(point, str):
        return Answer({}, {"point": point})
    values: dict[str, Value] = {"point": point}
    end = text.find(".", point.span[1]) if point.span else -1
    reason = text[end + 1 :] if end >= 0 else ""
    if reason.strip() and len(reason.strip()) <= MAX_TEXT and reason.isprintable():
        start = len(text) - len(reason.lstrip())
        values["reason"] = Text(reason.strip(), span=(start, start + len(reason.strip())))
    return Answer(values)


def target_text(
    values: Mapping[str, Value], image_wh: WH, frame: str, resized_wh: WH | None = None
) -> str:
    """The sentence that a model is trained to say for a point."""
    point = values["point"]
    assert isinstance(point, Point)
    x, y = from_pixels(point.x_px, point.y_px, frame, image_wh, resized_wh)
    width, height = frame_size(frame, image_wh, resized_wh)
    step = NORM_STEP if frame == "norm1000" else 1
    column = min(max(round(x / step) * step, 0), int(width))
    row = min(max(round(y / step) * step, 0), int(height))
    return f"The area around ({column},{row}) should be paid more attention to."


FIELDS = (
    Field("point", "point", "Hazard point"),
    Field("reason", "text", "Reason", optional=True),
)

HAZARD_KINDS: tuple[str, ...] = (
    "pedestrian", "cyclist", "animal", "braking vehicle", "cut-in", "crossing vehicle",
    "oncoming vehicle", "stopped vehicle", "debris", "roadworks", "traffic signal", "other",
)  # fmt: skip
NOTES = (Field("hazard_kind", "label", "Kind of hazard", HAZARD_KINDS, optional=True),)

TASK = Task(
    name="hazard",
    fields=FIELDS,
    main="point",
    prompt=PROMPT,
    prompts=PROMPTS,
    neutral_prompt=NEUTRAL_PROMPT,
    parse=parse,
    target_text=target_text,
    notes=NOTES,
    absent="No hazard",
)
