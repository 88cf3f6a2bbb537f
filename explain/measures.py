"""Numbers about maps. Knows arrays, the patch grid and a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.attention import check_head, layer_slice
from explain.types import HeadChoice
from inference.fields import Point
from inference.inputs import ClipView
from inference.schema import Heatmap

Floats = NDArray[np.floating[Any]]

NEAR_WIDTHS = 0.1  # radius of "near the point", in widths of the image
SAMPLES = 16  # sample points along each side of a cell, for the part of it inside the circle


def distribution(values: Floats) -> Floats:
    """The values scaled to sum 1 over the whole array; even where all of them are zero."""
    flat = np.maximum(values.astype(np.float64), 0)
    total = flat.sum()
    return flat / total if total > 0 else np.full_like(flat, 1 / flat.size)


def entropy_bits(values: Floats) -> float:
    """Shannon entropy in bits of a map of values >= 0, taken as a distribution."""
    p = distribution(values)
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum()) + 0.0


def entropy_relative(values: Floats) -> float:
    """Entropy over its maximum: 0 = all on one token, 1 = evenly spread (1 for a single token)."""
    return entropy_bits(values) / float(np.log2(values.size)) if values.size > 1 else 1.0


def share_near_point(heatmap: Heatmap, point: Point) -> float:
    """Share, 0..1, of the map within NEAR_WIDTHS of the image's width around the point,
    of a clip in every frame.

    A cell that the circle cuts counts by the part of its area inside, from SAMPLES x SAMPLES
    points. An empty map counts as even.
    """
    grid = heatmap.grid
    x1, y1, x2, y2 = grid.area_px
    x = x1 + (np.arange(grid.cols * SAMPLES) + 0.5) * (x2 - x1) / (grid.cols * SAMPLES)
    y = y1 + (np.arange(grid.rows * SAMPLES) + 0.5) * (y2 - y1) / (grid.rows * SAMPLES)
    radius = NEAR_WIDTHS * grid.image_wh[0]
    inside = (x - point.x_px) ** 2 + ((y - point.y_px) ** 2)[:, None] <= radius**2
    parts = inside.reshape(grid.rows, SAMPLES, grid.cols, SAMPLES).mean((1, 3))
    return float((distribution(heatmap.values) * parts).sum())


def share_by_view(heatmap: Heatmap, views: Sequence[ClipView]) -> dict[str, float]:
    """Share, 0..1, of the map that falls on each view's rows of pixels, over all frames.

    A row of cells that an edge cuts counts by the part of its height on either side.
    """
    _, y1, _, y2 = heatmap.grid.area_px
    edges = np.linspace(y1, y2, heatmap.grid.rows + 1)
    rows = distribution(heatmap.values).reshape(-1, *heatmap.values.shape[-2:]).sum((0, 2))
    shares = {}
    for view in views:
        inside = np.minimum(edges[1:], view.y2) - np.maximum(edges[:-1], view.y1)
        shares[view.name] = float((rows * np.clip(inside / np.diff(edges), 0, 1)).sum())
    return shares


def share_on_image(
    attention: Floats, tokens: list[int], layers: tuple[int, int], heads: HeadChoice
) -> float:
    """Share of all attention that falls on the image, mean over tokens, layers and heads.

    attention: (tokens, layers, heads, image_tokens), rows as in `Trace`. With one head chosen it
    is that head's; "max" is read as the mean, since a maximum over heads is no share.
    """
    chosen = layer_slice(layers, attention.shape[1])
    head = slice(None)
    if isinstance(heads, int):
        check_head(heads, attention.shape[2])
        head = slice(heads, heads + 1)
    shares = [attention[t, chosen, head].astype(np.float32).sum(-1).mean() for t in tokens]
    return float(np.mean(shares))


def layer_head_shift(base: Floats, finetuned: Floats, tokens: list[int]) -> NDArray[np.float32]:
    """How far each head moved: (layers, heads), 0..1.

    Total-variation distance, half the sum of absolute differences, between the two sides' rows
    over image tokens, each scaled to sum 1, averaged over the chosen tokens.

    Args:
        base, finetuned: (tokens, layers, heads, image_tokens) on identical tokens.
    """
    total = np.zeros(base.shape[1:3])
    for token in tokens:  # one at a time: a trace of a large model takes hundreds of MB
        total += 0.5 * np.abs(_rows(finetuned[token]) - _rows(base[token])).sum(-1)
    return np.asarray(total / len(tokens), np.float32)


def _rows(attention: Floats) -> Floats:
    a = attention.astype(np.float32)
    total = a.sum(-1, keepdims=True)
    even = np.full_like(a, 1 / a.shape[-1])
    return np.asarray(np.divide(a, total, out=even, where=total > 0))
