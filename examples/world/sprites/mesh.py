"""Meshes for the drawn road users, as plain arrays of quads. Knows nothing of cameras or colours.

Object frame, in metres: x forward, y left, z up, origin on the ground below the centre.
A mesh is a float array (m, 4, 3) whose corners run counter-clockwise seen from outside.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def hull(
    x: Array,
    half_width: Array,
    z_low: Array,
    z_high: Array,
    level: Array,
    level_width: Array,
    rear_shift: Array | float = 0.0,
    front_shift: Array | float = 0.0,
) -> Array:
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
    sides = [
        np.stack([left[:-1, :-1], left[:-1, 1:], left[1:, 1:], left[1:, :-1]], axis=2),
        np.stack([right[:-1, :-1], right[1:, :-1], right[1:, 1:], right[:-1, 1:]], axis=2),
    ]
    rear = np.stack([left[0, :-1], right[0, :-1], right[0, 1:], left[0, 1:]], axis=1)
    front = np.stack([right[-1, :-1], left[-1, :-1], left[-1, 1:], right[-1, 1:]], axis=1)
    return np.concatenate([s.reshape(-1, 4, 3) for s in sides] + [rear, front])


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


def tube(centres: Array, radii: Array, sides: int = 8, ref: Array | None = None) -> Array:
    """A tube through `centres` (n, 3) with radii (n,) or (n, 2): across `ref` and along it.

    `ref` (default forward) is the axis that the second radius follows. Returns (m, 4, 3).
    """
    c = np.asarray(centres, dtype=float)
    r = np.asarray(radii, dtype=float)
    r = np.stack([r, r], axis=1) if r.ndim == 1 else r
    tangent = np.empty_like(c)
    tangent[1:-1] = c[2:] - c[:-2]
    tangent[0], tangent[-1] = c[1] - c[0], c[-1] - c[-2]
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    axis = np.array([1.0, 0.02, 0.013]) if ref is None else np.asarray(ref, dtype=float)
    u = np.cross(tangent, axis)
    u /= np.linalg.norm(u, axis=1, keepdims=True) + 1e-9
    v = np.cross(u, tangent)
    a = np.arange(sides) * (2 * np.pi / sides)
    rings = (
        c[:, None]
        + u[:, None] * (r[:, :1] * np.cos(a))[..., None]
        + v[:, None] * (r[:, 1:] * np.sin(a))[..., None]
    )
    return loft(rings, c)


def loft(rings: Array, centres: Array) -> Array:
    """Quads between rings (n, k, 3), closed round k and capped to the end centres (n, 3)."""
    rings = np.concatenate(
        [
            np.broadcast_to(centres[0], rings[:1].shape),
            rings,
            np.broadcast_to(centres[-1], rings[:1].shape),
        ]
    )
    nxt = np.roll(rings, -1, axis=1)
    quads = np.stack([rings[:-1], nxt[:-1], nxt[1:], rings[1:]], axis=2)
    normal = np.cross(quads[:, :, 2] - quads[:, :, 0], quads[:, :, 3] - quads[:, :, 1])
    middle = np.concatenate([centres[:1], (centres[1:] + centres[:-1]) / 2, centres[-1:]])
    out = quads.mean(axis=2) - middle[:, None]
    axis = centres[-1] - centres[0]
    out[0] -= axis * 0.5
    out[-1] += axis * 0.5
    flip = (normal * out).sum(axis=-1) < 0
    quads[flip] = quads[flip][:, ::-1]
    return quads.reshape(-1, 4, 3)


def limb(joints: list[Array] | Array, radii: list[float], sides: int = 7, bend: int = 2) -> Array:
    """A limb through its joints with `bend` rings a segment; radii belong to the joints."""
    j = np.asarray(joints, dtype=float)
    at = np.linspace(0, len(j) - 1, (len(j) - 1) * bend + 1)
    knots = np.arange(len(j))
    centres = np.stack([np.interp(at, knots, j[:, i]) for i in range(3)], axis=1)
    return tube(centres, np.interp(at, knots, radii), sides)


def ellipsoid(centre: Array, radii: Array, sides: int = 9, rings: int = 6) -> Array:
    """An ellipsoid standing on z. `radii` are (x, y, z) in metres. Returns (m, 4, 3)."""
    t = np.linspace(-np.pi / 2 + 0.25, np.pi / 2 - 0.25, rings)
    a = np.arange(sides) * (2 * np.pi / sides)
    pts = np.empty((rings, sides, 3))
    pts[..., 0] = centre[0] + radii[0] * np.outer(np.cos(t), np.cos(a))
    pts[..., 1] = centre[1] + radii[1] * np.outer(np.cos(t), np.sin(a))
    pts[..., 2] = centre[2] + (radii[2] * np.sin(t))[:, None]
    axis = np.array([0.0, 0.0, 1.0]) * np.sin(t)[:, None] * radii[2] + np.asarray(centre)
    return loft(pts, axis)


def circle(centre: Array, radius: float, n: int = 20, stretch: float = 1.0) -> Array:
    """A circle in the x-z plane round `centre` (3,), radius in metres. Returns (n, 3)."""
    a = np.arange(n) * (2 * np.pi / n)
    pts = np.empty((n, 3))
    pts[:, 0] = centre[0] + radius * np.cos(a)
    pts[:, 1] = centre[1]
    pts[:, 2] = centre[2] + radius * stretch * np.sin(a)
    return pts


def rounded(a0: float, b0: float, a1: float, b1: float, r: float = 0.25) -> Array:
    """A rectangle with cut corners in face coordinates; `r` is a share of the shorter side."""
    c = r * min(abs(a1 - a0), abs(b1 - b0))
    ca, cb = np.copysign(c, a1 - a0), np.copysign(c, b1 - b0)
    return np.array(
        [
            [a0 + ca, b0], [a1 - ca, b0], [a1, b0 + cb], [a1, b1 - cb],
            [a1 - ca, b1], [a0 + ca, b1], [a0, b1 - cb], [a0, b0 + cb],
        ]
    )  # fmt: skip
