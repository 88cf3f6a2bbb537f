"""How good a field's values are, one entry a kind of field: the error of one answer, the metrics of
many, and what a side would score that reads no image. Values in, numbers out.

A missing value is never dropped: a side could then do well by not answering.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError
from inference.fields import Field, Label, Point, Text, Value
from training.evaluation import metrics

Floats = NDArray[np.floating[Any]]
Metrics = dict[str, float | None]
WH = tuple[int, int]
XY = tuple[float, float]
RANDOM_SEED = 0


@dataclass(frozen=True)
class Scored:
    """unit: of one answer's error, "px" (at 1280 x 720) or "%"; lower is better.
    right_within: an error up to this is right.
    error(value, truth, image size), value None where it is missing. metrics(values, truths, sizes):
    of many. blind(truths, sizes, constant): a name -> a value for each case; constant: the best
    constant answer from training data, None: from these cases.
    """

    unit: str
    right_within: float
    error: Callable[[Any, Any, WH], float]
    metrics: Callable[[Sequence[Any], Sequence[Any], Sequence[WH]], Metrics]
    blind: Callable[[Sequence[Any], Sequence[WH], Any], Mapping[str, Sequence[Value]]]


def scored(field: Field) -> Scored:
    """How a field is scored. Raises UserError: there is no rule for its kind yet."""
    if field.kind not in KINDS:
        expected = ", ".join(KINDS)
        raise UserError(f"{field.label} cannot be scored", expected=expected, got=field.kind)
    return KINDS[field.kind]


# ---- points: pixels at metrics.REFERENCE_WH --------------------------------------------------


def _point_error(point: Point | None, truth: Point, size_wh: WH) -> float:
    return metrics.error_px(point.xy if point else None, truth.xy, size_wh)


def _points(points: Sequence[Point | None], truth: Sequence[Point], sizes: Sequence[WH]) -> Metrics:
    nothing = (np.nan,) * 4
    boxes = [t.box_px or nothing for t in truth]
    xy = [nothing[:2] if p is None else p.xy for p in points]
    found: Metrics = dict(
        metrics.point_figures(
            _rescaled(xy, sizes), _rescaled([t.xy for t in truth], sizes), _rescaled(boxes, sizes)
        )
    )
    return found


def _blind_points(
    truth: Sequence[Point], sizes: Sequence[WH], constant01: XY | None
) -> dict[str, list[Value]]:
    of01 = np.array([t.xy for t in truth]) / np.array(sizes, float)
    constant = tuple(of01.mean(0)) if constant01 is None else constant01
    random01 = np.random.default_rng(RANDOM_SEED).uniform(0, 1, (len(sizes), 2))
    return {
        "centre_prior": [Point(w / 2, h / 2) for w, h in sizes],
        "best_constant": [Point(constant[0] * w, constant[1] * h) for w, h in sizes],
        "random": [
            Point(float(x * w), float(y * h))
            for (x, y), (w, h) in zip(random01, sizes, strict=True)
        ],
    }


def _rescaled(values: Sequence[Sequence[float]], sizes: Sequence[WH]) -> Floats:
    return metrics.rescaled(np.array(values, float), np.array(sizes, float))


# ---- labels ----------------------------------------------------------------------------------


def _label_error(label: Label | None, truth: Label, _: WH) -> float:
    return 100.0 * (label is None or label.value != truth.value)


def _labels(labels: Sequence[Label | None], truth: Sequence[Label], _: Sequence[WH]) -> Metrics:
    """macro_f1: mean over the labels that are true somewhere; a missing one counts as wrong."""
    pairs = [(None if a is None else a.value, b.value) for a, b in zip(labels, truth, strict=True)]
    scores = []
    for name in sorted({b for _, b in pairs}):
        both = sum(a == b == name for a, b in pairs)
        said, true = sum(a == name for a, _ in pairs), sum(b == name for _, b in pairs)
        scores.append(2 * both / (said + true))
    return {
        "accuracy": sum(a == b for a, b in pairs) / len(pairs),
        "macro_f1": sum(scores) / len(scores),
        "parse_rate": sum(a is not None for a, _ in pairs) / len(pairs),
    }


def _blind_labels(
    truth: Sequence[Label], sizes: Sequence[WH], constant: str | None
) -> dict[str, list[Value]]:
    common = constant or Counter(t.value for t in truth).most_common(1)[0][0]
    return {"most_common": [Label(common) for _ in sizes]}


# ---- texts -----------------------------------------------------------------------------------


def _text_error(text: Text | None, truth: Text, _: WH) -> float:
    return 100 * (1 - metrics.rouge([text.text if text else ""], [truth.text])["rougeL"])


def _texts(texts: Sequence[Text | None], truth: Sequence[Text], _: Sequence[WH]) -> Metrics:
    said = [t.text if t else "" for t in texts]
    return dict(metrics.text_figures(said, [t.text for t in truth]))


KINDS: dict[str, Scored] = {
    "point": Scored("px", metrics.HIT_RADIUS_PX, _point_error, _points, _blind_points),
    "label": Scored("%", 50.0, _label_error, _labels, _blind_labels),
    "text": Scored("%", 50.0, _text_error, _texts, lambda *_: {}),
}
