"""Projection, shading and painting of meshes into a sprite. Does not know what it draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

Array = np.ndarray
Colour = tuple[float, float, float]
_SHIFT = 3  # sub-pixel bits of OpenCV's integer coordinates
_MAX_INTERNAL_PX = 340
_MAX_AREA_PX = 330_000


@dataclass(frozen=True)
class Sprite:
    """One road user, ready to be placed: straight alpha, the bottom row touches the ground."""

    rgba: Array  # (h, w, 4) uint8, RGB order
    emissive: Array  # (h, w) float32 0..1, how much a pixel glows by itself
    width_m: float
    height_m: float


@dataclass(frozen=True)
class View:
    """A level camera looking at the object's nearest point, `depth_m` away."""

    yaw_rad: float
    camera_height_m: float
    depth_m: float
    reach_m: float  # distance from the object's nearest extent to its origin

    @classmethod
    def of(
        cls, yaw_rad: float, camera_height_m: float, depth_m: float, length_m: float, width_m: float
    ) -> View:
        reach = abs(math.cos(yaw_rad)) * length_m / 2 + abs(math.sin(yaw_rad)) * width_m / 2
        return cls(yaw_rad, camera_height_m, max(depth_m, 1.5), reach)

    def rotate(self, v: Array) -> Array:
        """Object vectors (..., 3) to camera axes: right, up, away."""
        s, c = math.sin(self.yaw_rad), math.cos(self.yaw_rad)
        return v @ np.array([[s, 0.0, c], [-c, 0.0, s], [0.0, 1.0, 0.0]])

    def place(self, p: Array) -> Array:
        """Object points (..., 3) to camera coordinates in metres."""
        q = self.rotate(np.asarray(p, dtype=float))
        q[..., 1] -= self.camera_height_m
        q[..., 2] = np.maximum(q[..., 2] + self.depth_m + self.reach_m, 0.3)
        return q


@dataclass(frozen=True)
class Light:
    """Daylight of one sprite: a sun direction in camera axes, its strength, and the sky's."""

    sun: Array
    strength: float
    sky: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Light:
        azimuth, height, strength, sky = rng.uniform(
            [-math.pi, 0.6, 0.05, 165], [math.pi, 1.2, 0.5, 225]
        )
        flat = math.cos(height)
        sun = [math.sin(azimuth) * flat, math.sin(height), math.cos(azimuth) * flat]
        return cls(np.array(sun), float(strength), float(sky))

    def shade(self, base: Array, normal: Array, eye: Array, gloss: Array | float) -> Array:
        """Colours (m, 3) 0..255 of faces with unit normals and unit eye rays, both (m, 3)."""
        up = normal[:, 1]
        lit = 0.40 + 0.42 * (0.5 + 0.5 * up) + self.strength * np.maximum(normal @ self.sun, 0)
        cosine = (normal * eye).sum(axis=1)
        mirror = eye - 2 * cosine[:, None] * normal
        env = np.interp(
            mirror[:, 1],
            [-1, -0.2, -0.04, 0.05, 0.16, 0.5, 1],
            [0.38, 0.44, 0.30, 0.26, 0.72, 1, 0.95],
        )
        fresnel = gloss * (0.10 + 0.70 * (1 - np.abs(cosine)) ** 4)
        glint = np.maximum(mirror @ self.sun, 0) ** 24 * self.strength * gloss * 190
        tint = np.array([0.96, 1.0, 1.05]) * self.sky
        out = base * (lit * (1 - fresnel))[:, None] + (env * fresnel)[:, None] * tint
        return np.clip(out + glint[:, None], 0, 255)


@dataclass
class _Op:
    uv: Array  # (m, k, 2) faces or (k, 2) for a stroke
    colours: list[Colour]
    alpha: int = 255
    emissive: float = 0.0
    width: float = 0.0  # > 0: a stroke, in image units
    bounds: bool = True


