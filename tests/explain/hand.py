"""Small sides made by hand, for the tests of the explain room."""

from __future__ import annotations

import numpy as np

from inference.schema import (
    AnswerToken,
    HazardPoint,
    Heatmap,
    ImageInput,
    PairPrediction,
    PairRequest,
    ParsedAnswer,
    PatchGrid,
    Side,
    SidePrediction,
    Trace,
)

GRID = PatchGrid(2, 2, (200, 100))


def tokens(*texts: str) -> tuple[AnswerToken, ...]:
    return tuple(AnswerToken(t, -0.1, is_special=t.startswith("<")) for t in texts)


def side(
    attention: object,
    name: Side = "base",
    texts: tuple[str, ...] = ("5",),
    point: tuple[float, float] | None = None,
    grid: PatchGrid = GRID,
    neutral: object | None = None,
    lens: object | None = None,
    head_map: Heatmap | None = None,
) -> SidePrediction:
    """attention: (tokens, layers, heads, cells) nested lists."""
    spoken = tokens(*texts)
    where = None if point is None else HazardPoint(*point, "text")
    trace = Trace(
        name,
        spoken,
        grid,
        np.array(attention, np.float32),
        None if neutral is None else np.array(neutral, np.float32),
        None if lens is None else np.array(lens, np.float32),
    )
    parsed = ParsedAnswer(where, None if where else "no numbers in the text")
    label = "The base model" if name == "base" else "The fine-tuned model"
    return SidePrediction(name, label, "".join(texts), spoken, parsed, trace, head_map=head_map)


def pair(base: SidePrediction, finetuned: SidePrediction | None) -> PairPrediction:
    width, height = base.trace.grid.image_wh
    image = ImageInput(np.zeros((height, width, 3), np.uint8), "0" * 64)
    return PairPrediction(image, PairRequest(), base, finetuned, "finetuned")
