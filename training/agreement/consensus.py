"""Several people's answers to one picture become one point, or a reason why not. No torch.

The rule: each accepted correction is one vote. Where at least half of the votes say that there is
no hazard, the case has no point. Otherwise the point is the median of the points, x and y apart;
those within NEAR of the picture's diagonal agree with it, and more than half of them must. A point
half-way between two that differ would teach a place that nobody meant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

XY = tuple[float, float]
WH = tuple[int, int]
NEAR = 0.08  # of the diagonal


@dataclass(frozen=True)
class Vote:
    """correction: its id. point_px None: no hazard there."""

    correction: str
    point_px: XY | None


@dataclass(frozen=True)
class Consensus:
    """point_px with the corrections that agree on it, or the reason why there is none."""

    point_px: XY | None
    corrections: tuple[str, ...]
    reason: str = ""


def consensus(votes: Sequence[Vote], size_wh: WH) -> Consensus:
    """One point of all votes; size_wh of the picture that they are in."""
    everyone = tuple(v.correction for v in votes)
    points = {v.correction: v.point_px for v in votes if v.point_px is not None}
    if not points:
        return Consensus(None, everyone, "no hazard was marked, and the task asks for a point")
    if 2 * len(points) <= len(votes):
        return Consensus(None, everyone, "people do not agree whether there is a hazard")
    middle = (median(p[0] for p in points.values()), median(p[1] for p in points.values()))
    far = NEAR * math.hypot(*size_wh)
    agree = tuple(c for c, p in points.items() if math.dist(p, middle) <= far)
    if 2 * len(agree) <= len(points):
        apart = max(math.dist(p, middle) for p in points.values())
        return Consensus(
            None, everyone, f"people's points lie up to {apart:.0f} px from their median"
        )
    return Consensus(middle, agree)
