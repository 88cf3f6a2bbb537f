"""Makes maps for one side or for both, with the figures that stand beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from explain.centre import centre_prior, similarity_to_centre_prior
from explain.measures import (
    distribution,
    entropy_bits,
    entropy_relative,
    layer_head_shift,
    share_by_view,
    share_near_point,
    share_on_image,
)
from explain.registry import can_run, complete, resolve, spec
from explain.tokens import chosen_tokens, default_tokens
from explain.types import HeadChoice, MapFigures, MapSettings, PairMaps
from inference.errors import UserError
from inference.inputs import ClipInput, ClipView
from inference.schema import Heatmap, PairPrediction, Side, SidePrediction, Trace

__all__ = [
    "HeadChoice",
    "MapFigures",
    "MapSettings",
    "PairMaps",
    "default_tokens",
    "difference_map",
    "make_map",
    "make_pair_maps",
]


FAINT = 4.0  # times its mean: what a map must reach to be drawn in the brightest colour


def make_map(side: SidePrediction, settings: MapSettings) -> Heatmap:
    """One side's map. UserError where the side lacks what the method needs."""
    return resolve(settings.method)(side, complete(settings, side.trace))


def make_pair_maps(pair: PairPrediction, settings: MapSettings) -> PairMaps:
    """Both sides' maps, their difference, their figures and the shift by layer and head."""
    settings = complete(settings, pair.base.trace)
    sides = [pair.base] + ([pair.finetuned] if pair.finetuned is not None else [])
    maps = _maps(sides, settings)
    views = pair.image.views if isinstance(pair.image, ClipInput) else ()
    figures = {s.side: _figures(s, maps[s.side], settings, views) for s in sides if s.side in maps}
    base, finetuned = maps.get("base"), maps.get("finetuned")
    notes = [
        f"{s.label} has no {spec(settings.method).reads}." for s in sides if s.side not in maps
    ]
    difference, shift = None, None
    if pair.finetuned is not None:
        if same_tokens(pair.base.trace, pair.finetuned.trace):
            difference = _difference(base, finetuned, settings)
            shift = _shift(pair.base.trace, pair.finetuned.trace, settings)
        else:
            notes.append("No difference map: the two sides did not say the same tokens.")
    limit = float(np.abs(difference.values).max()) if difference is not None else 0.0
    return PairMaps(
        settings=settings,
        base=base,
        finetuned=finetuned,
        difference=difference,
        vmax=_ranges(maps, settings.shared_scale),
        vmax_difference=limit or 1.0,
        figures=figures,
        layer_head_shift=shift,
        notes=tuple(notes),
    )


def difference_map(base: Heatmap, finetuned: Heatmap) -> Heatmap:
    """Signed: where the fine-tuned side's map is larger (positive) and where smaller (negative).

    Each map is scaled to sum 1 first, so that the difference shows where, not how much; its values
    sum to 0.
    """
    if base.values.shape != finetuned.values.shape:
        raise UserError(
            "The two maps lie on different grids",
            expected=str(base.values.shape),
            got=str(finetuned.values.shape),
        )
    values = distribution(finetuned.values) - distribution(base.values)
    return Heatmap(
        values.astype(np.float32),
        base.grid,
        "Fine-tuned minus base, on the same answer tokens",
        "share of the map",
        signed=True,
    )


def same_tokens(base: Trace, finetuned: Trace) -> bool:
    """Whether both traces are about one text: maps of two texts are not comparable."""
    return [t.text for t in base.tokens] == [t.text for t in finetuned.tokens]


def _maps(sides: list[SidePrediction], settings: MapSettings) -> dict[Side, Heatmap]:
    """A map for each side that can have one; make_map's error where none can."""
    able = [s for s in sides if can_run(settings.method, s)]
    return {s.side: make_map(s, settings) for s in able or sides}


def _difference(
    base: Heatmap | None, finetuned: Heatmap | None, settings: MapSettings
) -> Heatmap | None:
    if base is None or finetuned is None:
        return None
    if base.values.shape != finetuned.values.shape:  # two heads may have two grids
        return None
    return difference_map(base, finetuned)


def _shift(base: Trace, finetuned: Trace, settings: MapSettings) -> np.ndarray | None:
    if base.attention.shape != finetuned.attention.shape:
        return None
    tokens = chosen_tokens(base, settings.tokens)
    return layer_head_shift(base.attention, finetuned.attention, tokens)


def _ranges(maps: dict[Side, Heatmap], shared: bool) -> dict[Side, float]:
    # A nearly uniform map must not be stretched to look like one that is not.
    tops: dict[Side, float] = {
        s: max(float(m.values.max()), FAINT * float(m.values.mean())) for s, m in maps.items()
    }
    if shared:
        tops = dict.fromkeys(tops, max(tops.values()))
    return {s: top if top > 0 else 1.0 for s, top in tops.items()}


def _figures(
    side: SidePrediction, heatmap: Heatmap, settings: MapSettings, views: Sequence[ClipView]
) -> MapFigures:
    trace, point = side.trace, side.point
    tokens = chosen_tokens(trace, settings.tokens)
    even = replace(heatmap, values=np.ones_like(heatmap.values), signed=False)
    even_shares = share_by_view(even, views)
    return MapFigures(
        entropy_bits=entropy_bits(heatmap.values),
        entropy_relative=entropy_relative(heatmap.values),
        share_near_point=None if point is None else share_near_point(heatmap, point),
        share_on_image=share_on_image(trace.attention, tokens, settings.layers, settings.heads),
        centre_similarity=similarity_to_centre_prior(heatmap),
        near_uniform=None if point is None else share_near_point(even, point),
        near_centre=None if point is None else share_near_point(centre_prior(heatmap.grid), point),
        by_view={
            name: (share, even_shares[name])
            for name, share in share_by_view(heatmap, views).items()
        },
    )
