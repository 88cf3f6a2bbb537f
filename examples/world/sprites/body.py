"""A passenger vehicle's body: lower shell, greenhouse and points on its skin, in metres.

Knows shapes only; lamps, glass and wheels are painted by vehicle_details.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mesh import Array, columns, hull

_LEVEL = np.array([0.0, 0.08, 0.3, 0.5, 0.68, 0.86, 0.97, 1.0, 1.02])
_LEVEL_W = np.array([0.90, 0.965, 0.995, 1.0, 0.985, 0.965, 0.90, 0.78, 0.0])
_REAR = np.array([0.05, -0.01, -0.04, -0.03, 0.03, 0.05, 0.09, 0.16, 0.22])
_FRONT = np.array([-0.08, 0.0, 0.05, 0.03, -0.01, -0.05, -0.14, -0.30, -0.40])
_ROOF_T = np.array([0.0, 0.3, 0.6, 0.85, 0.95, 1.0, 1.03])


@dataclass(frozen=True)
class Style:
    """Sizes of a body in metres; `deck` and `cabin` are shares of the length from the rear."""

    length: float
    width: float
    height: float
    deck: tuple[float, float, float, float]  # skin height at rear, cabin rear, cabin front, nose
    cabin: tuple[float, float, float, float]  # glass foot rear, roof rear, roof front, glass foot
    wheel: float  # radius
    axles: tuple[float, float] = (0.20, 0.81)
    clearance: float = 0.20
    roof_width: float = 0.76
    pillars: tuple[float, ...] = (0.0, 0.46, 1.0)  # window borders as shares of the side glass
    split_rear: bool = False  # two rear doors
    glass_low: float = 0.08  # where the rear glass begins, as a share of the greenhouse


STYLES: dict[str, Style] = {
    "hatchback": Style(4.05, 1.76, 1.50, (0.97, 0.96, 0.93, 0.70), (0.005, 0.12, 0.56, 0.77), 0.31),
    "sedan": Style(
        4.75, 1.83, 1.45, (1.02, 0.98, 0.93, 0.68), (0.13, 0.32, 0.56, 0.74), 0.33,
        pillars=(0.0, 0.47, 0.9),
    ),
    "suv": Style(
        4.65, 1.90, 1.72, (1.10, 1.08, 1.05, 0.90), (0.005, 0.075, 0.58, 0.75), 0.37,
        clearance=0.27, roof_width=0.80, pillars=(0.0, 0.26, 0.60, 1.0),
    ),
    "estate": Style(
        4.75, 1.82, 1.50, (0.99, 0.97, 0.93, 0.68), (0.005, 0.10, 0.58, 0.75), 0.33,
        pillars=(0.0, 0.28, 0.60, 1.0),
    ),
    "minivan": Style(
        4.85, 1.90, 1.80, (1.08, 1.05, 1.00, 0.80), (0.005, 0.05, 0.66, 0.84), 0.33,
        roof_width=0.84, pillars=(0.0, 0.33, 0.66, 1.0),
    ),
    "pickup": Style(
        5.45, 1.96, 1.86, (1.16, 1.15, 1.14, 1.00), (0.36, 0.39, 0.58, 0.70), 0.40,
        clearance=0.34, roof_width=0.80, pillars=(0.0, 0.42, 1.0),
    ),
    "panel_van": Style(
        5.30, 2.00, 2.35, (1.15, 1.15, 1.15, 0.90), (0.005, 0.015, 0.76, 0.90), 0.34,
        clearance=0.24, roof_width=0.90, pillars=(0.76, 1.0), split_rear=True, glass_low=0.12,
    ),
    "small_van": Style(
        4.45, 1.82, 1.84, (1.05, 1.05, 1.02, 0.76), (0.005, 0.02, 0.62, 0.82), 0.32,
        roof_width=0.86, pillars=(0.62, 1.0), split_rear=True, glass_low=0.12,
    ),
    "minibus": Style(
        5.60, 2.02, 2.45, (1.15, 1.15, 1.15, 0.90), (0.005, 0.015, 0.78, 0.90), 0.35,
        clearance=0.24, roof_width=0.90, pillars=(0.0, 0.25, 0.5, 0.75, 1.0), split_rear=True,
        glass_low=0.12,
    ),
    "truck_cab": Style(
        2.20, 2.40, 3.00, (1.5, 1.5, 1.5, 1.45), (0.01, 0.02, 0.90, 0.985), 0.48,
        axles=(0.45, 0.5), clearance=0.45, roof_width=0.93, pillars=(0.30, 1.0),
    ),
    "bonnet_cab": Style(
        3.30, 2.30, 2.75, (1.60, 1.6, 1.6, 1.50), (0.02, 0.04, 0.55, 0.62), 0.48,
        axles=(0.70, 0.72), clearance=0.45, roof_width=0.88, pillars=(0.15, 1.0),
    ),
}  # fmt: skip


class Body:
    """The skin of one vehicle, moved along x by `offset` metres and scaled by `size`."""

    def __init__(self, style: Style, size: tuple[float, float, float], offset: float = 0.0) -> None:
        self.style = style
        self.length = style.length * size[0]
        self.half = style.width * size[1] / 2
        self.height = style.height * size[2]
        self.rear = offset - self.length / 2
        self.cabin = [self.rear + c * self.length for c in style.cabin]
        knots = np.array([0.0, style.cabin[0] + 0.01, style.cabin[3], 0.93, 1.0])
        d = style.deck
        self._deck_x = self.rear + self.length * knots
        self._deck_z = np.array([d[0], d[1], d[2], d[3] + 0.35 * (d[2] - d[3]), d[3]]) * size[2]

    def x(self, share: float) -> float:
        """Metres along x for a share of the length counted from the rear."""
        return self.rear + share * self.length

    def shoulder(self, x: Array | float) -> Array:
        """Height of the bonnet, belt line or boot above the ground at x."""
        return np.interp(x, self._deck_x, self._deck_z)

    def shell(self) -> Array:
        """The lower body as a closed mesh (m, 4, 3)."""
        share = np.array([0.0, 0.012, 0.05, 0.15, 0.40, 0.76, 0.86, 0.94, 1.0])
        width = np.array([0.86, 0.925, 0.97, 0.995, 1, 1, 0.985, 0.945, 0.78])
        x = self.rear + share * self.length
        low = self.style.clearance + np.array([0.10, 0.06, 0.02, 0, 0, 0, 0, 0.01, 0.05])
        scale = min(self.length / 4.5, 1.0)
        return hull(x, self.half * width, low, self.shoulder(x), _LEVEL, _LEVEL_W, _REAR * scale,
                    _FRONT * scale)  # fmt: skip

    def roof_w(self, t: Array | float) -> Array:
        """Half width of the greenhouse at height share t."""
        top = self.style.roof_width
        lean = top - 0.90
        w = [0.90, 0.90 + 0.35 * lean, 0.90 + 0.72 * lean, top, top - 0.045, top - 0.12, 0]
        return np.interp(t, _ROOF_T, w) * self.half

    def greenhouse(self) -> Array:
        """Cabin with roof as a closed mesh (m, 4, 3)."""
        r0, r1, f1, f0 = self.cabin
        t = np.minimum(_ROOF_T, 1.0)
        x = np.array([r0, r1 + 0.12 * (f1 - r1), (r1 + f1) / 2, f1 - 0.1 * (f1 - r1), f0])
        foot = np.interp(x, [r0, f0], [self.shoulder(r0), self.shoulder(f0)]) - 0.02
        top = self.height * np.array([0.975, 0.995, 1.0, 0.995, 0.975]) / 1.01
        w = self.roof_w(_ROOF_T)
        ends = np.array([0.97, 1, 1, 1, 0.95])
        return hull(x, ends, foot, top, _ROOF_T, w, (r1 - r0) * t, (f1 - f0) * t)

    def on_cabin_side(self, s: Array, t: Array, side: int) -> Array:
        """Points on the side glass: s 0..1 from rear to front edge, t 0..1 foot to roof."""
        s, t = np.asarray(s, float), np.asarray(t, float)
        r0, r1, f1, f0 = self.cabin
        x = (r0 + (r1 - r0) * t) * (1 - s) + (f0 + (f1 - f0) * t) * s
        foot = self.shoulder(np.clip(x, r0, f0))
        z = foot + (self.height * 0.985 - foot) * t
        return columns(x, side * (self.roof_w(t) + 0.004), z)

    def on_cabin_end(self, a: Array, t: Array, end: int) -> Array:
        """Points on the rear (end -1) or front (+1) glass: a -1..1 across, t 0..1 upwards."""
        a, t = np.asarray(a, float), np.asarray(t, float)
        r0, r1, f1, f0 = self.cabin
        x = r0 + (r1 - r0) * t - 0.01 if end < 0 else f0 + (f1 - f0) * t + 0.01
        foot = float(self.shoulder(r0 if end < 0 else f0))
        z = foot + (self.height * 0.98 - foot) * t
        return columns(x, a * self.roof_w(t), z)

    def on_end(self, a: Array, z: Array, end: int) -> Array:
        """Points on the rear or front skin: a -1..1 across (wrapping the corner), z metres."""
        a, z = np.asarray(a, float), np.asarray(z, float)
        edge = self.rear if end < 0 else self.rear + self.length
        deck = float(self.shoulder(edge))
        low = self.style.clearance + 0.08
        t = (z - low) / max(deck - low, 0.1)
        scale = min(self.length / 4.5, 1.0)
        shift = np.interp(t, _LEVEL, (_REAR if end < 0 else _FRONT) * scale)
        share = [0.0, 0.0, 0.012, 0.04] if end < 0 else [0.0, 0.0, 0.03, 0.07]
        knots = [0.0, 0.86, 0.925, 0.965] if end < 0 else [0.0, 0.78, 0.90, 0.95]
        bend = np.interp(np.abs(a), knots, share) * self.length
        fade = np.interp(np.abs(a), knots, [1.0, 1.0, 0.15, 0.0])
        x = edge + shift * fade - end * bend + end * 0.012
        return columns(x, a * self.half * np.interp(t, _LEVEL, _LEVEL_W), z)

    def on_side(self, x: Array, z: Array, side: int) -> Array:
        """Points on the lower side skin at x, z metres."""
        x, z = np.asarray(x, float), np.asarray(z, float)
        low = self.style.clearance
        t = (z - low) / (self.shoulder(x) - low)
        y = self.half * np.interp(t, _LEVEL, _LEVEL_W) + 0.006
        return columns(x, side * y, z)
