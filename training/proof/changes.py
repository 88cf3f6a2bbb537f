"""From the errors of three sides on the same cases to the rows of the proof's table."""

from __future__ import annotations

from collections.abc import Sequence
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
    HELDOUT,
    KEPT,
    LEARNED,
    UNSEEN,
    CaseResult,
    Change,
)

Mask = NDArray[np.bool_]
SMALLEST_SLICE = 3


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
    errors: dict[str, NDArray[np.floating[Any]]] = {
        side: np.array([c.errors_px[side] for c in chosen])
        for side in (BASE, CURRENT, CANDIDATE)
        if side in chosen[0].errors_px
    }
    before, after = errors.get(CURRENT, errors[BASE]), errors[CANDIDATE]
    return Change(
        kind,
        label,
        len(chosen),
        {side: bootstrap.mean_of(e) for side, e in errors.items()},
        {side: bootstrap.median_of(e) for side, e in errors.items()},
        bootstrap.mean_change(before, after),
    )
