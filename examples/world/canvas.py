"""Layers that a scene is painted on: reflectance, glow, depth, semantics, instances."""

from __future__ import annotations

import cv2
import numpy as np

from examples.world.scene import SEM, SKY_DEPTH_M

Window = tuple[slice, slice]


def _redden(lamp: np.ndarray) -> np.ndarray:
    """Keep rear lamps red or amber: a strong exposure would turn their hot cores white."""
    green, blue = lamp[..., 1].astype(np.float32), lamp[..., 2].astype(np.float32)
    red = blue > 0.4 * green
    lamp[..., 1] = green * np.where(red, 0.12, 0.8)
    lamp[..., 2] = blue * 0.12
    return lamp


def stamp(layer: np.ndarray, value: float, where: np.ndarray) -> None:
    """Write ``value`` into a part of a layer where ``where`` (bool); much faster than numpy's."""
    cv2.copyTo(np.full(layer.shape, value, layer.dtype), where.view(np.uint8), layer)


class Canvas:
    """Mutable HxW layers. ``rgb`` and ``glow`` are HxWx3 uint8 RGB, ``depth`` float32 m."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rgb = np.zeros((height, width, 3), np.uint8)
        self.glow = np.zeros((height, width, 3), np.uint8)
        self.depth = np.full((height, width), SKY_DEPTH_M, np.float32)
        self.sem = np.zeros((height, width), np.uint8)
        self.inst = np.zeros((height, width), np.uint8)
        self.peopled = False  # set once agents are painted: later polygons then hide them

    def clip(self, x: int, y: int, w: int, h: int) -> tuple[int, int, int, int] | None:
        """The part (x0, y0, x1, y1) of a rectangle inside the image, or None."""
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, self.width), min(y + h, self.height)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def hidden(self, area: tuple[int, int, int, int], depth_m: float,
               slack_m: float = 1.5) -> bool:  # fmt: skip
        """Whether something nearer covers all of (x0, y0, x1, y1): a paste there is in vain."""
        x0, y0, x1, y1 = area
        return not (self.depth[y0:y1, x0:x1] >= depth_m - slack_m).any()

    def paste(self, rgba: np.ndarray, x: int, y: int, depth_m: float, sem: str, inst: int = 0,
              emissive: np.ndarray | None = None, slack_m: float = 1.5,
              rear: bool = False) -> int:  # fmt: skip
        """Blend straight-alpha ``rgba`` (hxwx4 uint8) with its corner at (x, y).

        Pixels whose depth is smaller than ``depth_m`` - ``slack_m`` stay. ``rear`` marks a
        vehicle seen from behind. Returns how many pixels the image has before anything hides it.
        """
        h, w = rgba.shape[:2]
        alpha = cv2.extractChannel(rgba, 3)
        total = int(cv2.countNonZero((alpha > 110).view(np.uint8)))
        area = self.clip(x, y, w, h)
        if area is None:
            return total
        x0, y0, x1, y1 = area
        alpha = alpha[y0 - y : y1 - y, x0 - x : x1 - x]
        alpha = alpha * (self.depth[y0:y1, x0:x1] >= depth_m - slack_m)
        # Only what shows is painted: much of a tree's image is clear, much of a car hidden.
        left, top, w, h = cv2.boundingRect(alpha)
        if w == 0:
            return total
        x0, y0 = x0 + left, y0 + top
        window = np.s_[y0 : y0 + h, x0 : x0 + w]
        source = np.s_[y0 - y : y0 - y + h, x0 - x : x0 - x + w]
        alpha = np.ascontiguousarray(alpha[top : top + h, left : left + w])
        lamp = None if emissive is None else np.ascontiguousarray(emissive[source])
        if lamp is not None and cv2.countNonZero(lamp) == 0:
            lamp = None
        self._blend(window, cv2.cvtColor(rgba[source], cv2.COLOR_RGBA2RGB), alpha, lamp, rear)
        hit = alpha > 110
        stamp(self.depth[window], depth_m, hit)
        stamp(self.sem[window], SEM[sem], hit)
        stamp(self.inst[window], inst, hit)
        return total

    def _blend(self, window: Window, part: np.ndarray, alpha: np.ndarray,
               lamp: np.ndarray | None, rear: bool) -> None:  # fmt: skip
        """Lay ``part`` (hxwx3) over a window with coverage ``alpha``; ``lamp`` is its glow."""
        if rear and lamp is not None:
            hot = lamp > 0.3
            part[hot] = _redden(part[hot])
        a3 = cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB)
        clear = cv2.bitwise_not(a3)
        over = cv2.multiply(part, a3, scale=1 / 255)
        target, glow = self.rgb[window], self.glow[window]
        cv2.add(cv2.multiply(target, clear, scale=1 / 255), over, target)
        if glow.any():
            cv2.multiply(glow, clear, glow, scale=1 / 255)
        if lamp is not None:
            shine = cv2.multiply(over, cv2.merge([lamp] * 3), scale=1.5, dtype=cv2.CV_8U)
            cv2.add(glow, _redden(shine) if rear else shine, glow)

    def polygon(self, points: np.ndarray, colour: tuple[float, ...], sem: str | None = None,
                alpha: float = 1.0) -> None:  # fmt: skip
        """Fill an Nx2 polygon of pixel points with anti-aliased edges; depth stays."""
        fixed = np.minimum(np.maximum(points * 16.0, -4e6), 4e6).astype(np.int32)
        fixed = fixed.reshape(-1, 1, 2)
        if alpha >= 0.99:
            cv2.fillPoly(self.rgb, [fixed], colour, cv2.LINE_AA, 4)
        else:
            x, y, w, h = cv2.boundingRect(np.clip(points, -3e4, 3e4).astype(np.float32))
            area = self.clip(x - 1, y - 1, w + 2, h + 2)
            if area is None:
                return
            x0, y0, x1, y1 = area
            roi = self.rgb[y0:y1, x0:x1]
            layer = roi.copy()
            moved = fixed - np.array([x0 * 16, y0 * 16], np.int32)
            cv2.fillPoly(layer, [moved], colour, cv2.LINE_AA, 4)
            roi[:] = cv2.addWeighted(layer, alpha, roi, 1 - alpha, 0)
        if sem is not None:
            cv2.fillPoly(self.sem, [fixed], SEM[sem], cv2.LINE_8, 4)
            if self.peopled:
                cv2.fillPoly(self.inst, [fixed], 0, cv2.LINE_8, 4)
                cv2.fillPoly(self.glow, [fixed], (0, 0, 0), cv2.LINE_8, 4)

    def polygons(self, points: np.ndarray, colour: tuple[float, ...], sem: str) -> None:
        """Fill N polygons that do not overlap, NxKx2 pixel points, in one go."""
        fixed = np.minimum(np.maximum(points * 16.0, -4e6), 4e6).astype(np.int32)
        parts = list(fixed)
        cv2.fillPoly(self.rgb, parts, colour, cv2.LINE_AA, 4)
        cv2.fillPoly(self.sem, parts, SEM[sem], cv2.LINE_8, 4)
