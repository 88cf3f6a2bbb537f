"""Painting of projected parts into pixels. Knows nothing of metres, cameras or light."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

Array = np.ndarray
_SHIFT = 3  # sub-pixel bits of OpenCV's integer coordinates
_MAX_INTERNAL_PX = 340
_MAX_AREA_PX = 300_000


@dataclass(frozen=True)
class Sprite:
    """One road user, ready to be placed: straight alpha, the bottom row touches the ground."""

    rgba: Array  # (h, w, 4) uint8, RGB order
    emissive: Array  # (h, w) float32 0..1, how much a pixel glows by itself
    width_m: float
    height_m: float


@dataclass(slots=True)
class Op:
    """One thing to paint: a mesh, a flat patch or a stroke, by its index among its like."""

    kind: str
    index: int
    guard: int = -1  # what decides whether it is painted at all; -1 = always
    emissive: float = 0.0
    bounds: bool = True  # whether it counts for the image's extent


@dataclass
class Drawing:
    """Everything to paint in image units, up positive.

    The k-th mesh among `ops` has the faces ends[k] .. ends[k + 1] of `quads` (m, 4, 2), in
    `colours`; a flat op has the points starts[i] .. starts[i + 1] by its index i, a premultiplied
    RGBA ink and a width.
    """

    ops: list[Op]
    quads: Array = field(default_factory=lambda: np.zeros((0, 4, 2)))
    colours: list[list[float]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    points: Array = field(default_factory=lambda: np.zeros((0, 2)))
    starts: list[int] = field(default_factory=list)
    inks: list[list[float]] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)


def paint_all(drawing: Drawing, bounds: tuple[Array, Array], height_px: int, depth_m: float,
              rng: np.random.Generator, grain: float, soft: float) -> Sprite:  # fmt: skip
    """Paint a drawing in order; `bounds` are its (low, high) corners in image units."""
    low, high = bounds
    size = np.maximum(high - low, 1e-4)
    h = max(height_px, 1)
    aspect = min(float(size[0] / size[1]), 40.0)
    w = max(round(h * aspect), 1)
    inner_h, inner_w = _inner_size(h, w)
    image = np.zeros((inner_h, inner_w, 4), np.uint8)
    glow = np.zeros((inner_h, inner_w), np.uint8)
    corner = float(low[0]), float(high[1])
    _paint(drawing, image, glow, corner, inner_h / float(size[1]))
    lit = bool(glow.any())
    if inner_h > h:
        image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
        glow = cv2.resize(glow, (w, h), interpolation=cv2.INTER_AREA) if lit else glow
    else:
        image = cv2.GaussianBlur(image, (3, 3), 0.7)
        if inner_h < h:
            image, glow = cv2.resize(image, (w, h)), cv2.resize(glow, (w, h))
    rgba, emissive = _finish(image, glow if lit else None, rng, grain, soft)
    height_m = float(size[1]) * depth_m
    return Sprite(rgba, emissive, height_m * w / h, height_m)


def _inner_size(h: int, w: int) -> tuple[int, int]:
    """Rows and columns to paint at: a whole multiple of small sprites, capped for large ones."""
    factor = min(max(72 // h, 2), 4)
    while factor > 1 and (h * factor > _MAX_INTERNAL_PX or h * w * factor**2 > _MAX_AREA_PX):
        factor -= 1
    shrink = min(1.0, math.sqrt(_MAX_AREA_PX / (h * w)), 1.3 * _MAX_INTERNAL_PX / h)
    return max(round(h * factor * shrink), 1), max(round(w * factor * shrink), 1)


def _pixels(uv: Array, corner: tuple[float, float], scale: float) -> Array:
    """Image units to OpenCV's fixed-point pixels."""
    one = 1 << _SHIFT
    px = (uv - np.array(corner)) * (scale * one, -scale * one) - one / 2
    return np.rint(px, out=px).astype(np.int32)


