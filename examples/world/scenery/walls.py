"""Walls along the road: house fronts, tree lines, hedges, all in perspective."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from examples.world.camera import Camera, between
from examples.world.canvas import Canvas, stamp
from examples.world.plan import ScenePlan
from examples.world.scene import SEM
from examples.world.scenery import facades

LAMP_TINTS = ((255, 214, 150), (255, 236, 205), (215, 230, 255), (255, 190, 120))


@dataclass(frozen=True)
class Segment:
    """A stretch z0..z1 (m) of a wall: tile of the bank, height and length of a tile in m."""

    z0: float
    z1: float
    tile: int
    height_m: float
    repeat_m: float
    tint: tuple[float, float, float]
    lit: float


@lru_cache(maxsize=1)
def _levels() -> list[tuple[np.ndarray, np.ndarray]]:
    """The bank at 256, 128, 64, 32 and 16 px a tile, tiles stacked downwards, one px repeated.

    Each level is (RGBA of all tiles, window lights). OpenCV warps four channels three times as
    fast as three, so houses keep theirs.
    """
    images, lights = facades.bank()
    out = []
    for level in range(5):
        size = facades.TILE >> level
        small = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in images]
        lamps = [cv2.resize(p, (size, size), interpolation=cv2.INTER_NEAREST) for p in lights]
        wide = [np.concatenate([s, s[:, :1]], 1) for s in small]
        out.append((np.concatenate(wide, 0), np.concatenate(lamps, 0)))
    return out


def _row(plan: ScenePlan, rng: np.random.Generator, style: str) -> list[Segment]:
    segments, z = [], rng.uniform(-12, 1.0)
    night = plan.look.time_of_day in ("night", "dusk")
    share = rng.uniform(0.05, 0.5) if night else 0.0
    tall = rng.uniform(6, 26)
    gaps = {"street": 0.12, "junction": 0.15, "avenue": 0.3, "suburb": 0.4}.get(plan.road.kind, 0.1)
    while z < 150:
        if style == "buildings":
            length = rng.uniform(7, 26)
            tile = int(rng.integers(0, facades.BUILDINGS))
            height = between(tall * rng.uniform(0.6, 1.6), 4.5, 60)
            repeat = height * rng.uniform(0.6, 1.1)
            if height > 16:
                repeat = min(repeat, 16.0)
        else:
            length = rng.uniform(15, 50)
            first = facades.BUILDINGS + (4 if style == "hedge" else 0)
            tile = int(rng.integers(first, first + (2 if style == "hedge" else 4)))
            height = rng.uniform(1.0, 2.6) if style == "hedge" else rng.uniform(5, 14)
            repeat = height * rng.uniform(1.2, 2.2)
        tone = rng.uniform(0.65, 1.15)
        tint = tuple(float(tone * rng.uniform(0.93, 1.07)) for _ in range(3))
        segments.append(Segment(z, z + length, tile, height, repeat, tint, share))
        z += length + (rng.uniform(2, 12) if rng.random() < gaps else 0.0)
    cut = plan.road.junction_z
    if cut is not None and style != "far":
        segments = [s for s in segments if s.z1 < cut + 2 or s.z0 > cut + 10] or segments[-2:]
    return segments


def paint_walls(canvas: Canvas, camera: Camera, plan: ScenePlan) -> None:
    """Rows of houses or green on both sides, the farthest first."""
    rng = plan.rng("walls")
    left, right = plan.road.edges_m
    kind = plan.road.kind
    shade = rng.uniform(0.55, 1.0), rng.uniform(0.75, 1.1)
    for side, edge in ((-1, left), (1, right)):
        offset = edge + side * (plan.road.sidewalk_m + plan.road.setback_m + 0.5)
        styles = []
        if kind in ("street", "avenue", "junction"):
            styles = [("buildings", 0.0)] if rng.random() < 0.85 else [("trees", 3.0)]
        elif kind == "suburb":
            styles = [("trees", 9.0), ("hedge", 0.0)] if rng.random() < 0.6 else [("trees", 4.0)]
        elif rng.random() < 0.85:
            styles = [("trees", rng.uniform(0, 14))]
            if rng.random() < 0.2:
                styles = [("buildings", rng.uniform(10, 30))]
        for style, extra in styles:
            depth = camera.wall_depth(offset + side * extra)
            horizon = camera.cy + camera.roll * (np.arange(camera.width) - camera.cx)
            for segment in _row(plan, rng, style):
                light = shade[0 if side < 0 else 1]
                _paint(canvas, camera, (depth, horizon), segment, light, rng)
                if style == "buildings" and 4 < segment.z0 < 110:
                    _end(canvas, camera, offset + side * extra, side, segment, light)


def _end(canvas: Canvas, camera: Camera, x: float, side: int, seg: Segment, light: float) -> None:
    """The end wall of a house that faces us where a gap or a lower house leaves it open."""
    u, foot = camera.point(x, 0.0, seg.z0)
    scale = camera.focal / seg.z0
    wide, tall = 12.0 * scale, seg.height_m * scale
    left = u if side > 0 else u - wide
    area = canvas.clip(int(left), int(foot - tall), int(wide) + 1, int(tall) + 1)
    if area is None:
        return
    x0, y0, x1, y1 = area
    open_ = canvas.depth[y0:y1, x0:x1] > seg.z0 + 0.3
    if not open_.any():
        return
    level = int(between(np.log2(max(facades.TILE / max(wide, tall), 1e-3)) + 0.4, 0, 4))
    size = facades.TILE >> level
    image = _levels()[level][0][seg.tile * size : (seg.tile + 1) * size, :size]
    gx, gy = size / wide, size / tall
    matrix = np.array([[gx, 0, (x0 - left) * gx], [0, gy, (y0 - foot + tall) * gy]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(image, matrix, (x1 - x0, y1 - y0), flags=flags,
                          borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    shade = 1.45 - 0.75 * light
    part = cv2.cvtColor(part, cv2.COLOR_RGBA2RGB)
    part = cv2.multiply(part, (*tuple(c * light * shade for c in seg.tint), 1.0))
    _lay(canvas.rgb[y0:y1, x0:x1], part, open_)
    stamp(canvas.depth[y0:y1, x0:x1], seg.z0, open_)
    stamp(canvas.sem[y0:y1, x0:x1], SEM["building"], open_)
    stamp(canvas.glow[y0:y1, x0:x1], 0, open_)


def _paint(canvas: Canvas, camera: Camera, columns: tuple[np.ndarray, np.ndarray], seg: Segment,
           light: float, rng: np.random.Generator) -> None:  # fmt: skip
    """One segment; ``columns`` are the wall's depth in m and the horizon's row by column."""
    roll = rng.random(3)
    z, horizon = columns
    cols = np.flatnonzero((z >= seg.z0) & (z < seg.z1))
    if cols.size == 0:
        return
    c0, c1 = int(cols[0]), int(cols[-1]) + 1
    z, horizon = z[c0:c1], horizon[c0:c1]
    top = horizon - camera.focal * (seg.height_m - camera.height_m) / z
    bottom = horizon + camera.focal * camera.height_m / z
    r0, r1 = int(max(0, top.min())), int(min(canvas.height, bottom.max() + 1))
    if r1 <= r0:
        return
    slope = (z / (camera.focal * seg.height_m)).astype(np.float32)
    start = (1 - camera.height_m / seg.height_m - horizon * slope).astype(np.float32)
    frac = np.arange(r0 + 0.5, r1 + 0.4, 1.0, dtype=np.float32)[:, None] * slope + start
    near_z = z.astype(np.float32)[None] - np.float32(0.5)
    inside = (frac > 0) & (frac < 1) & (near_z < canvas.depth[r0:r1, c0:c1])
    left, high, wide, tall = cv2.boundingRect(inside.view(np.uint8))
    if wide == 0:
        return
    ranked = np.sort(z)
    near = float((ranked[(z.size - 1) // 2] + ranked[z.size // 2]) / 2)
    across = (z.max() - z.min() + 0.1) / seg.repeat_m * facades.TILE / max(c1 - c0, 1)
    down = facades.TILE / (seg.height_m * camera.focal / near)
    level = int(between(np.log2(max(np.sqrt(across * down), 1e-3)) + 0.4, 0, 4))
    size = facades.TILE >> level
    # From here on only the part that shows.
    c0, r0 = c0 + left, r0 + high
    c1, r1 = c0 + wide, r0 + tall
    z, near_z = z[left : left + wide], near_z[:, left : left + wide]
    inside = np.ascontiguousarray(inside[high : high + tall, left : left + wide])
    mx = np.mod((z - seg.z0) / seg.repeat_m, 1.0) * size
    my = frac[high : high + tall, left : left + wide] * size
    np.maximum(my, 0, out=my)
    np.minimum(my, size - 1.01, out=my)
    my += np.float32(seg.tile * size)
    mx = np.repeat(mx.astype(np.float32)[None], my.shape[0], axis=0)
    images, lights = _levels()[level]
    green = seg.tile >= facades.BUILDINGS
    tile = cv2.remap(images, mx, my, cv2.INTER_LINEAR)
    if not green:
        tile = cv2.cvtColor(tile, cv2.COLOR_RGBA2RGB)
    hit = inside & (tile[..., 3] > 110) if green else inside
    tint = (*tuple(c * light for c in seg.tint), 1.0)
    _lay(canvas.rgb[r0:r1, c0:c1], cv2.multiply(tile, tint), inside)
    far = np.repeat(near_z + np.float32(0.5), my.shape[0], axis=0)
    cv2.copyTo(far, hit.view(np.uint8), canvas.depth[r0:r1, c0:c1])
    stamp(canvas.sem[r0:r1, c0:c1], SEM["vegetation" if green else "building"], hit)
    if seg.lit > 0 and not green:
        _light(canvas, lights, mx, my, hit, (r0, r1, c0, c1), seg, roll)


def _lay(target: np.ndarray, tile: np.ndarray, inside: np.ndarray) -> None:
    """Put RGB or RGBA ``tile`` over ``target`` where ``inside``."""
    if tile.shape[2] == 3:
        cv2.copyTo(tile, inside.view(np.uint8), target)
        return
    alpha = cv2.cvtColor(tile[..., 3] * inside, cv2.COLOR_GRAY2RGB)
    front = cv2.multiply(cv2.cvtColor(tile, cv2.COLOR_RGBA2RGB), alpha, scale=1 / 255)
    cv2.add(cv2.multiply(target, cv2.bitwise_not(alpha), scale=1 / 255), front, target)


def _light(canvas: Canvas, lights: np.ndarray, mx: np.ndarray, my: np.ndarray, hit: np.ndarray,
           area: tuple[int, int, int, int], seg: Segment, roll: np.ndarray) -> None:  # fmt: skip
    r0, r1, c0, c1 = area
    level = lights.ravel().take(my.astype(np.int32) * lights.shape[1] + mx.astype(np.int32)
                                % lights.shape[1])  # fmt: skip
    on = (level > 255 * (1 - seg.lit)) & hit
    tint = LAMP_TINTS[int(roll[0] * len(LAMP_TINTS))]
    gain = 0.06 + 0.3 * roll[1] ** 2
    glow = canvas.glow[r0:r1, c0:c1]
    for channel in range(3):
        glow[..., channel][on] = (level[on] * (gain * tint[channel] / 255)).astype(np.uint8)
