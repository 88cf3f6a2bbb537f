"""Layers that a scene is painted on: reflectance, glow, depth, semantics, instances."""

from __future__ import annotations

import cv2
import numpy as np

from examples.world.scene import SEM, SKY_DEPTH_M


def _redden(lamp: np.ndarray) -> np.ndarray:
    """Keep rear lamps red or amber: a strong exposure would turn their hot cores white."""
    green, blue = lamp[..., 1].astype(np.float32), lamp[..., 2].astype(np.float32)
    red = blue > 0.4 * green
    lamp[..., 1] = green * np.where(red, 0.12, 0.8)
    lamp[..., 2] = blue * 0.12
    return lamp


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
        """The part (x0, y0, x1, y1) of a rectangle inside the picture, or None."""
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, self.width), min(y + h, self.height)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def paste(self, rgba: np.ndarray, x: int, y: int, depth_m: float, sem: str, inst: int = 0,
              emissive: np.ndarray | None = None, slack_m: float = 1.5,
              rear: bool = False) -> int:  # fmt: skip
        """Blend straight-alpha ``rgba`` (hxwx4 uint8) with its corner at (x, y).

        Pixels whose depth is smaller than ``depth_m`` - ``slack_m`` stay. ``rear`` marks a
        vehicle seen from behind. Returns how many pixels the picture has before anything hides it.
        """
        h, w = rgba.shape[:2]
        total = int(cv2.countNonZero((rgba[..., 3] > 110).view(np.uint8)))
        area = self.clip(x, y, w, h)
        if area is None:
            return total
        x0, y0, x1, y1 = area
        part = np.ascontiguousarray(rgba[y0 - y : y1 - y, x0 - x : x1 - x])
        if rear and emissive is not None:
            hot = emissive[y0 - y : y1 - y, x0 - x : x1 - x] > 0.3
            part[hot, :3] = _redden(part[hot, :3])
        near = self.depth[y0:y1, x0:x1] >= depth_m - slack_m
        alpha = part[..., 3] * near
        a3 = cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB)
        target = self.rgb[y0:y1, x0:x1]
        over = cv2.multiply(part[..., :3], a3, scale=1 / 255)
        target[:] = cv2.add(cv2.multiply(target, 255 - a3, scale=1 / 255), over)
        glow = self.glow[y0:y1, x0:x1]
        glow[:] = cv2.multiply(glow, 255 - a3, scale=1 / 255)
        if emissive is not None:
            e = emissive[y0 - y : y1 - y, x0 - x : x1 - x]
            lamp = cv2.multiply(over, cv2.merge([e, e, e]), scale=1.5, dtype=cv2.CV_8U)
            glow[:] = cv2.add(glow, _redden(lamp) if rear else lamp)
        hit = alpha > 110
        np.copyto(self.depth[y0:y1, x0:x1], depth_m, where=hit)
        np.copyto(self.sem[y0:y1, x0:x1], np.uint8(SEM[sem]), where=hit)
        np.copyto(self.inst[y0:y1, x0:x1], np.uint8(inst), where=hit)
        return total

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
