"""From answers to the figures of DESIGN.md: one column of points a side, main figures and slices.

Knows points and texts; no model, no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError
from inference.fields import Point
from training.evaluation import metrics
from training.evaluation.sets import EvalCase, EvalSet

Floats = NDArray[np.floating[Any]]
Figures = dict[str, float | None]
Mask = NDArray[np.bool_]

RANDOM_SEED = 0
MISSING = (np.nan, np.nan)
# Said of answers in text, so they mean nothing for a head's point or a baseline.
TEXT_ONLY = ("parse_rate", "mse_px2_parsed")


@dataclass(frozen=True)
class Answer:
    """One side's answer to one picture.

    text: what it said. reference: what it should have said, in its own coordinate frame.
    nll: mean negative log-likelihood (natural) of the reference's tokens, teacher forced.
    points: by way of decoding: "text", and with a head "soft_argmax" and "window".
    default: the way whose point the side shows.
    """

    text: str
    reference: str
    nll: float
    points: Mapping[str, Point | None]
    default: str = "text"


@dataclass
class Tally:
    """What was asked and answered, case by case. Pictures are not kept."""

    truth: list[tuple[float, float]] = field(default_factory=list)
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    slices: list[frozenset[str]] = field(default_factory=list)
    answers: list[Mapping[str, Answer]] = field(default_factory=list)

    def add(self, case: EvalCase, answers: Mapping[str, Answer]) -> None:
        """answers: by side."""
        self.truth.append(case.point_px)
        self.boxes.append(case.box_px or (np.nan,) * 4)
        self.sizes.append(case.image.size_wh)
        self.slices.append(case.slices)
        self.answers.append(answers)


def report(tally: Tally, data: EvalSet) -> dict[str, Any]:
    """{"n", "sides", "slices"}; all errors at metrics.REFERENCE_WH.

    sides: over the cases without an unseen slice. slices: by label, {"n", "sides"}; "unseen" (all
    cases of unseen slices) and each unseen slice with all figures, the others, over the main cases,
    with the figures about points.
    """
    if not tally.truth:
        raise UserError("There are no cases to measure", got=data.name)
    columns, truth, boxes = _columns(tally, data)

    def part(mask: Mask, texts: bool) -> dict[str, Any]:
        return {"n": int(mask.sum()), "sides": _sides(tally, columns, truth, boxes, mask, texts)}

    unseen = np.array([bool(s & data.unseen) for s in tally.slices])
    main = ~unseen if not unseen.all() else unseen
    slices: dict[str, Any] = {"unseen": part(unseen, True)} if unseen.any() else {}
    for label in _labels(tally, data):
        apart = label in data.unseen
        mask = np.array([label in s for s in tally.slices]) & (unseen if apart else main)
        if mask.any():
            slices[label] = part(mask, apart)
    return {**part(main, True), "slices": slices}


def _labels(tally: Tally, data: EvalSet) -> list[str]:
    """All slices, the unseen ones first."""
    found = frozenset[str]().union(*tally.slices)
    return sorted(found, key=lambda label: (label not in data.unseen, label))


def _columns(tally: Tally, data: EvalSet) -> tuple[dict[str, Floats], Floats, Floats]:
    """Points of each side, the truth and the boxes, all at REFERENCE_WH."""
    sizes = np.array(tally.sizes, float)
    truth = metrics.rescaled(np.array(tally.truth, float), sizes)
    boxes = metrics.rescaled(np.array(tally.boxes, float), sizes)
    reference = np.array(metrics.REFERENCE_WH, float)
    columns = {
        name: metrics.rescaled(np.array(points, float), sizes)
        for name, points in _answered(tally.answers).items()
    }
    constant = truth.mean(0) if data.constant01 is None else np.array(data.constant01) * reference
    rng = np.random.default_rng(RANDOM_SEED)
    columns["centre_prior"] = np.tile(reference / 2, (len(truth), 1))
    columns["best_constant"] = np.tile(constant, (len(truth), 1))
    columns["random"] = rng.uniform(0, 1, truth.shape) * reference
    return columns, truth, boxes


def _answered(answers: Iterable[Mapping[str, Answer]]) -> dict[str, list[tuple[float, float]]]:
    """A column for each side's own point, and SIDE:WAY for each other way of decoding."""
    columns: dict[str, list[tuple[float, float]]] = {}
    for sides in answers:
        for side, answer in sides.items():
            for way in sorted(answer.points, key=lambda w: (w != answer.default, w)):
                name = side if way == answer.default else f"{side}:{way}"
                columns.setdefault(name, []).append(_xy(answer.points[way]))
    return columns


def _xy(point: Point | None) -> tuple[float, float]:
    return MISSING if point is None else (point.x_px, point.y_px)


def _sides(
    tally: Tally,
    columns: Mapping[str, Floats],
    truth: Floats,
    boxes: Floats,
    mask: Mask,
    texts: bool,
) -> dict[str, Figures]:
    sides: dict[str, Figures] = {}
    asked = [a for a, chosen in zip(tally.answers, mask, strict=True) if chosen]
    for name, points in columns.items():
        figures: Figures = metrics.point_figures(points[mask], truth[mask], boxes[mask])
        answers = [a[name] for a in asked if name in a]
        from_text = name.endswith(":text") or (bool(answers) and answers[0].default == "text")
        if not from_text:
            figures = {k: v for k, v in figures.items() if k not in TEXT_ONLY}
        if answers and texts:
            figures |= _texts(answers)
        sides[name] = {k: _rounded(v) for k, v in figures.items()}
    return sides


def _texts(answers: list[Answer]) -> Figures:
    """Figures about what a side said; parse_rate is of its text even where a head points."""
    said = [a.text for a in answers]
    return {
        "parse_rate": float(np.mean([a.points.get("text") is not None for a in answers])),
        "lm_loss": float(np.mean([a.nll for a in answers])),
        **metrics.text_figures(said, [a.reference for a in answers]),
    }


def _rounded(value: float | None) -> float | None:
    """Six significant digits: what a card needs, and the same on every machine."""
    return None if value is None else float(f"{value:.6g}")
