"""Pictures with a known hazard point, on which sides are measured. Knows no model.

A split is declared by its source (`sources`); a folder through `training.evaluation.folders`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from inference.errors import UserError
from inference.schema import ImageInput
from training.evaluation.sources import SPLITS, source

XY = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class EvalCase:
    """One picture.

    point_px: the true hazard point, in original pixels. box_px: x1, y1, x2, y2 around it, if known.
    slices: labels by which figures are given apart.
    """

    image: ImageInput
    point_px: XY
    box_px: Box | None = None
    slices: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        width, height = self.image.size_wh
        x, y = self.point_px
        if not (0 <= x <= width and 0 <= y <= height):
            raise UserError(
                f"The hazard point of {self.image.name} lies outside the picture",
                expected=f"x from 0 to {width}, y from 0 to {height}",
                got=f"({x:g}, {y:g})",
            )


@dataclass(frozen=True)
class EvalSet:
    """Cases, made one by one when they are asked for.

    total: number of cases.
    constant01: the best point that looks at no picture, from training data, as fractions of width
        and height; None: the mean of this set's own points.
    unseen: slices that no adapter was trained on; their cases count apart, not in the main figures.
    """

    name: str
    total: int
    cases: Callable[[], Iterable[EvalCase]]
    constant01: XY | None = None
    unseen: frozenset[str] = frozenset()


def load_split(name: str, n: int | None = None, seed_start: int | None = None) -> EvalSet:
    """A named split; without n or seed_start, the split's own."""
    asked = {"n": n, "seed_start": seed_start}
    split: EvalSet = source("split", SPLITS, name)(
        **{k: v for k, v in asked.items() if v is not None}
    )
    return split
