"""Agreement of people in numbers: the spread of points and coefficients for labels.

Cohen's kappa (Cohen 1960) for two people and Krippendorff's alpha for nominal labels
(Krippendorff 1980) for any number of people with gaps, both from nltk. A coefficient that cannot
be had is None and comes with a reason, never NaN. Knows no store and no task.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

XY = tuple[float, float]
MAX_PAIRED = 10  # people who are compared two by two; a crowd has too many pairs to read


# ---- points ----------------------------------------------------------------------------------


def spread_px(points: Sequence[XY]) -> float | None:
    """Mean distance over all pairs, 2/(n(n-1)) * sum over i<j of |p_i - p_j|, in the points' own
    unit; None for fewer than two points."""
    pairs = list(combinations(points, 2))
    return fmean(math.dist(a, b) for a, b in pairs) if pairs else None


def spread_percent(points: Sequence[XY], image_wh: tuple[int, int]) -> float | None:
    """The same in percent of the image's diagonal."""
    spread = spread_px(points)
    return None if spread is None else 100 * spread / math.hypot(*image_wh)


# ---- labels ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rating:
    """One person's label for one thing."""

    rater: str
    item: str
    label: str


@dataclass(frozen=True)
class Coefficient:
    """Exactly one of value and reason is set.

    value: 1 is full agreement, 0 what chance would give, below 0 worse than chance.
    raters, items: how many people and things it rests on.
    """

    value: float | None
    reason: str | None
    raters: int
    items: int

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a coefficient has a value or the reason why there is none")


def cohen_kappa(ratings: Iterable[Rating]) -> Coefficient:
    """Cohen's kappa over the things that both of exactly two people labelled."""
    rows = _last_of_each(ratings)
    people = sorted({r.rater for r in rows})
    both = _labelled_by(rows, 2)
    items = len({r.item for r in both})
    if len(people) > 2:
        reason = f"Cohen's kappa compares two people; here are {len(people)}"
        return Coefficient(None, reason, len(people), items)
    return _coefficient(both, len(people), lambda task: float(task.kappa()))


def kappa_pairs(ratings: Iterable[Rating]) -> dict[tuple[str, str], Coefficient]:
    """Cohen's kappa of every two people, of the MAX_PAIRED with most labels, who labelled at least
    one thing both."""
    by_person: dict[str, list[Rating]] = defaultdict(list)
    for row in _last_of_each(ratings):
        by_person[row.rater].append(row)
    busiest = sorted(by_person, key=lambda name: (-len(by_person[name]), name))[:MAX_PAIRED]
    found = {
        (a, b): cohen_kappa(by_person[a] + by_person[b])
        for a, b in combinations(sorted(busiest), 2)
    }
    return {pair: result for pair, result in found.items() if result.items}


def krippendorff_alpha(ratings: Iterable[Rating]) -> Coefficient:
    """Krippendorff's alpha for nominal labels; things with a single label do not count."""
    rows = _labelled_by(_last_of_each(ratings), 2)
    people = len({r.rater for r in rows})
    return _coefficient(rows, people, lambda task: float(task.alpha()))


def _coefficient(rows: list[Rating], people: int, figure: Callable[..., float]) -> Coefficient:
    items = len({r.item for r in rows})
    if not rows:
        return Coefficient(None, "no case was labelled by two people", people, 0)
    if len({r.label for r in rows}) == 1:
        # Chance alone would agree fully: the formula is 0/0.
        reason = f"everyone said “{rows[0].label}”, so agreement by chance cannot be taken away"
        return Coefficient(None, reason, people, items)
    # Half a second to import, and the page opens without it.
    from nltk.metrics.agreement import AnnotationTask  # type: ignore[import-untyped]

    value = figure(AnnotationTask([(r.rater, r.item, r.label) for r in rows]))
    return Coefficient(min(value, 1.0), None, people, items)


def _last_of_each(ratings: Iterable[Rating]) -> list[Rating]:
    """One label for each person and thing, the last: nltk would count a second one as well."""
    return list({(r.rater, r.item): r for r in ratings}.values())


def _labelled_by(rows: list[Rating], least: int) -> list[Rating]:
    counts = Counter(r.item for r in rows)
    return [r for r in rows if counts[r.item] >= least]
