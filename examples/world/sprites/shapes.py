"""Parts of one road user, recorded once and then seen from any side. Does not know what it draws.

Recording is the slow half, so nothing recorded may depend on the view: what a part's visibility or
its turn depends on is written down with it (`facing`, `order`) and decided when it is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .raster import Drawing, Op, Sprite, paint_all
from .view import Light, View

Array = np.ndarray
Colour = tuple[float, float, float]


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
    image will be: details below a pixel are left out.
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

    def patch(self, points: Array, colour: Colour | Array, *, normal: Array | None = None,
              at: Array | None = None, alpha: int = 255, emissive: float = 0.0,
              bounds: bool = True) -> None:  # fmt: skip
        """A flat polygon (k, 3) in its final colour; with `normal`, only when it faces us at `at`
        (else at its first corner)."""
        guard = -1 if normal is None else self._guard(points if at is None else at, normal)
        self._flat("patch", points, 0.0, colour, guard, alpha, emissive, bounds)

    def stroke(self, points: Array, width_m: float, colour: Colour | Array,
               closed: bool = False) -> None:  # fmt: skip
        """A line of constant metric width through points (k, 3)."""
        line = np.concatenate([points, points[:1]]) if closed else points
        self._flat("stroke", line, width_m, colour)

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
        """All meshes: corners (4m, 3; first the first corner of every face), the mesh of each
        face, base colours, gloss."""
        counts = [len(q) for q in self._quads]
        part = np.repeat(np.arange(len(counts)), counts)
        base, end = np.empty((len(part), 3)), 0
        for count, colour in zip(counts, self._base, strict=True):
            base[end : end + count] = colour
            end += count
        corners = np.concatenate(self._quads).transpose(1, 0, 2).reshape(-1, 3)
        return corners, part, base, np.asarray(self._gloss)[part]

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

    def render(self, view: View, height_px: int, rng: np.random.Generator, *,
               grain: float, soft: float) -> Sprite:  # fmt: skip
        """Paint everything at `height_px` rows.

        `grain` is the texture's strength (grey levels), `soft` a blur as a share of the height.
        """
        ops = self._painted(view)
        drawing = Drawing(ops)
        lows, highs = [], []
        meshes = [op.index for op in ops if op.kind == "mesh"]
        if meshes:
            u, v = self._shade(view, meshes, drawing)
            lows.append(np.array([u.min(), v.min()]))
            highs.append(np.array([u.max(), v.max()]))
        if len(meshes) < len(ops):
            self._trace(view, drawing)
            kept = np.zeros(len(self._points), bool)
            kept[[op.index for op in ops if op.kind != "mesh" and op.bounds]] = True
            counts = np.diff(drawing.starts)
            kept = np.repeat(kept, counts)
            if kept.any():
                pad = np.repeat(np.asarray(drawing.widths) / 2, counts)[kept, None]
                lows.append((drawing.points[kept] - pad).min(axis=0))
                highs.append((drawing.points[kept] + pad).max(axis=0))
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        return paint_all(drawing, (low, high), height_px, view.depth_m, rng, grain, soft)

    def _trace(self, view: View, drawing: Drawing) -> None:
        """Project patches and strokes."""
        points, starts, widths = self._outline
        x, y, z = view.place(points)
        drawing.points = np.stack([x / z, y / z], axis=1)
        drawing.starts = starts.tolist()
        drawing.inks = self._premultiplied
        drawing.widths = (widths / z[starts[:-1]]).tolist()

    def _shade(self, view: View, meshes: list[int], drawing: Drawing) -> tuple[Array, Array]:
        """Cull, shade and sort all painted meshes; returns the corners' u and v, each (4, m)."""
        corners, part, base, gloss = self._solid
        cam = view.place(corners).reshape(3, 4, -1)
        a, b = cam[:, 2] - cam[:, 0], cam[:, 3] - cam[:, 1]
        # The camera axes (right, up, away) are left-handed, hence b x a.
        normal = np.empty_like(a)
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            np.subtract(b[j] * a[k], b[k] * a[j], out=normal[i])
        eye = (cam[:, 0] + cam[:, 1] + cam[:, 2] + cam[:, 3]) * 0.25
        turn = np.full(len(self._quads), -1)
        turn[meshes] = np.arange(len(meshes))
        turn = turn[part]
        dot = normal[0] * eye[0] + normal[1] * eye[1] + normal[2] * eye[2]
        seen = np.flatnonzero((dot < 0) & (turn >= 0))
        seen = seen[np.lexsort((-eye[2, seen], turn[seen]))]
        normal, eye, turn = normal[:, seen], eye[:, seen], turn[seen]
        normal /= np.sqrt((normal * normal).sum(axis=0)) + 1e-12
        eye /= np.sqrt((eye * eye).sum(axis=0))
        rgba = np.full((len(seen), 4), 255.0)
        rgba[:, :3] = self.light.shade(base[seen], normal.T, eye.T, gloss[seen])
        x, y, z = cam[:, :, seen]
        u, v = x / z, y / z
        drawing.quads = np.empty((len(seen), 4, 2))
        drawing.quads[..., 0], drawing.quads[..., 1] = u.T, v.T
        drawing.colours = rgba.tolist()
        drawing.ends = np.searchsorted(turn, np.arange(len(meshes) + 1)).tolist()
        return u, v
