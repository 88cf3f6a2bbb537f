"""What a model is asked about: an image, or a clip with one or two views. Frozen, validated when
constructed. Standard library and numpy only; reading files: inference.media, inference.clips.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError


class _Sized:
    """What images and clips tell of their pixels, (..., height, width, 3)."""

    pixels: NDArray[np.uint8]

    @cached_property
    def pixels_sha256(self) -> str:
        """Of the RGB values: the same for one image in two files."""
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()

    @property
    def size_wh(self) -> tuple[int, int]:
        return int(self.pixels.shape[-2]), int(self.pixels.shape[-3])

    @property
    def diagonal_px(self) -> float:
        return math.hypot(*self.size_wh)


@dataclass(frozen=True)
class ImageInput(_Sized):
    """A decoded image.

    pixels: (height, width, 3) uint8, RGB, upright.
    content_hash: sha256 hex digest of the uploaded bytes.
    """

    pixels: NDArray[np.uint8]
    content_hash: str
    name: str = "image"

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 3 or p.shape[2] != 3 or p.dtype != np.uint8 or 0 in p.shape:
            raise UserError(
                "Not an RGB image",
                expected="an array of shape (height, width, 3) and type uint8",
                got=f"{p.shape} {p.dtype}",
                field="image",
            )

    @property
    def times_s(self) -> tuple[float, ...]:
        """None: only a clip's frames have times."""
        return ()

    def still(self, frame: int = 0) -> ImageInput:
        """The image itself, as `ClipInput.still` gives a frame."""
        return self


@dataclass(frozen=True)
class ClipView:
    """One camera's rows in the stacked frames of a clip: y1 <= y < y2, in pixels."""

    name: str
    y1: int
    y2: int


@dataclass(frozen=True)
class ClipInput(_Sized):
    """Sampled frames of a clip, the views of several cameras stacked from top to bottom.

    pixels: (frames, height, width, 3) uint8, RGB, upright.
    times_s: of each frame, rising, in seconds from the clip's start.
    content_hash: sha256 hex digest of the clip's file (see inference.clips).
    views: from the top; they cover the height. One is meant where none is given: the road's.
    """

    pixels: NDArray[np.uint8]
    times_s: tuple[float, ...]
    content_hash: str
    name: str = "clip"
    views: tuple[ClipView, ...] = ()

    def __post_init__(self) -> None:
        p, times = self.pixels, self.times_s
        if p.ndim != 4 or p.shape[3] != 3 or p.dtype != np.uint8 or 0 in p.shape:
            raise UserError(
                "Not the frames of a clip",
                expected="an array of shape (frames, height, width, 3) and type uint8",
                got=f"{p.shape} {p.dtype}",
                field="clip",
            )
        rising = all(a < b for a, b in pairwise(times)) and all(map(math.isfinite, times))
        if len(times) != len(p) or not rising or times[0] < 0:
            raise UserError(
                "The frames' times are not valid",
                expected=f"{len(p)} rising times from 0 s",
                got=f"{len(times)}: {str(times)[:80]}",
                field="clip",
            )
        height = self.size_wh[1]
        views = self.views or (ClipView("road", 0, height),)
        edges = [0, *(view.y2 for view in views)]
        rows = [(view.y1, view.y2) for view in views]
        if edges[-1] != height or any(a >= b for a, b in rows) or rows != list(pairwise(edges)):
            raise UserError(
                "The views do not cover the frames",
                expected=f"rows 0 to {height}",
                got=str(views)[:200],
                field="clip",
            )
        object.__setattr__(self, "views", views)

    @property
    def duration_s(self) -> float:
        """Time of the last frame."""
        return self.times_s[-1]

    def still(self, frame: int = 0) -> ImageInput:
        """One frame as an image."""
        name = f"{self.name}, {self.times_s[frame]:.1f} s"
        return ImageInput(self.pixels[frame], f"{self.content_hash}-{frame}", name)


Media = ImageInput | ClipInput
MediaKind = Literal["image", "clip"]


def media_kind(media: Media) -> MediaKind:
    return "clip" if isinstance(media, ClipInput) else "image"
