"""Intervals on arrays made by hand, and how often they hold what they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inference.errors import UserError
from training.evaluation import bootstrap
from training.evaluation.bootstrap import (
    Interval,
    mean_change,
    mean_of,
    median_change,
    median_of,
    relative_median_change,
)


def test_a_constant_change_is_certain() -> None:
    before = np.array([10.0, 200.0, 35.0, 80.0])
    found = mean_change(before, before - 7)
    assert (found.estimate, found.low, found.high) == pytest.approx((-7, -7, -7))
    assert found.n == 4


def test_pairs_cancel_what_differs_between_cases() -> None:
    """The same change of -5 +- 1 px, under errors that spread over hundreds of pixels."""
    rng = np.random.default_rng(0)
    before = rng.uniform(0, 500, 60)
    after = before - 5 + rng.normal(0, 1, 60)
    paired = mean_change(before, after)
    assert paired.high < -4
    shuffled = mean_change(before, rng.permutation(after))
    assert shuffled.low < 0 < shuffled.high


def test_two_cases_by_hand() -> None:
    """Changes 0 and 2: resampled means are 0, 1, 2 with chances 1/4, 1/2, 1/4, so both ends of a
    95 % interval are the extremes, stretched by sqrt(2)."""
    found = mean_change(np.zeros(2), np.array([0.0, 2.0]))
    assert found.estimate == 1
    assert found.low == pytest.approx(1 - math.sqrt(2))
    assert found.high == pytest.approx(1 + math.sqrt(2))


def test_medians() -> None:
    before, after = np.array([10.0, 20, 30, 40, 50]), np.array([1.0, 2, 3, 4, 5])
    assert median_change(before, after).estimate == -27
    relative = relative_median_change(before, after)
    assert relative.estimate == pytest.approx(-0.9)
    assert relative.low == pytest.approx(-0.9) == relative.high
    assert median_of(before).estimate == 30
    assert mean_of(before).estimate == 30
    assert 10 <= median_of(before).low < 30 < median_of(before).high


def test_one_case_says_nothing() -> None:
    found = mean_change(np.array([3.0]), np.array([1.0]))
    assert found == Interval(-2, -math.inf, math.inf, 1)
    assert Interval.from_json(found.to_json()) == found


def test_the_same_numbers_each_time() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.exponential(50, (2, 40))
    assert mean_change(before, after) == mean_change(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]]), ([math.nan], [1.0]), ([math.inf], [1.0])],
)
def test_what_cannot_be_compared(before: list[float], after: list[float]) -> None:
    with pytest.raises(UserError):
        mean_change(np.array(before), np.array(after))


@pytest.mark.parametrize(("n", "skewed"), [(10, False), (40, False), (40, True)])
def test_coverage(monkeypatch: pytest.MonkeyPatch, n: int, skewed: bool) -> None:
    """In 300 draws the 95 % interval holds the true mean change nearly as often as it says; errors
    of points are skewed (a few choose the wrong agent), which costs a little."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 300)
    rng = np.random.default_rng(n)
    held = 0
    for _ in range(300):
        before = rng.exponential(80, n)
        noise = rng.exponential(30, n) if skewed else rng.normal(30, 30, n)
        found = mean_change(before, before - noise)
        held += found.low <= -30 <= found.high
    assert 0.89 <= held / 300 <= 0.985
