"""Parts of one road user, recorded once and then seen from any side. Does not know what it draws.

Recording is the slow half, so nothing recorded may depend on the view: what a part's visibility or
its turn depends on is written down with it (`facing`, `order`) and decided when it is rendered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .raster import Op, Picture, Sprite, paint_all

Array = np.ndarray
Colour = tuple[float, float, float]
# How bright the surroundings are that a face mirrors, by the slope of the mirrored ray.
_SLOPES = np.array([-1, -0.2, -0.04, 0.05, 0.16, 0.5, 1])
_SURROUNDINGS = np.array([0.38, 0.44, 0.30, 0.26, 0.72, 1, 0.95])


@dataclass(frozen=True)
class View:
    """A level camera looking at the object's nearest point, `depth_m` away."""

    yaw_rad: float
    camera_height_m: float
    depth_m: float
    reach_m: float  # distance from the object's nearest extent to its origin

    @classmethod
    def of(cls, yaw_rad: float, camera_height_m: float, depth_m: float, length_m: float,
           width_m: float) -> View:  # fmt: skip
        """A view of an object of this length and width, metres."""
        reach = abs(math.cos(yaw_rad)) * length_m / 2 + abs(math.sin(yaw_rad)) * width_m / 2
        return cls(yaw_rad, camera_height_m, max(depth_m, 1.5), reach)

    def place(self, points: Array) -> Array:
        """Object points (n, 3) to camera axes in metres: right, up, away, each a row (3, n)."""
        s, c = math.sin(self.yaw_rad), math.cos(self.yaw_rad)
        turn = np.array([[s, 0.0, c], [-c, 0.0, s], [0.0, 1.0, 0.0]])
        cam = np.ascontiguousarray((points @ turn).T)
        cam[1] -= self.camera_height_m
        np.maximum(cam[2] + self.depth_m + self.reach_m, 0.3, out=cam[2])
        return cam

    def depths(self, x: Array, y: Array) -> Array:
        """Distances in front of the camera plane, metres."""
        s, c = math.sin(self.yaw_rad), math.cos(self.yaw_rad)
        return np.maximum(x * c + y * s + (self.depth_m + self.reach_m), 0.3)

    def faces(self, at: Array) -> Array:
        """Whether flat patches look at the camera; rows are a point and its outward normal (6)."""
        s, c = math.sin(self.yaw_rad), math.cos(self.yaw_rad)
        x, y, z, nx, ny, nz = at.T
        right, up, away = x * s - y * c, z - self.camera_height_m, self.depths(x, y)
        return (nx * s - ny * c) * right + (nx * c + ny * s) * away + nz * up < -0.03


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
        env = np.interp(mirror[:, 1], _SLOPES, _SURROUNDINGS)
        fresnel = gloss * (0.10 + 0.70 * (1 - np.abs(cosine)) ** 4)
        glint = np.maximum(mirror @ self.sun, 0) ** 24 * self.strength * gloss * 190
        tint = np.array([0.96, 1.0, 1.05]) * self.sky
        out = base * (lit * (1 - fresnel))[:, None] + (env * fresnel)[:, None] * tint
        return np.clip(out + glint[:, None], 0, 255)


@dataclass(slots=True)
class _Facing:
    """Parts that are there when a patch faces the camera, or `away` from it."""

    guard: int
    away: bool
    parts: list


@dataclass(slots=True)
class _Order:
    """Groups of parts painted from far to near: (number of the point, nearer by m, parts)."""

    groups: list[tuple[int, float, list]]


