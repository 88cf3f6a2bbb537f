"""One plain sentence about a pair of maps, for the page's headline and for screen readers."""

from __future__ import annotations

from explain.registry import spec
from explain.types import PairMaps
from inference.fields import Point
from inference.schema import PairPrediction, SidePrediction

SAME_PLACE = 0.01  # share of the diagonal below which two points count as one place
SAME_SHARE = 1.05  # ratio of shares below which neither side is said to look more


def describe(pair: PairPrediction, maps: PairMaps) -> str:
    """Where the two sides look, how far apart, and which looks harder at its own point."""
    if pair.finetuned is None:
        return f"The base model {_place(pair.base)}{_own_share(maps, pair.base)}."
    base, tuned = pair.base.point, pair.finetuned.point
    if base is None or tuned is None:
        return (
            f"The fine-tuned model {_place(pair.finetuned)}{_own_share(maps, pair.finetuned)}; "
            f"the base model {_place(pair.base)}."
        )
    return f"{_moved(pair, base, tuned)} {_compared(maps)}".strip() + "."


def _place(side: SidePrediction) -> str:
    if side.point is not None:
        return f"looks at ({side.point.x_px:.0f}, {side.point.y_px:.0f})"
    reason = side.why_no_point.rstrip(".")
    return "gives no point" + (f" ({reason})" if reason else "")


def _own_share(maps: PairMaps, side: SidePrediction) -> str:
    figures = maps.figures.get(side.side)
    if figures is None or figures.share_near_point is None:
        return ""
    what = spec(maps.settings.method).reads
    return f" and puts {100 * figures.share_near_point:.0f} % of its {what} near that point"


def _moved(pair: PairPrediction, base: Point, tuned: Point) -> str:
    distance = base.distance_px(tuned)
    part = distance / pair.image.diagonal_px
    if part < SAME_PLACE:
        return f"Both models look at the same place, {distance:.0f} px apart; the fine-tuned model"
    where = direction(tuned.x_px - base.x_px, tuned.y_px - base.y_px)
    return (
        f"The fine-tuned model looks {distance:.0f} px ({100 * part:.0f} % of the diagonal) "
        f"{where} the base and"
    )


def direction(dx_px: float, dy_px: float) -> str:
    """Words for a step on the image, y down: eight directions, 45 degrees each."""
    # tan(22.5 degrees) is where "left" turns into "above left".
    across = abs(dx_px) > 0.4142 * abs(dy_px)
    along = abs(dy_px) > 0.4142 * abs(dx_px)
    side, height = ("left" if dx_px < 0 else "right"), ("above" if dy_px < 0 else "below")
    if across and along:
        return f"{height} and to the {side} of"
    return f"to the {side} of" if across else height


def _compared(maps: PairMaps) -> str:
    what = spec(maps.settings.method).reads
    base, tuned = maps.figures.get("base"), maps.figures.get("finetuned")
    near = base.share_near_point if base else None
    near_tuned = tuned.share_near_point if tuned else None
    if near_tuned is None:
        return f"has no {what} to compare"
    if near is None:
        return f"puts {100 * near_tuned:.0f} % of its {what} near its point"
    ratio = near_tuned / near if near > 0 else float("inf")
    if 1 / SAME_SHARE < ratio < SAME_SHARE or near_tuned == near:
        return f"puts as much {what} near its point as the base does near its own"
    if ratio > 10 or ratio < 0.1:  # a large ratio of small shares says little: give the shares
        return (
            f"puts {100 * near_tuned:.0f} % of its {what} near its point, "
            f"against {100 * near:.0f} % for the base"
        )
    return f"puts {ratio:.1f} times as much {what} near its point"
