"""Cases and answers made by hand, for the tests of evaluation."""

from __future__ import annotations

import numpy as np

from inference.fields import Point
from inference.schema import ImageInput
from training.evaluation.scoring import Answer
from training.evaluation.sets import EvalCase

SENTENCE = "The area around ({},{}) should be paid more attention to."


def case(
    point: tuple[float, float],
    size_wh: tuple[int, int] = (1280, 720),
    box: tuple[float, float, float, float] | None = None,
    slices: tuple[str, ...] = (),
) -> EvalCase:
    image = ImageInput(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), "0" * 64)
    return EvalCase(image, point, box, frozenset(slices))


def point(xy: tuple[float, float] | None, source: str = "text") -> Point | None:
    return None if xy is None else Point(*xy, source=source)  # type: ignore[arg-type]


def said(xy: tuple[float, float] | None, nll: float = 1.0) -> Answer:
    """An answer in text alone."""
    text = SENTENCE.format(1, 2) if xy else "no idea"
    return Answer(text, SENTENCE.format(1, 2), nll, {"text": point(xy)})


def pointed(
    text: tuple[float, float] | None, soft: tuple[float, float], window: tuple[float, float]
) -> Answer:
    """An answer with a head that shows its windowed point."""
    points = {
        "text": point(text),
        "soft_argmax": point(soft, "head"),
        "window": point(window, "head"),
    }
    return Answer(SENTENCE.format(1, 2), SENTENCE.format(1, 2), 0.5, points, "window")
