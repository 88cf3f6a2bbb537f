"""Several people's answers to one image become one value a field, or a reason why not. No torch.

The rule: each accepted correction is one vote. Where at least half of the votes say that there is
nothing of the task's main field, the case has no answer. Otherwise the main field's votes become
one value by its kind (`RULES`), and more than half of them must agree with it. The other fields'
values are those of the newest correction that agrees.

Points: the median, x and y apart; those within NEAR of the image's diagonal agree with it. A point
half-way between two that differ would teach a place that nobody meant. Labels, sets of labels and
texts: what most say. Probabilities: the median, agreeing within NEAR_PROBABILITY.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from inference.fields import Label, Labels, Point, Probability, Steps, Text, Value

WH = tuple[int, int]
NEAR = 0.08  # of the diagonal
NEAR_PROBABILITY = 0.15


@dataclass(frozen=True)
class Vote:
    """correction: its id. values: by field; without the main field: there is none of it."""

    correction: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Consensus:
    """values by field with the corrections that agree on them, or {} and the reason."""

    values: Mapping[str, Value]
    corrections: tuple[str, ...]
    reason: str = ""


def consensus(votes: Sequence[Vote], main: str, size_wh: WH) -> Consensus:
    """One answer of all votes, oldest first; size_wh of the image, in pixels."""
    everyone = tuple(v.correction for v in votes)
    said = [v for v in votes if main in v.values]
    if not said:
        return Consensus({}, everyone, "no value was marked, and the task asks for one")
    if 2 * len(said) <= len(votes):
        return Consensus({}, everyone, "people do not agree whether there is one")
    values = [v.values[main] for v in said]
    if len(said) == len(votes) == 1:
        return Consensus(votes[0].values, everyone)
    agreed, which, why = RULES[type(values[0])](values, size_wh)
    if 2 * len(which) <= len(said):
        return Consensus({}, everyone, why)
    supporters = [said[i] for i in which]
    others = {k: v for k, v in supporters[-1].values.items() if k != main}
    return Consensus({main: agreed, **others}, tuple(v.correction for v in supporters))


Rule = Callable[[Sequence[Any], WH], tuple[Value, list[int], str]]


def _points(points: Sequence[Point], size_wh: WH) -> tuple[Value, list[int], str]:
    middle = Point(median(p.x_px for p in points), median(p.y_px for p in points), source="human")
    apart = [p.distance_px(middle) for p in points]
    near = [i for i, far in enumerate(apart) if far <= NEAR * math.hypot(*size_wh)]
    return middle, near, f"people's points lie up to {max(apart):.0f} px from their median"


def _probabilities(values: Sequence[Probability], _: WH) -> tuple[Value, list[int], str]:
    middle = Probability(median(v.value for v in values), source="human")
    near = [i for i, v in enumerate(values) if abs(v.value - middle.value) <= NEAR_PROBABILITY]
    return middle, near, "people's probabilities differ"


def _most(key: Callable[[Any], object]) -> Rule:
    def rule(values: Sequence[Value], _: WH) -> tuple[Value, list[int], str]:
        keys = [key(v) for v in values]
        common, _n = Counter(keys).most_common(1)[0]
        which = [i for i, k in enumerate(keys) if k == common]
        return values[which[-1]], which, "people do not agree"

    return rule


RULES: dict[type[Value], Rule] = {
    Point: _points,
    Label: _most(lambda v: v.value),
    Labels: _most(lambda v: frozenset(v.values)),
    Probability: _probabilities,
    Text: _most(lambda v: v.text),
    Steps: _most(lambda v: tuple(s.text for s in v.steps)),
}
