"""From answers to the metrics of DESIGN.md: one column of values a side, main metrics and slices.

Knows values and texts; no model, no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError
from inference.fields import Value
from inference.tasks.base import Task
from training.evaluation import metrics
from training.evaluation.fields import Metrics, scored
from training.evaluation.sets import EvalCase, EvalSet

Mask = NDArray[np.bool_]
Values = Mapping[str, Value]

# Said of answers in text, so they mean nothing for a head's point or a baseline.
TEXT_ONLY = ("parse_rate", "mse_px2_parsed")


@dataclass(frozen=True)
class Response:
    """One side's answer to one image.

    text: what it said. reference: what it should have said, in its own coordinate frame.
    nll: mean negative log-likelihood (natural) of the reference's tokens, teacher forced.
    ways: values by field, by way of decoding: "text", and with a head "soft_argmax" and "window".
    default: the way that the side shows.
    """

    text: str
    reference: str
    nll: float
    ways: Mapping[str, Values]
    default: str = "text"

    @property
    def values(self) -> Values:
        """As shown."""
        return self.ways[self.default]


@dataclass
class Tally:
    """What was asked and answered, case by case. Images are not kept."""

    task: Task
    truth: list[Values] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    slices: list[frozenset[str]] = field(default_factory=list)
    answers: list[Mapping[str, Response]] = field(default_factory=list)

    def add(self, case: EvalCase, answers: Mapping[str, Response]) -> None:
        """answers: by side."""
        self.truth.append(case.truth)
        self.sizes.append(case.image.size_wh)
        self.slices.append(case.slices)
        self.answers.append(answers)


def report(tally: Tally, data: EvalSet) -> dict[str, Any]:
    """{"n", "sides", "slices"}; distances at metrics.REFERENCE_WH.

    sides: over the cases without an unseen slice. slices: by label, {"n", "sides"}; "unseen" (all
    cases of unseen slices) and each unseen slice with all metrics, the others, over the main cases,
    with the metrics of values. The main field's metrics have their own names, another field's
    begin with its name.
    """
    if not tally.truth:
        raise UserError("There are no cases to measure", got=data.name)
    columns = _columns(tally, data)

    def part(mask: Mask, texts: bool) -> dict[str, Any]:
        return {"n": int(mask.sum()), "sides": _sides(tally, columns, mask, texts)}

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


def _columns(tally: Tally, data: EvalSet) -> dict[str, Sequence[Values]]:
    """Values of each side, case by case, and of the sides that read no image."""
    main = tally.task.main_field
    truth = [t[main.name] for t in tally.truth]
    blind = scored(main).blind(truth, tally.sizes, data.constant)
    rivals = {name: [{main.name: v} for v in values] for name, values in blind.items()}
    return {**_answered(tally.answers), **rivals}


def _answered(answers: Iterable[Mapping[str, Response]]) -> dict[str, list[Values]]:
    """A column for each side's own values, and SIDE:WAY for each other way of decoding."""
    columns: dict[str, list[Values]] = {}
    for sides in answers:
        for side, answer in sides.items():
            for way in sorted(answer.ways, key=lambda w: (w != answer.default, w)):
                name = side if way == answer.default else f"{side}:{way}"
                columns.setdefault(name, []).append(answer.ways[way])
    return columns


def _sides(
    tally: Tally, columns: Mapping[str, Sequence[Values]], mask: Mask, texts: bool
) -> dict[str, Metrics]:
    sides: dict[str, Metrics] = {}
    asked = _chosen(tally.answers, mask)
    for name, values in columns.items():
        found = _of_values(tally, _chosen(values, mask), mask)
        answers = [a[name] for a in asked if name in a]
        from_text = name.endswith(":text") or (bool(answers) and answers[0].default == "text")
        if not from_text:
            found = {k: v for k, v in found.items() if k not in TEXT_ONLY}
        if answers and texts:
            found |= _of_texts(answers, tally.task.main)
        sides[name] = {k: _rounded(v) for k, v in found.items()}
    return sides


def _chosen(rows: Sequence[Any], mask: Mask) -> list[Any]:
    return [row for row, taken in zip(rows, mask, strict=True) if taken]


def _of_values(tally: Tally, values: Sequence[Values], mask: Mask) -> Metrics:
    """Of every field that all cases have a truth for and that any answer has."""
    truth, sizes = _chosen(tally.truth, mask), _chosen(tally.sizes, mask)
    found: Metrics = {}
    for one in tally.task.fields:
        main = one.name == tally.task.main
        known = all(one.name in t for t in truth)
        if not known or not (main or any(one.name in v for v in values)):
            continue
        of = scored(one).metrics(
            [v.get(one.name) for v in values], [t[one.name] for t in truth], sizes
        )
        found |= {k if main else f"{one.name}_{k}": v for k, v in of.items()}
    return found


def _of_texts(answers: list[Response], main: str) -> Metrics:
    """About what a side said; parse_rate is of its text even where a head points."""
    said = [a.text for a in answers]
    return {
        "parse_rate": float(np.mean([main in a.ways["text"] for a in answers])),
        "lm_loss": float(np.mean([a.nll for a in answers])),
        **metrics.text_figures(said, [a.reference for a in answers]),
    }


def _rounded(value: float | None) -> float | None:
    """Six significant digits: what a card needs, and the same on every machine."""
    return None if value is None else float(f"{value:.6g}")
