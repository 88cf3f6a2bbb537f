"""Projection and shading of meshes into a picture list. Does not know what it draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .raster import Op, Sprite, paint_all

Array = np.ndarray
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class View:
    """A level camera looking at the object's nearest point, `depth_m` away."""

    yaw_rad: float
    camera_height_m: float
    depth_m: float
    reach_m: float  # distance from the object's nearest extent to its origin
    px_per_m: float = 100.0  # how fine the picture will be; details below a pixel are left out

    @classmethod
    def of(
        cls,
        yaw_rad: float,
        camera_height_m: float,
        depth_m: float,
        length_m: float,
        width_m: float,
        px_per_m: float = 100.0,
    ) -> View:
        """A view of an object of this length and width, metres."""
        reach = abs(math.cos(yaw_rad)) * length_m / 2 + abs(math.sin(yaw_rad)) * width_m / 2
        return cls(yaw_rad, camera_height_m, max(depth_m, 1.5), reach, px_per_m)

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
        lit = 0.50 + 0.40 * (0.5 + 0.5 * up) + self.strength * np.maximum(normal @ self.sun, 0)
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


class Scene:
    """Collects parts back to front; projects, shades and paints them in one go at the end."""

    def __init__(self, view: View, light: Light) -> None:
        self.view = view
        self.light = light
        self._ops: list[Op] = []
        self._quads: list[Array] = []
        self._base: list[Array] = []
        self._gloss: list[float] = []
        self._points: list[Array] = []
        s, c = math.sin(view.yaw_rad), math.cos(view.yaw_rad)
        self._axes = (s, c, view.depth_m + view.reach_m, view.camera_height_m)

    def faces(self, points: Array, normal: Array) -> bool:
        """Whether a flat patch at `points` with this outward normal looks at the camera."""
        x, y, z = (points if points.ndim == 1 else points[0]).tolist()
        nx, ny, nz = normal.tolist()
        s, c, far, high = self._axes
        right, away = x * s - y * c, max(x * c + y * s + far, 0.3)
        return (nx * s - ny * c) * right + (nx * c + ny * s) * away + nz * (z - high) < -0.03

    def depth(self, point: Array) -> float:
        """Distance of a point in front of the camera plane, metres."""
        s, c, far, _ = self._axes
        return max(float(point[0]) * c + float(point[1]) * s + far, 0.3)

    def mesh(self, quads: Array, colour: Colour | Array, gloss: float = 0.0) -> None:
        """Add a closed mesh (m, 4, 3); `colour` (3,) or one a face (m, 3)."""
        self._ops.append(Op("mesh", len(self._quads)))
        self._quads.append(quads)
        self._base.append(np.broadcast_to(np.asarray(colour, dtype=float), (len(quads), 3)))
        self._gloss.append(gloss)

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
        self._ops.append(Op("patch", len(self._points), colour, alpha, emissive, 0.0, bounds))
        self._points.append(points)
        return True

    def stroke(
        self, points: Array, width_m: float, colour: Colour | Array, closed: bool = False
    ) -> None:
        """A line of constant metric width through points (k, 3)."""
        width = width_m / self.depth(points[0])
        self._ops.append(Op("stroke", len(self._points), colour, width=width))
        self._points.append(np.concatenate([points, points[:1]]) if closed else points)

    def render(
        self,
        height_px: int,
        rng: np.random.Generator,
        *,
        px_per_m: float | None = None,
        grain: float = 3.0,
        soft: float = 0.0,
    ) -> Sprite:
        """Paint everything at `height_px` rows, or to scale when `px_per_m` is given.

        `grain` is the texture's strength (grey levels), `soft` a blur as a share of the height.
        """
        lows, highs = [], []
        solids: list[tuple[Array, list]] = []
        if self._quads:
            uv, solids = self._solids()
            lows.append(uv.min(axis=(0, 1)))
            highs.append(uv.max(axis=(0, 1)))
        flats: list[Array] = []
        if self._points:
            cam = self.view.place(np.concatenate(self._points))
            uv = cam[:, :2] / cam[:, 2:]
            counts = [len(p) for p in self._points]
            flats = np.split(uv, np.cumsum(counts)[:-1])
            drawn = [op for op in self._ops if op.kind != "mesh"]
            kept = np.repeat([op.bounds for op in drawn], counts)
            if kept.any():
                pad = np.repeat([op.width / 2 for op in drawn], counts)[kept, None]
                lows.append((uv[kept] - pad).min(axis=0))
                highs.append((uv[kept] + pad).max(axis=0))
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        if px_per_m is not None:
            height_px = max(round(float(high[1] - low[1]) * self.view.depth_m * px_per_m), 2)
        return paint_all(
            self._ops, solids, flats, (low, high), height_px, self.view.depth_m, rng, grain, soft
        )

    def _solids(self) -> tuple[Array, list[tuple[Array, list]]]:
        """All meshes culled, shaded and sorted: their uv (m, 4, 2), and (uv, colours) of each."""
        counts = [len(q) for q in self._quads]
        cam = self.view.place(np.concatenate(self._quads))
        a, b = cam[:, 2] - cam[:, 0], cam[:, 3] - cam[:, 1]
        # The camera axes (right, up, away) are left-handed, hence b x a.
        normal = b[:, [1, 2, 0]] * a[:, [2, 0, 1]] - b[:, [2, 0, 1]] * a[:, [1, 2, 0]]
        eye = (cam[:, 0] + cam[:, 1] + cam[:, 2] + cam[:, 3]) * 0.25
        part = np.repeat(np.arange(len(counts)), counts)
        seen = np.flatnonzero(np.einsum("ij,ij->i", normal, eye) < 0)
        seen = seen[np.lexsort((-eye[seen, 2], part[seen]))]
        cam, normal, eye, part = cam[seen], normal[seen], eye[seen], part[seen]
        normal /= np.sqrt(np.einsum("ij,ij->i", normal, normal))[:, None] + 1e-12
        eye /= np.sqrt(np.einsum("ij,ij->i", eye, eye))[:, None]
        gloss = np.asarray(self._gloss)[part]
        rgba = np.full((len(seen), 4), 255.0)
        rgba[:, :3] = self.light.shade(np.concatenate(self._base)[seen], normal, eye, gloss)
        uv = cam[..., :2] / cam[..., 2:]
        edges = np.searchsorted(part, np.arange(len(counts) + 1)).tolist()
        colours = rgba.tolist()
        return uv, [(uv[i:j], colours[i:j]) for i, j in pairwise(edges)]
