"""Raw attention from answer tokens to image tokens. Knows arrays only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.sinks import fill_sinks, find_sinks
from explain.tokens import chosen_tokens
from explain.types import HeadChoice, MapSettings
from inference.errors import UserError
from inference.schema import Heatmap, SidePrediction, Trace

Floats = NDArray[np.floating[Any]]

# Share of the neutral map's mean that is added to the divisor, so that a token which the neutral
# prompt ignores cannot blow up: a ratio is at most 100 times attention over that mean.
RELATIVE_EPS = 0.01


def explain(side: SidePrediction, settings: MapSettings) -> Heatmap:
    """The side's attention map, in the grid's shape.

    Order: take the chosen tokens and layers, reduce the heads in each, average over layers and
    tokens, replace sinks, divide by the neutral map treated in the same way.
    """
    trace = side.trace
    tokens = chosen_tokens(trace, settings.tokens)
    shape = trace.grid.shape
    values = reduce_rows(trace.attention[tokens], settings.layers, settings.heads).reshape(shape)
    sinks = np.zeros(shape, bool)
    if settings.options["remove_sinks"]:
        sinks = find_sinks(trace.attention, trace.attention_neutral).reshape(shape)
    values = fill_sinks(values, sinks)
    unit = "share of all attention"
    if settings.options["relative"]:
        neutral = reduce_rows(_neutral(trace)[None], settings.layers, settings.heads)
        values = relative(values, fill_sinks(neutral.reshape(shape), sinks))
        unit = "times the neutral prompt's attention"
    title = f"Attention of {side.label} to the image, {_words(settings, len(tokens))}"
    return Heatmap(values.astype(np.float32), trace.grid, title, unit)


def layer_slice(layers: tuple[int, int], n_layers: int) -> slice:
    """First and last layer, both included, -1 = the last one, as a slice."""
    first, last = layers
    last = n_layers - 1 if last == -1 else last
    if not 0 <= first <= last < n_layers:
        raise UserError(
            "Not a range of this model's layers",
            expected=f"first <= last, both from 0 to {n_layers - 1}",
            got=f"{first} to {last}",
            field="layers",
        )
    return slice(first, last + 1)


def reduce_rows(attention: Floats, layers: tuple[int, int], heads: HeadChoice) -> Floats:
    """(tokens, layers, heads, image_tokens) -> (image_tokens,) float64.

    Heads first (mean, max or one), then the mean over layers and tokens.
    """
    chosen = attention[:, layer_slice(layers, attention.shape[1])]
    if isinstance(heads, int):
        check_head(heads, attention.shape[2])
    total = np.zeros(attention.shape[3])
    for token in chosen:  # one at a time: a trace of a large model takes hundreds of MB
        total += _over_heads(token.astype(np.float32), heads).mean(0, dtype=np.float64)
    return np.asarray(total / len(chosen))


def _over_heads(token: Floats, heads: HeadChoice) -> Floats:
    """(layers, heads, image_tokens) -> (layers, image_tokens)."""
    if heads == "mean":
        return np.asarray(token.mean(1))
    return np.asarray(token.max(1) if heads == "max" else token[:, int(heads)])


def check_head(head: str | int, n_heads: int) -> int:
    """The head's index, or a UserError where the model has no such head."""
    if not 0 <= int(head) < n_heads:
        raise UserError(
            "The model has no such head",
            expected=f"mean, max or a number from 0 to {n_heads - 1}",
            got=str(head),
            field="heads",
        )
    return int(head)


def relative(attention: Floats, neutral: Floats) -> Floats:
    """attention / (neutral + eps), eps = RELATIVE_EPS times the neutral map's mean.

    Source: relative attention of Zhang et al., "MLLMs Know Where to Look", ICLR 2025: dividing by
    the attention under a generic instruction takes away what the model looks at anyway. As
    there, both maps are reduced over heads before they are divided.
    """
    eps = RELATIVE_EPS * float(neutral.mean())
    return attention / (neutral + (eps if eps > 0 else 1.0))


def _neutral(trace: Trace) -> Floats:
    if trace.attention_neutral is None:
        raise UserError(
            "There is no attention under a neutral prompt for this prediction",
            expected="a prediction made with a neutral prompt",
            got="none captured",
            hint="Turn 'relative' off, or set a neutral prompt and compare again",
            field="relative",
        )
    return trace.attention_neutral


def _words(settings: MapSettings, n_tokens: int) -> str:
    first, last = settings.layers
    parts = [
        f"{n_tokens} answer token{'s' if n_tokens != 1 else ''}",
        "all layers" if (first, last) == (0, -1) else f"layers {first} to {_last(last)}",
        f"head {settings.heads}"
        if isinstance(settings.heads, int)
        else f"{settings.heads} of heads",
    ]
    parts += ["sinks replaced"] if settings.options["remove_sinks"] else []
    parts += ["relative to a neutral prompt"] if settings.options["relative"] else []
    return ", ".join(parts)


def _last(layer: int) -> str:
    return "the last" if layer == -1 else str(layer)
