"""Painting of projected parts into pixels. Knows nothing of metres, cameras or light."""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    colour: Array | tuple[float, float, float] = (0.0, 0.0, 0.0)
    alpha: int = 255  # below 255: over the empty canvas only (ground shadows)
    emissive: float = 0.0
    width: float = 0.0  # of a stroke, in image units
    bounds: bool = True  # whether it counts for the picture's extent


def paint_all(
    ops: list[Op],
    solids: list[tuple[Array, list]],
    flats: list[Array],
    bounds: tuple[Array, Array],
    height_px: int,
    depth_m: float,
    rng: np.random.Generator,
    grain: float,
    soft: float,
) -> Sprite:
    """Paint `ops` in order; `bounds` are the (low, high) corners in image units, up positive."""
    low, high = bounds
    size = np.maximum(high - low, 1e-4)
    h = max(height_px, 1)
    aspect = min(float(size[0] / size[1]), 40.0)
    w = max(round(h * aspect), 1)
    inner_h, inner_w = _inner_size(h, w)
    image = np.zeros((inner_h, inner_w, 4), np.uint8)
    glow = np.zeros((inner_h, inner_w), np.uint8)
    _Brush(image, glow, (float(low[0]), float(high[1])), inner_h / float(size[1])).run(
        ops, solids, flats
    )
    lit = any(op.emissive > 0 for op in ops)
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


class _Brush:
    """OpenCV fills on a premultiplied RGBA canvas and a glow canvas."""

    def __init__(
        self, image: Array, glow: Array, origin: tuple[float, float], scale: float
    ) -> None:
        self.image, self.glow = image, glow
        self.origin = np.array(origin)
        self.scale = scale

    def run(self, ops: list[Op], solids: list[tuple[Array, list]], flats: list[Array]) -> None:
        """Paint everything in order."""
        pixels = self._pixels(np.concatenate(flats)) if flats else np.zeros((0, 2), np.int32)
        ends = np.cumsum([len(f) for f in flats]).tolist()
        starts = [0, *ends]
        rgb = np.clip([op.colour for op in ops if op.kind != "mesh"] or [[0, 0, 0]], 0, 255)
        colours_flat = rgb.tolist()
        for op in ops:
            if op.kind == "mesh":
                uv, colours = solids[op.index]
                self._solid(self._pixels(uv), colours)
            else:
                px = pixels[starts[op.index] : ends[op.index]]
                self._flat(op, px, colours_flat[op.index])

    def _pixels(self, uv: Array) -> Array:
        one = 1 << _SHIFT
        px = (uv - self.origin) * (self.scale * one, -self.scale * one) - one / 2
        return np.rint(px).astype(np.int32)

    def _solid(self, px: Array, colours: list) -> None:
        fill, image = cv2.fillConvexPoly, self.image
        for points, colour in zip(px, colours, strict=True):
            fill(image, points, colour, 8, _SHIFT)

    def _flat(self, op: Op, px: Array, rgb: list[float]) -> None:
        r, g, b = rgb
        if op.kind == "stroke":
            width = max(round(op.width * self.scale), 1)
            cv2.polylines(self.image, [px], False, (r, g, b, 255), width, cv2.LINE_8, _SHIFT)
        elif op.alpha < 255:
            q = op.alpha / 255
            cv2.fillPoly(self.image, [px], (r * q, g * q, b * q, op.alpha), cv2.LINE_8, _SHIFT)
        else:
            cv2.fillPoly(self.image, [px], (r, g, b, 255), cv2.LINE_8, _SHIFT)
            if op.emissive > 0:
                cv2.fillPoly(self.glow, [px], 255 * op.emissive, cv2.LINE_8, _SHIFT)


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