class Scene:
    """Collects parts back to front; `render` projects, shades and paints them in one go.

    `length_m` x `width_m` is the ground that the object takes; `px_per_m` says how fine the
    picture will be: details below a pixel are left out.
    """

    def __init__(self, length_m: float, width_m: float, light: Light, px_per_m: float) -> None:
        self.length_m, self.width_m = length_m, width_m
        self.light = light
        self.px_per_m = px_per_m
        self._parts: list = []
        self._quads: list[Array] = []
        self._base: list[Colour | Array] = []
        self._gloss: list[float] = []
        self._points: list[Array] = []
        self._widths: list[float] = []
        self._inks: list[tuple[Colour | Array, int]] = []
        self._guards: list[tuple[Array, Array]] = []
        self._turns: list[Array] = []

    def mesh(self, quads: Array, colour: Colour | Array, gloss: float = 0.0) -> None:
        """Add a closed mesh (m, 4, 3); `colour` (3,) or one a face (m, 3)."""
        self._parts.append(Op("mesh", len(self._quads)))
        self._quads.append(quads)
        self._base.append(colour)
        self._gloss.append(gloss)

    def patch(
        self,
        points: Array,
        colour: Colour | Array,
        *,
        normal: Array | None = None,
        at: Array | None = None,
        alpha: int = 255,
        emissive: float = 0.0,
        bounds: bool = True,
    ) -> None:
        """A flat polygon (k, 3) in its final colour; with `normal`, only when it faces us at `at`
        (else at its first corner)."""
        guard = -1 if normal is None else self._guard(points if at is None else at, normal)
        self._flat("patch", points, 0.0, colour, guard, alpha, emissive, bounds)

    def stroke(
        self, points: Array, width_m: float, colour: Colour | Array, closed: bool = False
    ) -> None:
        """A line of constant metric width through points (k, 3)."""
        self._flat("stroke", np.concatenate([points, points[:1]]) if closed else points, width_m,
                   colour)  # fmt: skip

    def _flat(self, kind: str, points: Array, width_m: float, colour: Colour | Array,
              guard: int = -1, alpha: int = 255, emissive: float = 0.0,
              bounds: bool = True) -> None:  # fmt: skip
        self._parts.append(Op(kind, len(self._points), guard, emissive, bounds))
        self._points.append(points)
        self._inks.append((colour, alpha))
        self._widths.append(width_m)

    def _guard(self, points: Array, normal: Array) -> int:
        point = points if points.ndim == 1 else points[0]
        self._guards.append((point, normal))
        return len(self._guards) - 1

    @contextmanager
    def facing(self, points: Array, normal: Array, away: bool = False) -> Iterator[None]:
        """What is added inside is painted only when a flat patch at `points` (its first point)
        with this outward normal looks at the camera, or only when it does not (`away`)."""
        outer, self._parts = self._parts, []
        outer.append(_Facing(self._guard(points, normal), away, self._parts))
        try:
            yield
        finally:
            self._parts = outer

    def order(self, groups: Iterable[tuple[Array, float, Callable[[], None]]]) -> None:
        """Paint groups (point, nearer_m, painter) by the distance of their points, far first."""
        outer, turns = self._parts, []
        for point, nearer_m, painter in groups:
            self._parts = []
            turns.append((len(self._turns), nearer_m, self._parts))
            self._turns.append(point)
            painter()
        self._parts = outer
        outer.append(_Order(turns))

    @cached_property
    def _solid(self) -> tuple[Array, Array, Array, Array]:
        """All meshes: corners (4m, 3), the mesh of each face, base colours, gloss."""
        counts = [len(q) for q in self._quads]
        part = np.repeat(np.arange(len(counts)), counts)
        base, end = np.empty((len(part), 3)), 0
        for count, colour in zip(counts, self._base, strict=True):
            base[end : end + count] = colour
            end += count
        return np.concatenate(self._quads).reshape(-1, 3), part, base, np.asarray(self._gloss)[part]

    @cached_property
    def _outline(self) -> tuple[Array, Array, Array]:
        """All flat points (p, 3), where each part starts, and its metric width."""
        starts = np.cumsum([0] + [len(p) for p in self._points])
        points = np.concatenate(self._points) if self._points else np.zeros((0, 3))
        return points, starts, np.asarray(self._widths)

    @cached_property
    def _premultiplied(self) -> list[list[float]]:
        """RGBA of each flat part."""
        rgb = np.clip([ink for ink, _ in self._inks], 0, 255)
        alpha = np.array([[alpha] for _, alpha in self._inks], dtype=float)
        return np.hstack([rgb * (alpha / 255), alpha]).tolist()

    @cached_property
    def _asked(self) -> tuple[Array, Array]:
        """What decides parts and their turns: guards (g, 6) and points (t, 3)."""
        guards = np.asarray(self._guards, dtype=float).reshape(-1, 6)
        turns = np.asarray(self._turns, dtype=float).reshape(-1, 3)
        return guards, turns

    def _painted(self, view: View) -> list[Op]:
        """The parts that this view shows, in the order in which they are painted."""
        guards, turns = self._asked
        facing = view.faces(guards).tolist() if len(guards) else []
        depths = view.depths(turns[:, 0], turns[:, 1]).tolist()
        out: list[Op] = []

        def walk(parts: list) -> None:
            for part in parts:
                if isinstance(part, Op):
                    if part.guard < 0 or facing[part.guard]:
                        out.append(part)
                elif isinstance(part, _Facing):
                    if facing[part.guard] != part.away:
                        walk(part.parts)
                else:
                    for group in sorted(part.groups, key=lambda g: g[1] - depths[g[0]]):
                        walk(group[2])

        walk(self._parts)
        return out

    def render(
        self,
        view: View,
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
        ops = self._painted(view)
        picture = Picture(ops)
        lows, highs = [], []
        meshes = [op.index for op in ops if op.kind == "mesh"]
        if meshes:
            self._shade(view, meshes, picture)
            flat = picture.quads.reshape(-1, 2)
            lows.append(flat.min(axis=0))
            highs.append(flat.max(axis=0))
        if len(meshes) < len(ops):
            self._trace(view, picture)
            kept = np.zeros(len(self._points), bool)
            kept[[op.index for op in ops if op.kind != "mesh" and op.bounds]] = True
            counts = np.diff(picture.starts)
            kept = np.repeat(kept, counts)
            if kept.any():
                pad = np.repeat(np.asarray(picture.widths) / 2, counts)[kept, None]
                lows.append((picture.points[kept] - pad).min(axis=0))
                highs.append((picture.points[kept] + pad).max(axis=0))
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        if px_per_m is not None:
            height_px = max(round(float(high[1] - low[1]) * view.depth_m * px_per_m), 2)
        return paint_all(picture, (low, high), height_px, view.depth_m, rng, grain, soft)

    def _trace(self, view: View, picture: Picture) -> None:
        """Project patches and strokes."""
        points, starts, widths = self._outline
        x, y, z = view.place(points)
        picture.points = np.stack([x / z, y / z], axis=1)
        picture.starts = starts.tolist()
        picture.inks = self._premultiplied
        picture.widths = (widths / z[starts[:-1]]).tolist()

    def _shade(self, view: View, meshes: list[int], picture: Picture) -> None:
        """All painted meshes culled, shaded and sorted: faces (m, 4, 2) and their colours."""
        corners, part, base, gloss = self._solid
        cam = view.place(corners).reshape(3, -1, 4)
        a, b = cam[..., 2] - cam[..., 0], cam[..., 3] - cam[..., 1]
        # The camera axes (right, up, away) are left-handed, hence b x a.
        normal = np.stack([b[1] * a[2] - b[2] * a[1], b[2] * a[0] - b[0] * a[2],
                           b[0] * a[1] - b[1] * a[0]])  # fmt: skip
        eye = (cam[..., 0] + cam[..., 1] + cam[..., 2] + cam[..., 3]) * 0.25
        turn = np.full(len(self._quads), -1)
        turn[meshes] = np.arange(len(meshes))
        turn = turn[part]
        dot = normal[0] * eye[0] + normal[1] * eye[1] + normal[2] * eye[2]
        seen = np.flatnonzero((dot < 0) & (turn >= 0))
        seen = seen[np.lexsort((-eye[2, seen], turn[seen]))]
        cam, normal, eye, turn = cam[:, seen], normal[:, seen], eye[:, seen], turn[seen]
        normal /= np.sqrt((normal * normal).sum(axis=0)) + 1e-12
        eye /= np.sqrt((eye * eye).sum(axis=0))
        rgba = np.full((len(seen), 4), 255.0)
        rgba[:, :3] = self.light.shade(base[seen], normal.T, eye.T, gloss[seen])
        picture.quads = np.stack([cam[0] / cam[2], cam[1] / cam[2]], axis=2)
        picture.colours = rgba.tolist()
        picture.ends = np.searchsorted(turn, np.arange(len(meshes) + 1)).tolist()
