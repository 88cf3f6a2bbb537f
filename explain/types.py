"""What the explain room takes and gives: frozen, validated when constructed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inference.schema import Heatmap, Side

HeadChoice = Literal["mean", "max"] | int
NEARLY_UNIFORM = 0.95  # of the highest entropy


@dataclass(frozen=True)
class MapSettings:
    """How a map is made.

    method: a key of `explain.registry.EXPLAINERS`.
    tokens: indices into the trace's tokens; () = `default_tokens`.
    shared_scale: one colour range for both sides.
    options: values of the method's own options by name; `explain.registry.complete` adds those
        that are not given.
    """

    method: str = "attention"
    tokens: tuple[int, ...] = ()
    shared_scale: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[int, int]:
        """First and last layer, both included, -1 = the last; all where the method has no such
        option. Given the wrong way round they are put in order."""
        first, last = self.options.get("first_layer", 0), self.options.get("last_layer", -1)
        return (first, last) if last == -1 else (min(first, last), max(first, last))

    @property
    def heads(self) -> HeadChoice:
        """Mean or max over heads, or the index of one; mean where the method has no such option."""
        heads = self.options.get("heads", "mean")
        return heads if heads in ("mean", "max") else int(heads)


@dataclass(frozen=True)
class MapFigures:
    """Numbers about one side's map.

    entropy_bits: Shannon entropy of the map as a distribution over image tokens.
    entropy_relative: the same over its maximum, log2 of the number of tokens: 0 = all on one
        token, 1 = evenly spread.
    share_near_point: share of the map within 10 % of the image's width around that side's own
        point, 0..1; None without a point. near_uniform, near_centre: the same share of a uniform
        map and of `centre_prior`, without which the first says nothing.
    share_on_image: share of all attention that falls on image tokens, 0..1, mean over the chosen
        tokens, layers and heads.
    centre_similarity: likeness to `centre_prior`, 0..1, so that the page can warn.
    by_view: of a clip, by the view's name the share of the map on it, and a uniform map's.
    """

    entropy_bits: float
    entropy_relative: float
    share_near_point: float | None
    share_on_image: float
    centre_similarity: float
    near_uniform: float | None = None
    near_centre: float | None = None
    by_view: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def nearly_uniform(self) -> bool:
        """Whether the map must not be interpreted."""
        return self.entropy_relative >= NEARLY_UNIFORM


@dataclass(frozen=True)
class PairMaps:
    """Both sides' maps under one setting.

    base: None only where the method needs what the base lacks (the head's heatmap).
    difference: signed, fine-tuned minus base, each scaled to sum 1 first.
    vmax: upper end of the colour range by side, above 0; equal with `shared_scale`.
    vmax_difference: half width of the difference's colour range, above 0.
    figures: by side, for each map that there is.
    layer_head_shift: (layers, heads), total-variation distance 0..1 between the sides.
    notes: sentences for the page, e.g. why a map is missing.
    """

    settings: MapSettings
    base: Heatmap | None
    finetuned: Heatmap | None
    difference: Heatmap | None
    vmax: dict[Side, float]
    vmax_difference: float
    figures: dict[Side, MapFigures]
    layer_head_shift: NDArray[np.float32] | None
    notes: tuple[str, ...] = field(default=())

    def at(self, frame: int) -> PairMaps:
        """The maps over one of the clip's frames; the rest is of the whole clip."""
        maps = (self.base, self.finetuned, self.difference)
        base, finetuned, difference = (m.at(frame) if m is not None else None for m in maps)
        return replace(self, base=base, finetuned=finetuned, difference=difference)