class Scene:
    """Collects projected faces back to front, then paints them once at the wanted size."""

    def __init__(self, view: View, light: Light) -> None:
        self.view = view
        self.light = light
        self._ops: list[_Op] = []

    def faces(self, points: Array, normal: Array | float | None = None) -> bool:
        """Whether a flat patch at `points` with this outward normal looks at the camera."""
        at = self.view.place(np.asarray(points, dtype=float).reshape(-1, 3).mean(axis=0))
        return bool((self.view.rotate(np.asarray(normal, dtype=float)) * at).sum() < -0.03)

    def depth(self, point: Array) -> float:
        """Distance of a point in front of the camera plane, metres."""
        return float(self.view.place(np.asarray(point, dtype=float))[2])

    def mesh(self, quads: Array, colour: Colour | Array, gloss: float = 0.0) -> None:
        """Shade, cull and sort a closed mesh (m, 4, 3); `colour` (3,) or one a face (m, 3)."""
        cam = self.view.place(quads)
        a, b = cam[:, 2] - cam[:, 0], cam[:, 3] - cam[:, 1]
        # The camera axes (right, up, away) are left-handed, hence b x a.
        normal = np.empty_like(a)
        normal[:, 0] = b[:, 1] * a[:, 2] - b[:, 2] * a[:, 1]
        normal[:, 1] = b[:, 2] * a[:, 0] - b[:, 0] * a[:, 2]
        normal[:, 2] = b[:, 0] * a[:, 1] - b[:, 1] * a[:, 0]
        eye = cam.mean(axis=1)
        seen = np.flatnonzero((normal * eye).sum(axis=1) < 0)
        if not len(seen):
            return
        seen = seen[np.argsort(-eye[seen, 2], kind="stable")]
        cam, normal, eye = cam[seen], normal[seen], eye[seen]
        normal /= np.sqrt((normal**2).sum(axis=1, keepdims=True)) + 1e-12
        eye /= np.sqrt((eye**2).sum(axis=1, keepdims=True))
        base = np.asarray(colour, dtype=float)
        base = base[seen] if base.ndim == 2 else base[None]
        rgb = self.light.shade(base, normal, eye, gloss)
        self._ops.append(_Op(cam[..., :2] / cam[..., 2:], [tuple(c) for c in rgb.tolist()]))

    def patch(
        self,
        points: Array,
        colour: Colour | Array,
        *,
        normal: Array | None = None,
        alpha: int = 255,
        emissive: float = 0.0,
        bounds: bool = True,
    ) -> bool:
        """A flat polygon (k, 3) in its final colour; with `normal`, only when it faces us."""
        if normal is not None and not self.faces(points, normal):
            return False
        cam = self.view.place(points)
        rgb = tuple(float(v) for v in np.clip(colour, 0, 255))
        self._ops.append(
            _Op((cam[:, :2] / cam[:, 2:])[None], [rgb], alpha, emissive, bounds=bounds)
        )
        return True

    def stroke(
        self, points: Array, width_m: float, colour: Colour | Array, closed: bool = False
    ) -> None:
        """A line of constant metric width through points (k, 3)."""
        cam = self.view.place(np.asarray(points, dtype=float))
        uv = cam[:, :2] / cam[:, 2:]
        uv = np.concatenate([uv, uv[:1]]) if closed else uv
        rgb = tuple(float(v) for v in np.clip(colour, 0, 255))
        self._ops.append(_Op(uv, [rgb], width=width_m / float(cam[:, 2].mean())))

    def render(self, height_px: int, rng: np.random.Generator, grain: float = 5.0) -> Sprite:
        """Paint everything at `height_px` rows. `grain` is the texture's strength (grey levels)."""
        low, high = self._bounds()
        size = np.maximum(high - low, 1e-4)
        h = max(int(round(height_px)), 1)
        aspect = min(float(size[0] / size[1]), 40.0)
        w = max(round(h * aspect), 1)
        inner_h = min(max(2 * h, 72), max(h, _MAX_INTERNAL_PX))
        inner_h = max(min(inner_h, int(math.sqrt(_MAX_AREA_PX / aspect))), 4)
        scale = inner_h / size[1]
        inner_w = max(round(inner_h * aspect), 1)
        image = np.zeros((inner_h, inner_w, 4), np.uint8)
        glow = np.zeros((inner_h, inner_w), np.uint8)
        for op in self._ops:
            _paint(image, glow, op, (low[0], high[1]), scale)
        inter = cv2.INTER_AREA if inner_h >= h else cv2.INTER_LINEAR
        if (inner_h, inner_w) != (h, w):
            image = cv2.resize(image, (w, h), interpolation=inter)
            glow = cv2.resize(glow, (w, h), interpolation=inter)
        rgba, emissive = _finish(image, glow, rng, grain)
        height_m = float(size[1]) * self.view.depth_m
        return Sprite(rgba, emissive, height_m * w / h, height_m)

    def _bounds(self) -> tuple[Array, Array]:
        lows, highs = [], []
        for op in self._ops:
            if op.bounds:
                flat = op.uv.reshape(-1, 2)
                lows.append(flat.min(axis=0) - op.width / 2)
                highs.append(flat.max(axis=0) + op.width / 2)
        return np.min(lows, axis=0), np.max(highs, axis=0)


