"""From the errors of three sides on the same cases to the rows of the proof's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation import bootstrap
from training.proof.results import (
    ALL,
    BASE,
    CANDIDATE,
    CORRECTED,
    CURRENT,
    FEWEST,
    HELDOUT,
    KEPT,
    LEARNED,
    UNSEEN,
    CaseResult,
    Change,
)

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
SMALLEST_SLICE = 3
FLIPS = 10_000


def changes(
    cases: Sequence[CaseResult], kind: str, unseen: frozenset[str] = frozenset()
) -> list[Change]:
    """One for all cases, for each part and for each slice with at least SMALLEST_SLICE cases.

    unseen: slices that count apart, as in `scoring.report`: "all" and the other slices are over
    the cases without them (over all cases where every case has one).
    """
    if not cases:
        return []
    apart = np.array([bool(unseen & set(c.slices)) for c in cases])
    main = ~apart if not apart.all() else apart
    parts: dict[str, Mask] = {ALL: main}
    if kind == HELDOUT and apart.any() and not apart.all():
        parts[UNSEEN] = apart
    if kind == CORRECTED:
        for split in (KEPT, LEARNED):
            parts[split] = np.array([c.split == split for c in cases])
    for label in sorted({s for c in cases for s in c.slices}):
        where = apart if label in unseen else main
        inside = np.array([label in c.slices for c in cases]) & where
        if inside.sum() >= SMALLEST_SLICE:
            parts.setdefault(label, inside)
    return [_change(cases, kind, label, mask) for label, mask in parts.items() if mask.any()]


def _change(cases: Sequence[CaseResult], kind: str, label: str, mask: Mask) -> Change:
    chosen = [c for c, inside in zip(cases, mask, strict=True) if inside]
    errors: dict[str, Floats] = {
        side: np.array([c.errors[side] for c in chosen])
        for side in (BASE, CURRENT, CANDIDATE)
        if side in chosen[0].errors
    }
    before, after = errors.get(CURRENT, errors[BASE]), errors[CANDIDATE]
    change = Change(
        kind,
        label,
        len(chosen),
        {side: bootstrap.mean_of(e) for side, e in errors.items()},
        {side: bootstrap.median_of(e) for side, e in errors.items()},
        bootstrap.mean_change(before, after),
        unit=chosen[0].unit,
    )
    return change if change.whole else replace(change, p=chance(after - before))


def chance(differences: Floats) -> float:
    """How likely a mean as far from 0 is, if each of the (n,) differences might as well have had
    the other sign (paired randomisation test, two-sided; Edgington and Onghena, 2007)."""
    signs = np.random.default_rng(bootstrap.SEED).choice((-1.0, 1.0), (FLIPS, len(differences)))
    means = np.abs(signs @ differences)
    as_far = means >= abs(differences.sum()) - 1e-9
    return float((1 + as_far.sum()) / (1 + FLIPS))


def corrected(found: Sequence[Change]) -> tuple[Change, ...]:
    """The same with the p of slices corrected for how many there are (Holm, 1979); those with too
    few cases for a verdict are not counted."""
    tested = sorted((c for c in found if c.p is not None and c.n >= FEWEST), key=lambda c: c.p or 0)
    adjusted, highest = {}, 0.0
    for rank, change in enumerate(tested):
        highest = max(highest, min(1.0, (change.p or 0.0) * (len(tested) - rank)))
        adjusted[change.kind, change.label] = highest
    return tuple(replace(c, p=adjusted.get((c.kind, c.label))) for c in found)
