"""Meshes for the drawn road users, as plain arrays of quads. Knows nothing of cameras or colours.

Object frame, in metres: x forward, y left, z up, origin on the ground below the centre.
A mesh is a float array (m, 4, 3) whose corners run counter-clockwise seen from outside.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Array = np.ndarray


def columns(x: Array, y: Array, z: Array) -> Array:
    """Three coordinate arrays as points (n, 3)."""
    out = np.empty((len(x), 3))
    out[:, 0], out[:, 1], out[:, 2] = x, y, z
    return out


def hull(x: Array, half_width: Array, z_low: Array, z_high: Array, level: Array,
         level_width: Array, rear_shift: Array | float = 0.0,
         front_shift: Array | float = 0.0) -> Array:  # fmt: skip
    """A closed body symmetric in y: stations along x (n,), levels from sill to roof line (k,).

    `level` runs 0..1 between `z_low` and `z_high`; `level_width` scales the half width there;
    the shifts (metres, per level) lean the first and the last station. Returns (m, 4, 3).
    """
    n, k = len(x), len(level)
    left = np.empty((n, k, 3))
    left[..., 0] = np.asarray(x)[:, None]
    left[0, :, 0] += rear_shift
    left[-1, :, 0] += front_shift
    left[..., 1] = np.outer(half_width, level_width)
    left[..., 2] = np.asarray(z_low)[:, None] + np.subtract(z_high, z_low)[:, None] * level
    right = left * np.array([1.0, -1.0, 1.0])
    side, end = (n - 1) * (k - 1), k - 1
    quads = np.empty((2 * side + 2 * end, 4, 3))
    _corners(quads[:side], left[:-1, :-1], left[:-1, 1:], left[1:, 1:], left[1:, :-1])
    _corners(quads[side : 2 * side], right[:-1, :-1], right[1:, :-1], right[1:, 1:], right[:-1, 1:])
    _corners(quads[2 * side : -end], left[0, :-1], right[0, :-1], right[0, 1:], left[0, 1:])
    _corners(quads[-end:], right[-1, :-1], left[-1, :-1], left[-1, 1:], right[-1, 1:])
    return quads


def _corners(quads: Array, *corners: Array) -> None:
    for i, corner in enumerate(corners):
        quads[:, i].reshape(*corner.shape)[:] = corner


def box(x0: float, x1: float, half_width: float, z0: float, z1: float, soft: float = 0.06) -> Array:
    """A box with slightly rounded edges (`soft` metres). Returns (m, 4, 3)."""
    soft = min(soft, half_width / 2, (x1 - x0) / 4, (z1 - z0) / 4)
    s = soft / max(z1 - z0, 1e-6)
    level = np.array([0.0, s, 0.3, 0.55, 0.8, 1.0 - s, 1.0, 1.0])
    rim = 1.0 - soft / half_width
    level_width = np.array([rim, 1.0, 1.0, 1.0, 1.0, 1.0, rim, 0.0])
    x = np.array([x0, x0 + soft, (x0 + x1) / 2, x1 - soft, x1])
    w = half_width * np.array([rim, 1.0, 1.0, 1.0, rim])
    return hull(x, w, np.full(5, z0), np.full(5, z1), level, level_width)


def upright(x: float, y0: float, y1: float, z0: float, z1: float,
            x_top: float | None = None) -> Array:  # fmt: skip
    """A rectangle (4, 3) across the way at `x` (its upper edge at `x_top`), y0..y1 by z0..z1."""
    top = x if x_top is None else x_top
    return np.array([[x, y0, z0], [x, y1, z0], [top, y1, z1], [top, y0, z1]])


def level(x0: float, x1: float, y: float, z: float) -> Array:
    """A level rectangle at height `z` from x0 to x1, -y to y (4, 3)."""
    return np.array([[x0, y, z], [x0, -y, z], [x1, -y, z], [x1, y, z]])


def tube(centres: Array, radii: Array, sides: int = 8, ref: Array | None = None) -> Array:
    """A tube through `centres` (n, 3) with radii (n,) or (n, 2): across `ref` and along it.

    `ref` (default forward) is the axis that the second radius follows. Returns (m, 4, 3).
    """
    c = np.asarray(centres, dtype=float)
    r = np.asarray(radii, dtype=float)
    tangent = np.empty_like(c)
    tangent[1:-1] = c[2:] - c[:-2]
    tangent[0], tangent[-1] = c[1] - c[0], c[-1] - c[-2]
    tangent /= (np.sqrt(np.einsum("ij,ij->i", tangent, tangent)) + 1e-9)[:, None]
    axis, across = (_FORWARD, _ACROSS) if ref is None else _frame(ref)
    u = tangent @ across
    v = axis - tangent * (tangent @ axis)[:, None]
    size = 1.0 / (np.sqrt(np.einsum("ij,ij->i", u, u)) + 1e-9)
    u *= (size * (r if r.ndim == 1 else r[:, 0]))[:, None]
    v *= (size * (r if r.ndim == 1 else r[:, 1]))[:, None]
    cos, sin = _turn_back(sides)
    rings = c[:, None] + u[:, None] * cos
    rings += v[:, None] * sin
    return loft(rings, c)


def _frame(ref: Array) -> tuple[Array, Array]:
    """The axis `ref` and the matrix of the cross product with it."""
    axis = np.asarray(ref, dtype=float)
    ax, ay, az = axis.tolist()
    return axis, np.array([[0.0, -az, ay], [az, 0.0, -ax], [-ay, ax, 0.0]])


_FORWARD, _ACROSS = _frame(np.array([1.0, 0.02, 0.013]))


@lru_cache(maxsize=32)
def _turn_back(sides: int) -> tuple[Array, Array]:
    cos, sin = _turn(sides)
    return cos[::-1, None].copy(), sin[::-1, None].copy()


@lru_cache(maxsize=32)
def _turn(sides: int) -> tuple[Array, Array]:
    a = np.arange(sides) * (2 * np.pi / sides)
    return np.cos(a), np.sin(a)


@lru_cache(maxsize=32)
def _ring_order(sides: int) -> Array:
    return (np.arange(sides) + 1) % sides


def loft(rings: Array, centres: Array) -> Array:
    """Quads between rings (n, k, 3), closed round k and capped to the end centres (n, 3).

    Seen against the direction of travel the rings must run counter-clockwise.
    """
    n, k = rings.shape[:2]
    full = np.empty((n + 2, k, 3))
    full[0], full[1:-1], full[-1] = centres[0], rings, centres[-1]
    nxt = full[:, _ring_order(k)]
    quads = np.empty((n + 1, k, 4, 3))
    quads[:, :, 0], quads[:, :, 1] = full[:-1], nxt[:-1]
    quads[:, :, 2], quads[:, :, 3] = nxt[1:], full[1:]
    return quads.reshape(-1, 4, 3)


def limb(joints: list[Array] | Array, radii: list[float], sides: int = 7, bend: int = 2) -> Array:
    """A limb through its joints with `bend` rings a segment; radii belong to the joints."""
    weights = _limb_weights(len(joints), bend)
    return tube(weights @ np.asarray(joints), weights @ np.asarray(radii), sides)


@lru_cache(maxsize=8)
def _limb_weights(joints: int, bend: int) -> Array:
    """Rows that interpolate `bend` rings a segment from the joints."""
    at = np.linspace(0, joints - 1, (joints - 1) * bend + 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(joints)), 0)


def ellipsoid(centre: Array, radii: Array, sides: int = 9, rings: int = 6) -> Array:
    """An ellipsoid standing on z. `radii` are (x, y, z) in metres. Returns (m, 4, 3)."""
    pts, axis = _unit_ball(sides, rings)
    return loft(pts * radii + centre, axis * radii + centre)


@lru_cache(maxsize=16)
def _unit_ball(sides: int, rings: int) -> tuple[Array, Array]:
    t = np.linspace(-np.pi / 2 + 0.25, np.pi / 2 - 0.25, rings)
    cos, sin = _turn(sides)
    up = np.sin(t)[:, None]
    pts = np.broadcast_arrays(np.outer(np.cos(t), cos), np.outer(np.cos(t), sin), up)
    return np.stack(pts, axis=-1), up * np.array([0.0, 0.0, 1.0])


def circle(centre: Array, radius: float, n: int = 20, stretch: float = 1.0) -> Array:
    """A circle in the x-z plane round `centre` (3,), radius in metres. Returns (n, 3)."""
    return _unit_circle(n, stretch) * radius + centre


@lru_cache(maxsize=32)
def _unit_circle(n: int, stretch: float) -> Array:
    cos, sin = _turn(n)
    return np.stack([cos, np.zeros(n), sin * stretch], axis=1)


def rounded(boxes: Array, r: Array) -> Array:
    """Rectangles (n, 4) as (a0, b0, a1, b1) with cut corners, (n, 8, 2) in face coordinates.

    `r` (n,) is each cut as a share of the shorter side.
    """
    a0, b0, a1, b1 = np.asarray(boxes, dtype=float).T
    cut = r * np.minimum(np.abs(a1 - a0), np.abs(b1 - b0))
    ca, cb = np.copysign(cut, a1 - a0), np.copysign(cut, b1 - b0)
    out = np.empty((len(a0), 8, 2))
    for i, a in enumerate((a0 + ca, a1 - ca, a1, a1, a1 - ca, a0 + ca, a0, a0)):
        out[:, i, 0] = a
    for i, b in enumerate((b0, b0, b0 + cb, b1 - cb, b1, b1, b1 - cb, b0 + cb)):
        out[:, i, 1] = b
    return out
