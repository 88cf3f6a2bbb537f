"""What a proof holds: changes with their intervals, and cases one by one. Both ways as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.evaluation.bootstrap import Interval

RIGHT_WITHIN_PX = 50.0  # as hit_50px, at 1280x720; a smaller change of what is wrong is none
FEWEST = 5  # cases; fewer show nothing
HELDOUT, CORRECTED = "heldout", "corrected"
FATES = ("newly wrong", "much worse", "still wrong", "much closer", "fixed", "kept")
ALL, KEPT, LEARNED, UNSEEN = "all", "validation", "train", "unseen"
BASE, CURRENT, CANDIDATE = "base", "current", "candidate"


@dataclass(frozen=True)
class Change:
    """One row of the table. Errors in pixels at 1280x720; intervals at 95 %.

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
        return {
            "kind": self.kind,
            "label": self.label,
            "n": self.n,
            **{
                k: {s: i.to_json() for s, i in getattr(self, k).items()} for k in ("mean", "median")
            },
            "mean_change": self.mean_change.to_json(),
            "p": self.p,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Change:
        sides = {
            k: {s: Interval.from_json(i) for s, i in value[k].items()} for k in ("mean", "median")
        }
        change = Interval.from_json(value["mean_change"])
        return cls(
            value["kind"], value["label"], value["n"], sides["mean"], sides["median"], change,
            value.get("p"),
        )  # fmt: skip


@dataclass(frozen=True)
class CaseResult:
    """One case: where each side points, and how far off that is.

    picture: file below the home, for a held-out scene. media: hash, for a corrected case. split:
    train or validation, for a corrected case. Points and truth in pixels of the picture, size_wh
    its size; errors at 1280x720, a missing point counted as the picture's centre.
    """

    id: str
    kind: str
    slices: tuple[str, ...]
    truth_px: tuple[float, float]
    size_wh: tuple[int, int]
    points_px: Mapping[str, tuple[float, float] | None]
    errors_px: Mapping[str, float]
    picture: str | None = None
    media: str | None = None
    split: str | None = None

    @property
    def before_px(self) -> float:
        """The error of what is in use, else of the base."""
        return self.errors_px.get(CURRENT, self.errors_px[BASE])

    @property
    def after_px(self) -> float:
        return self.errors_px[CANDIDATE]

    @property
    def change_px(self) -> float:
        return self.after_px - self.before_px

    @property
    def fate(self) -> str:
        """One of FATES. Right is within RIGHT_WITHIN_PX; what is wrong before and after and moved
        by more than that is much worse or much closer."""
        was, now = (e <= RIGHT_WITHIN_PX for e in (self.before_px, self.after_px))
        if was or now:
            return "kept" if was and now else "newly wrong" if was else "fixed"
        if abs(self.change_px) <= RIGHT_WITHIN_PX:
            return "still wrong"
        return "much worse" if self.change_px > 0 else "much closer"

    def to_json(self) -> dict[str, Any]:
        return {k: getattr(self, k) for k in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CaseResult:
        points = {s: tuple(p) if p else None for s, p in value["points_px"].items()}
        return cls(
            **{
                **value,
                "slices": tuple(value["slices"]),
                "truth_px": tuple(value["truth_px"]),
                "size_wh": tuple(value["size_wh"]),
                "points_px": points,
            }
        )
