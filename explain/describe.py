"""One plain sentence about a pair of maps, for the page and for screen readers. Points point; maps
attend: the sentence is about the maps alone."""

from __future__ import annotations

from explain.registry import spec
from explain.types import MapFigures, PairMaps
from inference.schema import PairPrediction

NAMES = {"base": "base", "finetuned": "fine-tuned"}


def describe(pair: PairPrediction, maps: PairMaps) -> str:
    """How much of each side's map lies near its own point, with the baselines; or that there is
    nothing to read in it."""
    what = spec(maps.settings.method).reads
    uniform = [NAMES[side] for side, figures in maps.figures.items() if figures.nearly_uniform]
    if uniform:
        plural = len(uniform) > 1
        noun, verb = ("maps are", "them") if plural else ("map is", "it")
        whose = " and ".join(uniform)
        return f"The {what} {noun} nearly uniform ({whose}): do not interpret {verb}."
    said = [f"{NAMES[side]} {text}" for side, f in maps.figures.items() if (text := near_point(f))]
    if not said:
        return ""
    return f"Share of {what} near the model's own point: {'; '.join(said)}."


def near_point(figures: MapFigures) -> str:
    """The share of the map near the side's own point, beside its baselines; "" without a point."""
    if figures.share_near_point is None:
        return ""
    assert figures.near_uniform is not None
    assert figures.near_centre is not None
    return (
        f"{100 * figures.share_near_point:.1f} % (uniform map {100 * figures.near_uniform:.1f} %, "
        f"centre prior {100 * figures.near_centre:.1f} %)"
    )
