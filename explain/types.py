"""What the explain room takes and gives: frozen, validated when constructed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError
from inference.schema import Heatmap, Side

HeadChoice = Literal["mean", "max"] | int


@dataclass(frozen=True)
class MapSettings:
    """How a map is made.

    method: a key of `explain.registry.EXPLAINERS`.
    tokens: indices into the trace's tokens; () = `default_tokens`.
    layers: first and last layer, both included; -1 = the last one.
    heads: mean or max over heads, or the index of one.
    remove_sinks: replace attention sinks, see `explain.sinks`.
    relative: divide by the attention under the neutral prompt, see `explain.attention`.
    shared_scale: one colour range for both sides.

    A method ignores what its spec does not list under `options`.
    """

    method: str = "attention"
    tokens: tuple[int, ...] = ()
    layers: tuple[int, int] = (0, -1)
    heads: HeadChoice = "mean"
    remove_sinks: bool = False
    relative: bool = False
    shared_scale: bool = True

    def __post_init__(self) -> None:
        whole = isinstance(self.heads, int) and not isinstance(self.heads, bool)
        if not (self.heads in ("mean", "max") or (whole and int(self.heads) >= 0)):
            raise UserError(
                "Unknown choice of heads",
                expected="mean, max or the number of a head, from 0",
                got=repr(self.heads),
                field="heads",
            )
        if len(self.layers) != 2 or self.layers[0] < 0 or self.layers[1] < -1:
            raise UserError(
                "Not a range of layers",
                expected="first and last layer, counted from 0; -1 is the last one",
                got=repr(self.layers),
                field="layers",
            )


@dataclass(frozen=True)
class MapFigures:
    """Numbers about one side's map.

    entropy_bits: Shannon entropy of the map as a distribution over image tokens.
    entropy_relative: the same over its maximum, log2 of the number of tokens: 0 = all on one
        token, 1 = evenly spread.
    share_near_point: share of the map within 10 % of the image's width around that side's own
        point, 0..1; None without a point.
    share_on_image: share of all attention that falls on image tokens, 0..1, mean over the chosen
        tokens, layers and heads.
    centre_similarity: likeness to `centre_prior`, 0..1, so that the page can warn.
    """

    entropy_bits: float
    entropy_relative: float
    share_near_point: float | None
    share_on_image: float
    centre_similarity: float


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
