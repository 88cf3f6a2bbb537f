"""How far people agree: the spread of their points, coefficients for their labels, disputes.

Points: the mean distance over all pairs of people, 2/(n(n-1)) * sum over i<j of |p_i - p_j|, in
pixels and in percent of the image's diagonal. Labels: Cohen's kappa for two people,
Krippendorff's alpha for any number with gaps (`coefficients`). A figure that cannot be had is None
and comes with a reason, never NaN.

A person has one voice in a case (`Case.standing`). Rejected ones count
in the figures (leaving them out would flatter), but do not keep a case in dispute.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from inference.fields import Label, Point
from inference.registry import task as find_task
from training.agreement.coefficients import (
    XY,
    Coefficient,
    Rating,
    cohen_kappa,
    kappa_pairs,
    krippendorff_alpha,
    spread_percent,
    spread_px,
)
from training.store.cases import Case, Correction

ALL = "all"
# 50 px on 1280 x 720, the papers' Hit@50: points further apart are not the same place.
DISPUTE_PERCENT = 100 * 50 / math.hypot(1280, 720)


# ---- what a correction says ------------------------------------------------------------------


@dataclass(frozen=True)
class Rated:
    """of: the label in a correction, or None. about_answer: it judges one answer of a model, so
    only people who judged the same answer are compared."""

    of: Callable[[Correction], str | None]
    about_answer: bool = False


def rated(task_name: str) -> dict[str, Rated]:
    """What people can be compared by: whether there is anything to mark, each label, the verdict.
    Keys are for people."""
    task = find_task(task_name)
    found: dict[str, Rated] = {}
    if task.absent:
        there = task.main_field.label.lower()
        found[f"{there} or none"] = Rated(lambda c: _presence(c, task.main))
    for one in (*task.fields, *task.notes):
        if one.kind == "label":
            found[one.label.lower()] = Rated(lambda c, name=one.name: _label(c, name))  # type: ignore[misc]
    found["verdict"] = Rated(lambda c: c.payload.verdict, about_answer=True)
    return found


def _presence(correction: Correction, main: str) -> str | None:
    if correction.payload.verdict == "none":
        return "none"
    return "there" if main in correction.values else None  # else it agrees with what is not known


def _label(correction: Correction, name: str) -> str | None:
    value = correction.values.get(name)
    return value.value if isinstance(value, Label) else None


# ---- over cases ------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaseAgreement:
    """One case.

    people: voices in it. spread_px, spread_percent: of all voices' points, None under two.
    labels: name -> label -> number of people. disputed: the standing voices (not rejected) are
    further apart than DISPUTE_PERCENT or differ in a label. score: 0 to 1, to sort by.
    """

    case_id: str
    people: int
    spread_px: float | None
    spread_percent: float | None
    labels: Mapping[str, Mapping[str, int]]
    disputed: bool
    score: float


@dataclass(frozen=True)
class SliceAgreement:
    """All cases of one task in one slice ("all": every one).

    cases: with two people or more. reason: why there is no spread, or None.
    """

    task: str
    name: str
    cases: int
    spread_px_mean: float | None
    spread_px_median: float | None
    spread_percent_mean: float | None
    reason: str | None
    kappa: Mapping[str, Coefficient]
    alpha: Mapping[str, Coefficient]
    pairs: Mapping[str, Mapping[tuple[str, str], Coefficient]]


@dataclass(frozen=True)
class Agreement:
    """slices: for each task "all" first, then by name. cases: those with two people or more, the
    ones in dispute first and among them the sharpest first."""

    slices: tuple[SliceAgreement, ...]
    cases: tuple[CaseAgreement, ...]


def agreement(cases: Iterable[Case]) -> Agreement:
    """The figures of all cases given."""
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    compared = []
    for case in cases:
        for name in (ALL, *sorted(set(case.media.slices) - {ALL})):
            groups[case.task, name].append(case)
        compared.append(case_agreement(case))
    order = sorted(groups, key=lambda key: (key[0], key[1] != ALL, key[1]))
    shared = [c for c in compared if c.people > 1]
    return Agreement(
        tuple(_slice(task, name, groups[task, name]) for task, name in order),
        tuple(sorted(shared, key=lambda c: (not c.disputed, -c.score, c.case_id))),
    )


def case_agreement(case: Case) -> CaseAgreement:
    """The figures of one case."""
    all_voices = case.standing
    points = _points(all_voices)
    standing = [v for v in all_voices if v.status != "rejected"]
    size = (case.media.width, case.media.height)
    apart = (spread_percent(_points(standing), size) or 0.0) / 100
    split = max((_split(Counter(row)) for row in _labels(case.task, standing).values()), default=0)
    return CaseAgreement(
        case.id,
        len(all_voices),
        spread_px(points),
        spread_percent(points, size),
        _labels(case.task, all_voices),
        apart > DISPUTE_PERCENT / 100 or split > 0,
        max(min(apart, 1.0), split),
    )


def _points(corrections: Iterable[Correction]) -> list[XY]:
    """The main field's, where it is a point."""
    values = (c.values.get(find_task(c.task).main) for c in corrections)
    return [v.xy for v in values if isinstance(v, Point)]


def _labels(task: str, corrections: Sequence[Correction]) -> dict[str, dict[str, int]]:
    """Verdicts are left out: the same spot can be "right" of one answer and "wrong" of another."""
    return {
        name: dict(Counter(said for c in corrections if (said := label.of(c)) is not None))
        for name, label in rated(task).items()
        if not label.about_answer
    }


def _split(counts: Counter[str]) -> float:
    """Share of pairs of people who differ."""
    pairs = math.comb(counts.total(), 2)
    return 1 - sum(math.comb(n, 2) for n in counts.values()) / pairs if pairs else 0.0


def _slice(task: str, name: str, cases: list[Case]) -> SliceAgreement:
    compared = [case_agreement(case) for case in cases]
    apart = [c.spread_px for c in compared if c.spread_px is not None]
    percent = [c.spread_percent for c in compared if c.spread_percent is not None]
    ratings = {name: _ratings(label, cases) for name, label in rated(task).items()}
    return SliceAgreement(
        task,
        name,
        sum(c.people > 1 for c in compared),
        fmean(apart) if apart else None,
        median(apart) if apart else None,
        fmean(percent) if percent else None,
        None if apart else "no case has points of two people",
        {label: cohen_kappa(rows) for label, rows in ratings.items()},
        {label: krippendorff_alpha(rows) for label, rows in ratings.items()},
        {label: kappa_pairs(rows) for label, rows in ratings.items()},
    )


def _ratings(label: Rated, cases: Iterable[Case]) -> list[Rating]:
    rows = []
    for case in cases:
        for voice in case.standing:
            said = label.of(voice)
            if said is None or (label.about_answer and voice.prediction is None):
                continue
            item = f"{case.id} {voice.prediction}" if label.about_answer else case.id
            rows.append(Rating(voice.person, item, said))
    return rows