def _paint(
    drawing: Drawing, image: Array, glow: Array, corner: tuple[float, float], scale: float
) -> None:
    """OpenCV fills on a premultiplied RGBA canvas and a glow canvas, in order."""
    faces = list(_pixels(drawing.quads, corner, scale))
    points = _pixels(drawing.points, corner, scale)
    fill, fill_any = cv2.fillConvexPoly, cv2.fillPoly
    colours, starts, inks = drawing.colours, drawing.starts, drawing.inks
    ends = iter(drawing.ends)
    start = next(ends, 0)
    for op in drawing.ops:
        if op.kind == "mesh":
            end = next(ends)
            for face, colour in zip(faces[start:end], colours[start:end], strict=True):
                fill(image, face, colour, 8, _SHIFT)
            start = end
            continue
        px = [points[starts[op.index] : starts[op.index + 1]]]
        if op.kind == "stroke":
            width = max(round(drawing.widths[op.index] * scale), 1)
            cv2.polylines(image, px, False, inks[op.index], width, cv2.LINE_8, _SHIFT)
            continue
        fill_any(image, px, inks[op.index], cv2.LINE_8, _SHIFT)
        if op.emissive > 0:
            fill_any(glow, px, 255 * op.emissive, cv2.LINE_8, _SHIFT)


@lru_cache(maxsize=1)
def _grain_table() -> Array:
    """A fixed field of fine surface texture, grey levels round 0 (512, 1024) float32."""
    rng = np.random.default_rng(20240229)
    fine = rng.standard_normal((256, 512), dtype=np.float32)
    field = cv2.resize(fine, (1024, 512), interpolation=cv2.INTER_LINEAR)
    return field + 0.35 * rng.standard_normal((512, 1024), dtype=np.float32)


def _texture(h: int, w: int, rng: np.random.Generator, grain: float) -> Array:
    """Mottling and grain round 128, uint8 (h, w)."""
    y, x = rng.integers(0, (128, 256)).tolist()
    coarse = rng.standard_normal((max(h // 9, 2), max(w // 9, 2)), dtype=np.float32)
    field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
    crop = _grain_table()[y : y + h, x : x + w]
    if crop.shape != (h, w):
        crop = cv2.resize(crop, (w, h))
    field = cv2.addWeighted(field, grain * 0.9, crop, min(grain * 0.5, 1.8), 128)
    return cv2.convertScaleAbs(field)


def _soften(image: Array, alpha: Array, sigma: float) -> None:
    """Blur the colours inside the silhouette, so that cloth shows no facets."""
    image[..., 3] = 255
    premultiplied = cv2.multiply(image, cv2.merge([alpha] * 4), scale=1 / 255)
    blurred = cv2.GaussianBlur(premultiplied, (0, 0), sigma)
    weight = np.ascontiguousarray(blurred[..., 3])
    cv2.divide(blurred, cv2.merge([weight] * 4), dst=image, scale=255)


def _finish(
    image: Array, glow: Array | None, rng: np.random.Generator, grain: float, soft: float
) -> tuple[Array, Array]:
    """Straight alpha, surface texture and the lamps' halo at the final size."""
    h, w = image.shape[:2]
    alpha = image[..., 3].copy()
    image = cv2.divide(image, cv2.merge([alpha] * 4), scale=255)
    if soft * h > 0.4:
        _soften(image, alpha, soft * h)
    texture = cv2.cvtColor(_texture(h, w, rng, grain), cv2.COLOR_GRAY2BGRA)
    image = cv2.addWeighted(image, 1.0, texture, 1.0, -128)
    if glow is None:
        emissive = np.zeros((h, w), np.float32)
    else:
        emissive = glow.astype(np.float32) * np.float32(1 / 255)
        sigma = max(h / 28, 0.8)
        x, y, bw, bh = cv2.boundingRect(glow)
        pad = math.ceil(3 * sigma)
        box = np.s_[max(y - pad, 0) : y + bh + pad, max(x - pad, 0) : x + bw + pad]
        lamp, part = emissive[box], image[box]
        tint = cv2.GaussianBlur(part[..., :3] * lamp[..., None], (0, 0), sigma)
        halo = cv2.GaussianBlur(lamp, (0, 0), sigma)
        part[..., :3] = np.minimum(part[..., :3] + 0.7 * tint, 255)
        emissive[box] = np.maximum(lamp, 0.4 * halo) * (alpha[box] > 0)
    image[..., 3] = alpha
    return image, emissive
