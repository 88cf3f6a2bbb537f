"""From where and in what light a road user is seen. Knows nothing of its parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
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
