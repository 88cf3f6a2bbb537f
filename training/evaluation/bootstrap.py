"""How sure a change is: paired bootstrap intervals. Arrays in, numbers out.

Two sides answer the same cases, so the cases are drawn, with replacement, and both errors of a
case stay together (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13
and 16). What differs between cases then cancels, and only what the change does is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError

Floats = NDArray[np.floating[Any]]

LEVEL = 0.95
RESAMPLES = 5_000
SEED = 20_240_807
CHUNK = 2_000_000  # drawn indices held at once


@dataclass(frozen=True)
class Interval:
    """estimate: of the statistic on all cases. low, high: its interval at `level`; infinite where
    there are fewer than two cases. n: cases."""

    estimate: float
    low: float
    high: float
    n: int
    level: float = LEVEL

    def to_json(self) -> dict[str, float | int | None]:
        """Infinite bounds become None."""
        ends = {"low": self.low, "high": self.high}
        finite = {k: round(v, 4) if math.isfinite(v) else None for k, v in ends.items()}
        return {"estimate": round(self.estimate, 4), **finite, "n": self.n, "level": self.level}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Interval:
        low = -math.inf if value["low"] is None else float(value["low"])
        high = math.inf if value["high"] is None else float(value["high"])
        return cls(float(value["estimate"]), low, high, int(value["n"]), float(value["level"]))


def mean_change(before: Floats, after: Floats) -> Interval:
    """Interval of mean(after - before) over cases, (n,) arrays; percentile method at LEVEL.

    Below zero: the errors fell. The half-widths are stretched by sqrt(n / (n - 1)): resampled means
    vary less than they should by that factor, which tells on a handful of cases. Raises UserError:
    no cases, not pairs, or a value that is not finite.
    """
    return _interval(_paired(before, after), _means)


def median_change(before: Floats, after: Floats) -> Interval:
    """Interval of median(after) - median(before), as `mean_change`. Both medians are of the same
    drawn cases."""
    return _interval(_paired(before, after), _medians)


def relative_median_change(before: Floats, after: Floats) -> Interval:
    """Interval of median(after) / median(before) - 1: -0.4 means that the median error fell by
    40 %. A median of 0 before counts as the smallest positive number."""
    return _interval(_paired(before, after), _relative)


def mean_of(errors: Floats) -> Interval:
    """Interval of one side's mean error."""
    return mean_change(np.zeros_like(errors, float), errors)


def median_of(errors: Floats) -> Interval:
    """Interval of one side's median error."""
    return median_change(np.zeros_like(errors, float), errors)


def _paired(before: Floats, after: Floats) -> Floats:
    """(n, 2)."""
    before, after = np.asarray(before, float), np.asarray(after, float)
    if before.ndim != 1 or before.shape != after.shape or not len(before):
        raise UserError(
            "Nothing to compare, or not a pair for each case",
            expected="two equal numbers of errors, at least one",
            got=f"{before.shape} and {after.shape}",
        )
    both = np.stack([before, after], axis=1)
    if not np.isfinite(both).all():
        raise UserError("An error is not a finite number")
    return both


def _means(both: Floats) -> Floats:
    return np.asarray((both[..., 1] - both[..., 0]).mean(-1))


def _medians(both: Floats) -> Floats:
    medians = np.median(both, axis=-2)
    return np.asarray(medians[..., 1] - medians[..., 0])


def _relative(both: Floats) -> Floats:
    medians = np.median(both, axis=-2)
    return np.asarray(medians[..., 1] / np.maximum(medians[..., 0], np.finfo(float).tiny) - 1)


def _interval(both: Floats, statistic: Any) -> Interval:
    n, estimate = len(both), float(statistic(both))
    if n < 2:
        return Interval(estimate, -math.inf, math.inf, n)
    rng = np.random.default_rng(SEED)
    rows = max(1, CHUNK // n)
    drawn = [
        statistic(both[rng.integers(0, n, (min(rows, RESAMPLES - start), n))])
        for start in range(0, RESAMPLES, rows)
    ]
    tails = [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)]
    low, high = (float(v) for v in np.percentile(np.concatenate(drawn), tails))
    stretch = math.sqrt(n / (n - 1)) if statistic is _means else 1.0
    return Interval(
        estimate, estimate + (low - estimate) * stretch, estimate + (high - estimate) * stretch, n
    )
