"""What a proof holds: changes with their intervals, and cases one by one. Both ways as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.fields import Point, Value, first_point, values_to_json
from inference.registry import task as find_task
from training.evaluation.bootstrap import Interval

RIGHT_WITHIN_PX = 50.0  # as hit_50px, at 1280x720; a smaller change of what is wrong is none
FEWEST = 5  # cases; fewer show nothing
HELDOUT, CORRECTED = "heldout", "corrected"
FATES = ("newly wrong", "much worse", "still wrong", "much closer", "fixed", "kept")
ALL, KEPT, LEARNED, UNSEEN = "all", "validation", "train", "unseen"
PER_SIDE = ("mean", "median")
BASE, CURRENT, CANDIDATE = "base", "current", "candidate"


@dataclass(frozen=True)
class Change:
    """One row of the table. Errors in `unit`, as in CaseResult; intervals at 95 %.

    kind: heldout or corrected. label: "all", a slice, "unseen", or a split of the corrected cases
    ("train", "validation"). mean, median: by side (base, current, candidate). mean_change:
    candidate minus current (minus base where nothing is in use). p: of a slice, that the change is
    chance, Holm-corrected for the number of slices when read (`changes.corrected`); None for
    the whole, and for slices of old proofs.
    """

    kind: str
    label: str
    n: int
    mean: Mapping[str, Interval]
    median: Mapping[str, Interval]
    mean_change: Interval
    p: float | None = None
    unit: str = "px"

    @property
    def whole(self) -> bool:
        """All cases or one part of them; not a slice, of which there are many."""
        return self.label in (ALL, KEPT, LEARNED, UNSEEN)

    @property
    def verdict(self) -> str:
        """too few, better, worse or same: a whole by the interval of the mean change, a slice by
        its p."""
        change = self.mean_change
        if self.n < FEWEST:
            return "too few"
        if not (change.high < 0 or change.low > 0) if self.whole else (self.p or 1.0) >= 0.05:
            return "same"
        return "better" if change.estimate < 0 else "worse"

    def to_json(self) -> dict[str, Any]:
        sides = {k: {s: i.to_json() for s, i in getattr(self, k).items()} for k in PER_SIDE}
        return {**vars(self), **sides, "mean_change": self.mean_change.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Change:
        sides = {k: {s: Interval.from_json(i) for s, i in value[k].items()} for k in PER_SIDE}
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}  # more, once
        return cls(**{**known, **sides, "mean_change": Interval.from_json(value["mean_change"])})


@dataclass(frozen=True)
class CaseResult:
    """One case: what each side answered, and how far off that is.

    picture: file below the home, for a held-out scene. media: hash, for a corrected case. split:
    train or validation, for a corrected case. truth: values by field; answers: the same, by side,
    as shown; points in pixels of the image, size_wh its size. errors: by side, of the main field
    (`training.evaluation.fields`), in `unit`: px at 1280x720, or %. An error up to right_within is
    right.
    """

    id: str
    kind: str
    slices: tuple[str, ...]
    size_wh: tuple[int, int]
    truth: Mapping[str, Value]
    answers: Mapping[str, Mapping[str, Value]]
    errors: Mapping[str, float]
    right_within: float = RIGHT_WITHIN_PX
    unit: str = "px"
    picture: str | None = None
    media: str | None = None
    split: str | None = None

    @property
    def before(self) -> float:
        """The error of what is in use, else of the base."""
        return self.errors.get(CURRENT, self.errors[BASE])

    @property
    def after(self) -> float:
        return self.errors[CANDIDATE]

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def true_point(self) -> Point | None:
        return first_point(self.truth)

    @property
    def points(self) -> dict[str, Point | None]:
        """By side."""
        return {side: first_point(values) for side, values in self.answers.items()}

    @property
    def fate(self) -> str:
        """One of FATES. Right is within right_within; what is wrong before and after and moved by
        more than that is much worse or much closer."""
        was, now = (e <= self.right_within for e in (self.before, self.after))
        if was or now:
            return "kept" if was and now else "newly wrong" if was else "fixed"
        if abs(self.change) <= self.right_within:
            return "still wrong"
        return "much worse" if self.change > 0 else "much closer"

    def to_json(self) -> dict[str, Any]:
        answers = {side: values_to_json(values) for side, values in self.answers.items()}
        return {**vars(self), "truth": values_to_json(self.truth), "answers": answers}

    @classmethod
    def from_json(cls, task: str, value: Mapping[str, Any]) -> CaseResult:
        value, of = _values_for_points(value), find_task(task)
        made = {
            "slices": tuple(value["slices"]),
            "size_wh": tuple(value["size_wh"]),
            "truth": of.values(value["truth"]),
            "answers": {side: of.values(values) for side, values in value["answers"].items()},
        }
        return cls(**{**value, **made})


def _values_for_points(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What proofs held before there were fields: truth_px, points_px and errors_px."""
    if "truth_px" not in value:
        return value

    def point(xy: Any) -> dict[str, Any]:
        return {"point": {"x_px": xy[0], "y_px": xy[1]}} if xy else {}

    gone = ("truth_px", "points_px", "errors_px")
    return {
        **{k: v for k, v in value.items() if k not in gone},
        "truth": point(value["truth_px"]),
        "answers": {side: point(xy) for side, xy in value["points_px"].items()},
        "errors": value["errors_px"],
    }
