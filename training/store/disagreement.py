"""How much people and the model disagree about a case, and how dangerous the case is. These two
order the queue: a dispute about a pedestrian comes before one about a parked van.

Disagreement is the largest over all pairs of voices, where a voice is one person or the model, and
over the fields that both speak of, by kind of field (`APART`); a value against "there is none" is
1. Where two voices share no field, it is 1 if one calls the answer right and the other wrong.

Risk is the largest hint that there is: a probability or label that people gave, else the slices of
the media. Labels are graded by how little protects who would be hit and how fast it can happen; the
grades are ours, not measured, and only order a queue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from inference.correction import Fix
from inference.fields import Label, Labels, Point, Probability, Value
from inference.tasks.base import Task

UNKNOWN_RISK = 0.5
LABEL_RISK = {
    "Normal": 0.1,
    "Near-Collision": 0.7,
    "Collision": 1.0,
    "pedestrian": 1.0,
    "cyclist": 1.0,
    "crossing vehicle": 0.9,
    "oncoming vehicle": 0.9,
    "animal": 0.8,
    "braking vehicle": 0.8,
    "cut-in": 0.8,
    "debris": 0.7,
    "stopped vehicle": 0.6,
    "roadworks": 0.5,
    "traffic signal": 0.5,
    "other": 0.5,
}
# Slices that the drawn world and data sets use, by the label that they mean.
SLICE_LABELS = {
    "brake_lights": "braking vehicle",
    "cut_in": "cut-in",
    "crossing_vehicle": "crossing vehicle",
    "oncoming": "oncoming vehicle",
    "stopped_vehicle": "stopped vehicle",
}
# Kind of value -> 0 (the same) to 1, of two values and the image's diagonal in pixels. Texts and
# steps are not compared: the same can be said in other words.
APART: dict[type[Value], Callable[[Any, Any, float], float]] = {
    Point: lambda a, b, diagonal: min(a.distance_px(b) / diagonal, 1.0),
    Label: lambda a, b, _: float(a.value != b.value),
    Labels: lambda a, b, _: 1 - _jaccard(set(a.values), set(b.values)),
    Probability: lambda a, b, _: abs(a.value - b.value),
}


@dataclass(frozen=True)
class Voice:
    """What somebody holds true. right: whether the model's answer is. values: by field; None:
    there is nothing of that field."""

    right: bool
    values: Mapping[str, Value | None]


def disagreement(
    fixes: Sequence[Fix], task: Task, model: Mapping[str, Value] | None, size_wh: tuple[int, int]
) -> float:
    """0 to 1. fixes: one for each person. model: values of the side that was shown, None where
    there was no answer. Notes are not compared: no model answers them."""
    main, answered = task.main, {f.name for f in task.fields}
    voices = [voice_of(fix, main, model) for fix in fixes]
    voices = [
        replace(v, values={k: x for k, x in v.values.items() if k in answered}) for v in voices
    ]
    if voices and model is not None:
        # An answer without the main field stands against everybody who gives one.
        voices.append(Voice(True, {main: None, **model}))
    diagonal = math.hypot(*size_wh) or 1.0
    return max((_apart(a, b, diagonal) for a, b in combinations(voices, 2)), default=0.0)


def voice_of(fix: Fix, main: str, model: Mapping[str, Value] | None) -> Voice:
    """Who says "right" holds what the model said."""
    if fix.verdict == "none":
        return Voice(False, {main: None})
    if fix.verdict == "wrong":
        return Voice(False, fix.values)
    said: Mapping[str, Value | None] = {} if model is None else {main: None, **model}
    return Voice(True, {**said, **fix.values})


def _apart(a: Voice, b: Voice, diagonal: float) -> float:
    found = []
    for name in a.values.keys() & b.values.keys():
        one, other = a.values[name], b.values[name]
        if one is None or other is None:
            found.append(float(one is not other))
        elif type(one) in APART:
            found.append(APART[type(one)](one, other, diagonal))
    return max(found, default=float(a.right != b.right))


def risk(fixes: Sequence[Fix], slices: Sequence[str] = ()) -> float:
    """0 to 1; UNKNOWN_RISK where nothing is known."""
    stated = [r for fix in fixes for v in fix.values.values() if (r := _stated(v)) is not None]
    labels = [SLICE_LABELS.get(s, s) for s in slices]
    graded = [LABEL_RISK[name] for name in labels if name in LABEL_RISK]
    return max(stated or graded, default=UNKNOWN_RISK)


def _stated(value: Value) -> float | None:
    if isinstance(value, Probability):
        return value.value
    return LABEL_RISK.get(value.value) if isinstance(value, Label) else None


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b) if a | b else 1.0
