"""Points: marked on the image itself, compared by their distance in pixels.

The mark is JSON that the browser writes (ui/components/marker.js): {"case": which attempt,
"point": [x, y], "box": [x1, y1, x2, y2] or null}, in pixels of the original image.
"""

from __future__ import annotations

import json

from inference.correction import point_of
from inference.errors import UserError
from inference.fields import Field, Point, Value

SAME_PLACE = 0.01  # share of the diagonal below which two points count as one place


def words(field: Field, value: Value) -> str:
    assert isinstance(value, Point)
    box = " (centre of a box)" if value.box_px else ""
    return f"<b>({value.x_px:.0f}, {value.y_px:.0f}) px</b>{box}"


def compare(
    field: Field, base: Value | None, tuned: Value | None, target: Value | None, diagonal_px: float
) -> tuple[str, str]:
    """How much closer to the target, or how far apart where there is none."""
    one, other = _point(base), _point(tuned)
    goal = _point(target)
    if one is None or other is None:
        silent = " and ".join(
            name for name, p in (("base", one), ("fine-tuned", other)) if p is None
        )
        spoken = one or other
        far = f" The other is {spoken.distance_px(goal):.0f} px away." if spoken and goal else ""
        return f"No {field.label.lower()} from {silent}", f"The maps can still be compared.{far}"
    apart = one.distance_px(other)
    share = f"{100 * apart / diagonal_px:.1f} % of the diagonal"
    if goal is None:
        what = field.label.lower().split()[0]
        if apart < SAME_PLACE * diagonal_px:
            return (
                "Same place",
                f"{field.label}s {apart:.0f} px apart; mark the {what} to score them",
            )
        return f"{field.label}s {apart:.0f} px apart", f"{share}; mark the {what} to score them"
    before, after = round(one.distance_px(goal)), round(other.distance_px(goal))
    what = field.label.lower().split()[0]
    steps = f"{before} → {after} px"
    if before == after:
        return f"As far from the {what} as base", steps
    way = "closer to" if after < before else "farther from"
    return f"{abs(before - after)} px {way} the {what}", steps


def _point(value: Value | None) -> Point | None:
    return value if isinstance(value, Point) else None


def read(field: Field, sent: str | None, case: str) -> Point | None:
    """The marked point, with its box if one was drawn. case: sha256 of the image that is marked.

    Raises:
        UserError: (field named) it cannot be read, or belongs to another image.
    """
    if not sent:
        return None
    try:
        found = json.loads(sent)
        point, box = (_numbers(found.get(key), n) for key, n in (("point", 2), ("box", 4)))
        of = str(found.get("case", ""))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UserError("The mark cannot be read", got=sent[:80], field=field.name) from error
    if not of.startswith(case):
        raise UserError("The mark belongs to another image", hint="Mark it again", field=field.name)
    return point_of(point[0], point[1], box) if point else None


def _numbers(sent: object, n: int) -> tuple[float, ...] | None:
    if sent is None:
        return None
    if not isinstance(sent, list) or [type(v) in (int, float) for v in sent] != [True] * n:
        raise ValueError(f"not {n} numbers")
    return tuple(float(value) for value in sent)
