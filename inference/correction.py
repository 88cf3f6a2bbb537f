"""What a person says about an answer: a verdict, and what is right, field by field.

Checked when constructed against the task's fields. Knows no store, no page and no model; whether a
point lies inside its image is checked where the image is known (training.store.correcting).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from inference.checks import check_choice, check_flag, short
from inference.errors import UserError, unknown
from inference.fields import Point, Value, value_to_json
from inference.registry import task as find_task

Verdict = Literal["right", "wrong", "none"]
VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "none")
PARTS = ("verdict", "values", "five_second")  # of the JSON
CENTRE_PX = 1.0  # a point given beside its box may differ from the centre by rounding


@dataclass(frozen=True)
class Fix:
    """One person's verdict on one answer.

    verdict: right; wrong, then with what is right of the fields that every answer has; or none:
    there is nothing of the task's main field here, e.g. no hazard.
    values: by field or note of the task. A point's box was drawn by the person; the point is then
    its centre, as INSIGHT's annotators drew it.
    five_second: the image was seen for five seconds before the model's answer.

    Raises:
        UserError: (field named) unknown task or field, or a value that does not fit.
    """

    task: str
    verdict: Verdict
    values: Mapping[str, Value] = field(default_factory=dict)
    five_second: bool = False

    def __post_init__(self) -> None:
        task = find_task(self.task)
        allowed = VERDICTS if task.absent else VERDICTS[:2]
        check_choice(self.verdict, allowed, "verdict")
        check_flag(self.five_second, "five_second")
        values = {k: _human(task.field(k).check(v), k) for k, v in self.values.items()}
        object.__setattr__(self, "values", values)
        needed = [f for f in task.fields if not f.optional]
        if self.verdict == "wrong" and not any(f.name in values for f in needed):
            expected = " or ".join(f.label.lower() for f in needed)
            raise UserError(
                "A wrong answer needs what is right", expected=expected, field=task.main
            )
        if self.verdict == "none" and task.main in values:
            raise UserError(
                f"“{task.absent}” cannot have a {task.main_field.label.lower()}", field=task.main
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the task; the inverse of `fix_from_json`."""
        values = {k: value_to_json(v) for k, v in self.values.items()}
        for value in values.values():
            del value["source"]
        return {"verdict": self.verdict, "values": values, "five_second": self.five_second}


def point_of(x: float | None, y: float | None, box: object = None) -> Point | None:
    """A person's point, or the centre of the box that they drew; None for neither.

    Raises:
        UserError: not a point or box, or a point that is not the box's centre.
    """
    if box is None:
        return None if x is None and y is None else Point(x, y, source="human")  # type: ignore[arg-type]
    drawn = Point(0 if x is None else x, 0 if y is None else y, box, source="human")  # type: ignore[arg-type]
    assert drawn.box_px is not None
    x1, y1, x2, y2 = drawn.box_px
    return replace(drawn, x_px=(x1 + x2) / 2, y_px=(y1 + y2) / 2) if x is None else drawn


def fix_from_json(task: str, obj: object) -> Fix:
    """The fix that `Fix.to_json` wrote, or that a page sent.

    Raises:
        UserError: (field named) unknown task, unknown or missing or wrong value.
    """
    found = find_task(task)
    if not isinstance(obj, Mapping):
        raise UserError("Not a correction", expected="an object", got=short(obj), field="payload")
    for name in obj:
        if name not in PARTS:
            raise unknown("part of a correction", short(name), PARTS, "payload")
    if "verdict" not in obj:
        raise UserError("Something is missing", expected="verdict", field="verdict")
    values = obj.get("values", {})
    if not isinstance(values, Mapping):
        raise UserError("Not values", expected="an object", got=short(values), field="values")
    return Fix(task, obj["verdict"], found.values(values), obj.get("five_second", False))


def _human(value: Value, name: str) -> Value:
    """The same, said by a person, a point at its box's centre. name: of its field.

    Raises:
        UserError: (field: name) a point far from its box's centre.
    """
    if isinstance(value, Point):
        if min(value.xy) < 0:
            raise UserError("Not a place", expected="x and y from 0", got=str(value.xy), field=name)
        if value.box_px is not None:
            value = _centred(value, name)
    return replace(value, source="human", span=None)


def _centred(point: Point, name: str) -> Point:
    assert point.box_px is not None
    x1, y1, x2, y2 = point.box_px
    centre = (x1 + x2) / 2, (y1 + y2) / 2
    if math.dist(point.xy, centre) > CENTRE_PX:
        raise UserError(
            "The point is not the box's centre",
            expected=str(centre),
            got=str(point.xy),
            field=name,
        )
    return replace(point, x_px=centre[0], y_px=centre[1])
