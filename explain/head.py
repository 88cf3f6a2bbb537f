"""The heatmap of the adapter's own head (INSIGHT, Eq. 2), as it is."""

from __future__ import annotations

from explain.types import MapSettings
from inference.errors import UserError
from inference.schema import Heatmap, SidePrediction


def explain(side: SidePrediction, settings: MapSettings) -> Heatmap:
    """The side's head map; its grid is the head's, not always the image tokens'."""
    if side.head_map is None:
        raise UserError(
            f"{side.label} has no heatmap head",
            expected="an adapter with a head",
            got="a side that points by its text alone",
            hint="Choose another method or another adapter",
            field="method",
        )
    return side.head_map
