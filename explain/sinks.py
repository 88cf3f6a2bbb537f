"""Attention sinks among image tokens: which they are, and what takes their place.

Some image tokens draw attention whatever is being said (Darcet et al., "Vision Transformers Need
Registers", ICLR 2024; Kang et al., "See What You Are Told: Visual Attention Sink in Large
Multimodal Models", ICLR 2025). Kang et al. find them by hidden-state dimensions; a trace holds
attention only, so here the rule is on attention, and it is our own:

An image token is a sink if it stands out in at least SINK_SHARE of ALL rows, whichever answer
tokens, layers and heads the map is about. A row is one answer token in one layer, mean over heads;
a token stands out in it if its attention exceeds the row's median by more than SINK_MADS times the
row's scaled median absolute deviation. Where rows under a neutral prompt are there, it must stand
out in the same share of those too, so that a hazard to which every answer token attends is not
taken away. The two numbers are chosen by judgement, not tuned on a model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

SINK_MADS = 5.0
SINK_SHARE = 0.75
MAD_TO_SIGMA = 1.4826  # makes the deviation comparable with a standard deviation


def find_sinks(attention: Floats, neutral: Floats | None = None) -> NDArray[np.bool_]:
    """(tokens, layers, heads, image_tokens) and (layers, heads, image_tokens) -> (image_tokens,)
    bool."""
    sinks = _stands_out(attention)
    return sinks if neutral is None else sinks & _stands_out(neutral[None])


def _stands_out(attention: Floats) -> NDArray[np.bool_]:
    high, n_rows = np.zeros(attention.shape[-1], np.int64), 0
    for token in attention:  # one at a time: a trace of a large model takes hundreds of MB
        rows = token.astype(np.float32).mean(1)
        median = np.median(rows, axis=1, keepdims=True)
        deviation = MAD_TO_SIGMA * np.median(np.abs(rows - median), axis=1, keepdims=True)
        high += (rows > median + SINK_MADS * deviation).sum(0)
        n_rows += len(rows)
    return np.asarray((n_rows > 0) & (high >= SINK_SHARE * n_rows))


def fill_sinks(values: Floats, sinks: NDArray[np.bool_]) -> Floats:
    """Put in each sink's place the mean of its up to eight neighbours that are no sinks, or zero
    where it has none. A zero everywhere would read as "not attended to", which nobody measured.

    Args:
        values, sinks: (rows, cols), or (frames, rows, cols): neighbours lie in one frame.
    """
    kept = np.where(sinks, 0.0, values)
    total, count = _neighbours(kept), _neighbours((~sinks).astype(np.float64))
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return np.where(sinks, mean, values)


def _neighbours(values: Floats) -> Floats:
    """Sum over the eight neighbours, in the same shape."""
    rows, cols = values.shape[-2:]
    padded = np.pad(values.astype(np.float64), [(0, 0)] * (values.ndim - 2) + [(1, 1)] * 2)
    block = sum(padded[..., r : r + rows, c : c + cols] for r in range(3) for c in range(3))
    return np.asarray(block - values)