def _paint(image: Array, glow: Array, op: _Op, origin: tuple[float, float], scale: float) -> None:
    """Paint one operation; `origin` is the (left, top) of the picture in image units."""
    one = 1 << _SHIFT
    px = (op.uv - origin) * (scale * one, -scale * one)
    px = (px - one / 2).round().astype(np.int32)
    if op.width > 0:
        width = max(round(op.width * scale), 1)
        cv2.polylines(image, [px], False, (*op.colours[0], 255), width, cv2.LINE_8, _SHIFT)
        return
    if op.alpha < 255:
        share = op.alpha / 255
        colour = tuple(v * share for v in op.colours[0])
        cv2.fillPoly(image, [px[0]], (*colour, op.alpha), cv2.LINE_8, _SHIFT)
        return
    if px.shape[1] > 4:
        cv2.fillPoly(image, [px[0]], (*op.colours[0], 255), cv2.LINE_8, _SHIFT)
    else:
        fill = cv2.fillConvexPoly
        for points, colour in zip(px, op.colours, strict=True):
            fill(image, points, (*colour, 255), 8, _SHIFT)
    if op.emissive > 0:
        cv2.fillPoly(glow, list(px), 255 * op.emissive, cv2.LINE_8, _SHIFT)


def _finish(
    image: Array, glow: Array, rng: np.random.Generator, grain: float
) -> tuple[Array, Array]:
    """Straight alpha, lamp halo and surface texture at the final size."""
    h, w = glow.shape
    alpha = image[..., 3]
    rgb = image[..., :3].astype(np.float32)
    edge = (alpha > 0) & (alpha < 255)
    rgb[edge] *= (255.0 / alpha[edge].astype(np.float32))[:, None]
    emissive = glow.astype(np.float32) * np.float32(1 / 255)
    coarse = rng.standard_normal((max(h // 9, 2), max(w // 9, 2)), dtype=np.float32)
    fine = rng.standard_normal((max(h // 2, 2), max(w // 2, 2)), dtype=np.float32)
    noise = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
    noise += 0.6 * cv2.resize(fine, (w, h), interpolation=cv2.INTER_LINEAR)
    rgb *= (1.0 + noise * np.float32(grain / 128))[..., None]
    rgb += (noise * np.float32(grain / 4))[..., None]
    if glow.any():
        halo = cv2.GaussianBlur(emissive, (0, 0), max(h / 28, 0.8))
        tint = cv2.GaussianBlur(rgb * emissive[..., None], (0, 0), max(h / 28, 0.8))
        rgb += 0.7 * tint
        emissive = np.maximum(emissive, 0.4 * halo) * (alpha > 0)
    out = np.empty((h, w, 4), np.uint8)
    out[..., :3] = np.clip(rgb, 0, 255)
    out[..., 3] = alpha
    return out, emissive
