"""Images with a known answer, on which sides are measured. Knows no model.

A split is declared by its source (`sources`); a folder through `training.evaluation.folders`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inference.errors import UserError
from inference.fields import Box, Point, Value
from inference.inputs import Media
from training.evaluation.sources import SPLITS, source

XY = tuple[float, float]


@dataclass(frozen=True)
class EvalCase:
    """One image or clip.

    truth: values by field, points in original pixels. slices: labels by which metrics are given
    apart.
    """

    image: Media
    truth: Mapping[str, Value]
    slices: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        width, height = self.image.size_wh
        for value in self.truth.values():
            if isinstance(value, Point) and not value.inside(self.image.size_wh):
                raise UserError(
                    f"The true point of {self.image.name} lies outside the image",
                    expected=f"x from 0 to {width}, y from 0 to {height}",
                    got=f"({value.x_px:g}, {value.y_px:g})",
                )


def point_case(
    image: Media,
    point_px: XY,
    box_px: Box | None = None,
    slices: frozenset[str] = frozenset(),
    field: str = "point",
) -> EvalCase:
    """A case of which a point is known, and the box around what it points at."""
    return EvalCase(image, {field: Point(*point_px, box_px, source="truth")}, slices)


@dataclass(frozen=True)
class EvalSet:
    """Cases, made one by one when they are asked for.

    total: number of cases.
    constant: the best constant answer of the main field, from training data (a point as fractions
        of width and height, a label's name); None: from this set itself.
    unseen: slices that no adapter was trained on; their cases count apart, not in the main figures.
    """

    name: str
    total: int
    cases: Callable[[], Iterable[EvalCase]]
    constant: Any = None
    unseen: frozenset[str] = frozenset()


def load_split(
    task: str, name: str, n: int | None = None, seed_start: int | None = None
) -> EvalSet:
    """A task's named split; without n or seed_start, the split's own."""
    asked = {"n": n, "seed_start": seed_start}
    split: EvalSet = source("split", SPLITS, task, name)(
        **{k: v for k, v in asked.items() if v is not None}
    )
    return split
