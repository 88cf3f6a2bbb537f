"""Cases and answers made by hand, for the tests of evaluation."""

from __future__ import annotations

import numpy as np

from inference.fields import Point, Source, Value
from inference.inputs import ImageInput
from training.evaluation.scoring import Response
from training.evaluation.sets import EvalCase, point_case

SENTENCE = "The area around ({},{}) should be paid more attention to."


def case(
    point: tuple[float, float],
    size_wh: tuple[int, int] = (1280, 720),
    box: tuple[float, float, float, float] | None = None,
    slices: tuple[str, ...] = (),
) -> EvalCase:
    image = ImageInput(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), "0" * 64)
    return point_case(image, point, box, frozenset(slices))


def values(xy: tuple[float, float] | None, source: Source = "text") -> dict[str, Value]:
    return {} if xy is None else {"point": Point(*xy, source=source)}


def said(xy: tuple[float, float] | None, nll: float = 1.0) -> Response:
    """An answer in text alone."""
    text = SENTENCE.format(1, 2) if xy else "no idea"
    return Response(text, SENTENCE.format(1, 2), nll, {"text": values(xy)})


def pointed(
    text: tuple[float, float] | None, soft: tuple[float, float], window: tuple[float, float]
) -> Response:
    """An answer with a head that shows its windowed point."""
    ways = {
        "text": values(text),
        "soft_argmax": values(soft, "head"),
        "window": values(window, "head"),
    }
    return Response(SENTENCE.format(1, 2), SENTENCE.format(1, 2), 0.5, ways, "window")
