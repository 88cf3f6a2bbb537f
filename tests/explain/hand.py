"""Small sides made by hand, for the tests of the explain room."""

from __future__ import annotations

import numpy as np

from inference.fields import Answer, Point
from inference.inputs import ImageInput
from inference.schema import (
    AnswerToken,
    Heatmap,
    PairPrediction,
    PairRequest,
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
    where = None if point is None else Point(*point, source="text")
    trace = Trace(
        name,
        spoken,
        grid,
        np.array(attention, np.float32),
        None if neutral is None else np.array(neutral, np.float32),
        None if lens is None else np.array(lens, np.float32),
    )
    missing = {} if where else {"point": "no numbers in the text"}
    parsed = Answer({"point": where} if where else {}, missing)
    label = "The base model" if name == "base" else "The fine-tuned model"
    return SidePrediction(name, label, "".join(texts), spoken, parsed, trace, head_map=head_map)


def pair(base: SidePrediction, finetuned: SidePrediction | None) -> PairPrediction:
    width, height = base.trace.grid.image_wh
    image = ImageInput(np.zeros((height, width, 3), np.uint8), "0" * 64)
    return PairPrediction(image, PairRequest(), base, finetuned, "finetuned")
