"""Different views of one training image and its hazard point: crop, mirror, colour.

Every view follows from the image's hash, its number and the seed, so that a view can be cached
and a run repeated. numpy only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

XY = tuple[float, float]
Pixels = NDArray[np.uint8]
SMALLEST_CROP = 0.7  # of each side
MARGIN = 0.03  # of the crop's side: a hazard on the very edge would be half cut away


@dataclass(frozen=True)
class PictureView:
    """crop01: x1, y1, x2, y2 as fractions of the image. colour: seed of the recolouring, or
    None for the colours as they are."""

    crop01: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    mirrored: bool = False
    colour: int | None = None

    @property
    def key(self) -> str:
        """The same for the same view; part of a cache's key."""
        crop = ",".join(f"{v:.6f}" for v in self.crop01)
        return f"{crop}|{int(self.mirrored)}|{self.colour}"


WHOLE = PictureView()


def view_of(
    content_hash: str, number: int, point01: XY | None, *, mirror: bool, seed: int
) -> PictureView:
    """View `number` of an image. 0: the whole image as it is; with `mirror`, odd numbers are
    mirrored, number 1 being the whole image. Without a point only colours change: a label may
    depend on what lies at the edge, a text say left or right."""
    mirror = mirror and point01 is not None
    mirrored = mirror and number % 2 == 1
    if number == 0 or (mirror and number == 1):
        return PictureView(mirrored=mirrored)
    digest = hashlib.sha256(f"{content_hash}|{number}|{seed}".encode()).digest()
    rng = np.random.default_rng(list(digest[:16]))
    crop = WHOLE.crop01 if point01 is None else _crop(rng, point01)
    return PictureView(crop, mirrored, int(rng.integers(2**31)))


def _crop(rng: np.random.Generator, point01: XY) -> tuple[float, float, float, float]:
    """A random crop in the image's own shape that keeps the point inside."""
    side = float(rng.uniform(SMALLEST_CROP, 1.0))
    corner = []
    for p in point01:
        low = max(0.0, p - side * (1 - MARGIN))
        high = min(1.0 - side, p - side * MARGIN)
        corner.append(float(rng.uniform(low, high)) if low < high else min(max(low, 0), 1 - side))
    x, y = corner
    return x, y, x + side, y + side


def place(
    size_wh: tuple[int, int], point_px: XY, view: PictureView
) -> tuple[tuple[int, int, int, int], XY]:
    """Where the view lies in an image of that size: left, top, right, bottom; and the point in
    the view's own pixels."""
    width, height = size_wh
    x1, y1, x2, y2 = view.crop01
    left, top = round(x1 * width), round(y1 * height)
    right, bottom = max(round(x2 * width), left + 1), max(round(y2 * height), top + 1)
    x = min(max(point_px[0] - left, 0.0), float(right - left))
    y = min(max(point_px[1] - top, 0.0), float(bottom - top))
    return (left, top, right, bottom), (right - left - x if view.mirrored else x, y)


def show(pixels: Pixels, view: PictureView, most_pixels: int = 0) -> Pixels:
    """The view's pixels; made smaller first where they are more than `most_pixels` (0: never) and
    get other colours, which would take long on a large image."""
    size_wh = pixels.shape[-2], pixels.shape[-3]
    (left, top, right, bottom), _ = place(size_wh, (0.0, 0.0), view)
    cut = pixels[..., top:bottom, left:right, :]
    if view.mirrored:
        cut = cut[..., ::-1, :]
    if view.colour is not None:
        cut = _recolour(limited(cut, most_pixels), np.random.default_rng(view.colour))
    return np.ascontiguousarray(cut)


def _recolour(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Exposure, contrast, white balance and saturation, and a little noise."""
    x = pixels.astype(np.float32) / 255
    x = x ** np.float32(np.exp(rng.normal(0, 0.2)))
    x *= np.exp(rng.normal(0, 0.05, 3)).astype(np.float32)
    grey = x.mean(-1, keepdims=True)
    x = grey + (x - grey) * np.float32(rng.uniform(0.5, 1.4))
    mean = np.float32(x.mean())
    x = mean + (x - mean) * np.float32(rng.uniform(0.75, 1.25))
    x = x + rng.standard_normal(x.shape, np.float32) * np.float32(rng.uniform(0, 0.02))
    made: Pixels = (np.clip(x, 0, 1) * 255).astype(np.uint8)
    return made


def limited(pixels: Pixels, max_pixels: int) -> Pixels:
    """Made smaller, shape kept, where an image or frame has more pixels than that; 0: as it is."""
    if pixels.ndim == 4:
        return np.stack([limited(frame, max_pixels) for frame in pixels])
    height, width = pixels.shape[:2]
    if not max_pixels or height * width <= max_pixels:
        return pixels
    scale = (max_pixels / (height * width)) ** 0.5
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    image: Any = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        size, Image.Resampling.BICUBIC
    )
    return np.asarray(image)
