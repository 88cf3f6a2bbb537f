"""The loop's figures: every side's error on each held-out scene, by group, with intervals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation import bootstrap
from training.evaluation.fields import KINDS
from training.evaluation.scoring import Response
from training.evaluation.sets import EvalCase, EvalSet

AIM = -0.40  # change of the median on the unseen slices
Floats = NDArray[np.floating[Any]]
Ask = Callable[[EvalCase], Mapping[str, Response]]


@dataclass(frozen=True)
class Measured:
    """Errors in pixels at 1280x720 by side, (n,) each; slices of each case."""

    errors: Mapping[str, Floats]
    slices: Sequence[frozenset[str]]


def error_px(case: EvalCase, answer: Response) -> float:
    """Of the shown point; see `metrics.error_px`."""
    found = KINDS["point"]
    return found.error(answer.values.get("point"), case.truth["point"], case.image.size_wh)


def measure(data: EvalSet, ask: Ask, sides: Mapping[str, str]) -> Measured:
    """Ask every side every case. sides: the asker's name -> the name in the table."""
    errors: dict[str, list[float]] = {name: [] for name in sides.values()}
    slices = []
    for i, case in enumerate(data.cases(), 1):
        answers = ask(case)
        for name, shown in sides.items():
            errors[shown].append(error_px(case, answers[name]))
        slices.append(case.slices)
        if i % 25 == 0 or i == data.total:
            print(f"{i} of {data.total} held-out scenes", file=sys.stderr, flush=True)
    return Measured({k: np.array(v) for k, v in errors.items()}, slices)


def rows(measured: Measured, unseen: frozenset[str], first: int = 0) -> dict[str, dict[str, Any]]:
    """By group: medians and means of each side, and the change from current to candidate with its
    interval: of the median, absolute and relative, and of the mean.

    first: give the first so many cases of the unseen slices a row of their own.
    """
    apart = np.array([bool(s & unseen) for s in measured.slices])
    groups = {
        "debris/animal": apart,
        f"the first {first}": apart & (np.cumsum(apart) <= first),
        **{name: np.array([name in s for s in measured.slices]) for name in sorted(unseen)},
        "all others": ~apart,
    }
    return {
        label: row({side: values[mask] for side, values in measured.errors.items()})
        for label, mask in groups.items()
        if mask.any()
    }


def row(errors: Mapping[str, Floats]) -> dict[str, Any]:
    """The figures of one group. errors: of each side, (n,) each, in pixels."""
    before, after = errors["current"], errors["candidate"]
    return {
        "n": len(before),
        "median_px": {k: round(float(np.median(v)), 2) for k, v in errors.items()},
        "mean_px": {k: round(float(v.mean()), 2) for k, v in errors.items()},
        "median_change": bootstrap.median_change(before, after).to_json(),
        "median_relative": bootstrap.relative_median_change(before, after).to_json(),
        "mean_change": bootstrap.mean_change(before, after).to_json(),
    }


def table(result: Mapping[str, Any]) -> str:
    """For people: errors in pixels at 1280x720, changes with their 95 % intervals."""
    seconds, lines = result["seconds"], []
    lines.append(
        f"{result['corrections']} corrections, {result['examples']}, "
        f"trained {seconds['train']:.0f} s from {result['parent']}"
    )
    head = ("median px", "n", "base", "current", "candidate", "change", "95 % interval", "mean")
    lines.append(_line(*head))
    for label, row in result["rows"].items():
        m, change, mean = row["median_px"], row["median_change"], row["mean_change"]
        lines.append(
            _line(
                label,
                row["n"],
                *(f"{m[s]:.1f}" for s in ("base", "current", "candidate")),
                f"{row['median_relative']['estimate']:+.0%}",
                _interval(change),
                f"{mean['estimate']:+.1f} {_interval(mean)}",
            )
        )
    fell = result["rows"].get("debris/animal")
    if fell is not None:
        met = fell["median_relative"]["estimate"] <= AIM
        lines.append(f"debris/animal falls by at least {-AIM:.0%}: {'yes' if met else 'NO'}")
    kept = result["rows"].get("all others")
    if kept is not None:
        worse = (kept["median_change"]["low"] or 0) > 0 or (kept["mean_change"]["low"] or 0) > 0
        lines.append(f"all others no worse beyond the interval: {'NO' if worse else 'yes'}")
    return "\n".join(lines)


def _interval(change: Mapping[str, Any]) -> str:
    ends = ("-" if change[k] is None else f"{change[k]:+.1f}" for k in ("low", "high"))
    return f"[{', '.join(ends)}]"


def _line(label: str, *cells: object) -> str:
    widths = (5, 7, 8, 10, 8, 16, 24)
    return label.ljust(15) + "".join(
        f" {str(c).rjust(w)}" for c, w in zip(cells, widths, strict=True)
    )
