"""Pinhole dashcam above a flat road that may curve. No pixels are drawn here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


def between(value: float, low: float, high: float) -> float:
    """``value``, but not below ``low`` nor above ``high``; numpy's clip costs ten times that."""
    return float(min(max(value, low), high))


@dataclass(frozen=True)
class CameraPlan:
    """Camera in units that do not depend on the image's size.

    ``hfov_deg`` horizontal field of view; ``horizon`` and ``centre`` the vanishing point as
    fractions of height and width; ``roll`` the slope of the horizon; ``height_m`` above ground;
    ``curve`` the road's curvature in 1/m (+ = bends right).
    """

    hfov_deg: float
    horizon: float
    centre: float
    roll: float
    height_m: float
    curve: float

    def at(self, width: int, height: int) -> Camera:
        """The same camera for an image of ``width`` x ``height`` pixels."""
        focal = width / 2 / math.tan(math.radians(self.hfov_deg) / 2)
        cx, cy = self.centre * width, self.horizon * height
        return Camera(width, height, focal, cx, cy, self.roll, self.height_m, self.curve)


@dataclass(frozen=True)
class Camera:
    """Projection of road coordinates: x_m right of the ego path, y_m up, z_m along the road."""

    width: int
    height: int
    focal: float
    cx: float
    cy: float
    roll: float
    height_m: float
    curve: float

    def outline(self, x_m: np.ndarray | float, y_m: np.ndarray | float,
                z_m: np.ndarray | float) -> np.ndarray:  # fmt: skip
        """Pixels (..., 2) of road points; broadcasts; z_m must be positive."""
        z = np.asarray(z_m, np.float64)
        u = self.cx + self.focal * (np.asarray(x_m) + 0.5 * self.curve * z * z) / z
        v = self.cy + self.roll * (u - self.cx) + self.focal * (self.height_m - np.asarray(y_m)) / z
        out = np.empty((*u.shape, 2))
        out[..., 0], out[..., 1] = u, v
        return out

    def point(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
        """Pixel (u, v) of one road point; the cheap scalar form of ``outline``."""
        u = self.cx + self.focal * (x_m / z_m + 0.5 * self.curve * z_m)
        v = self.cy + self.roll * (u - self.cx) + self.focal * (self.height_m - y_m) / z_m
        return u, v

    def ground_grid(self, step: int = 1) -> tuple[np.ndarray, np.ndarray, int]:
        """Road coordinates (x_m, z_m) of the ground seen by each pixel, float32.

        Returns arrays that start at row ``top`` (third value) and take every ``step``-th pixel;
        z_m is clipped to 200 m above the horizon.
        """
        slope = abs(self.roll) * self.width
        top = max(0, int(self.cy - slope))
        u = np.arange(0, self.width, step, dtype=np.float32) - self.cx + 0.5 * (step - 1)
        v = np.arange(top, self.height, step, dtype=np.float32) + 0.5 * (step - 1)
        below = np.maximum(
            v[:, None] - (self.cy + self.roll * u[None, :]), self.focal * self.height_m / 200.0
        )
        z = (self.focal * self.height_m) / below
        x = (u[None, :] / self.focal - (0.5 * self.curve) * z) * z
        return x.astype(np.float32, copy=False), z.astype(np.float32, copy=False), top

    def wall_depth(self, offset_m: float) -> np.ndarray:
        """Depth in m of a wall along the road at ``offset_m`` for each column (inf = not seen)."""
        sign = 1.0 if offset_m > 0 else -1.0
        s = sign * (np.arange(self.width, dtype=np.float64) + 0.5 - self.cx) / self.focal
        k, x = sign * self.curve, abs(offset_m)
        disc = s * s - 2 * k * x
        denom = s + np.sqrt(np.maximum(disc, 0))
        seen = (disc >= 0) & (denom > 1e-6)
        return np.where(seen, 2 * x / np.where(seen, denom, 1), np.inf)
