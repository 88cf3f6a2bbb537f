"""Sky and the far backdrop behind everything else."""

from __future__ import annotations

import cv2
import numpy as np

from examples.world.camera import Camera, between
from examples.world.canvas import Canvas
from examples.world.plan import ScenePlan
from examples.world.scenery.banks import crop, fractal

ZENITH = {
    "day": ((70, 120, 190), (110, 160, 220), (150, 185, 225)),
    "overcast": ((175, 182, 190), (200, 205, 210), (150, 155, 165)),
    "dusk": ((80, 95, 140), (110, 110, 145), (60, 75, 115)),
    "night": ((8, 9, 14), (14, 14, 20), (22, 18, 16)),
}
HORIZON = {
    "day": ((195, 215, 235), (215, 225, 235), (225, 228, 230)),
    "overcast": ((205, 208, 212), (220, 222, 225), (190, 195, 200)),
    "dusk": ((235, 175, 125), (220, 190, 170), (200, 160, 150)),
    "night": ((26, 22, 20), (38, 28, 20), (16, 18, 26)),
}


def paint_sky(canvas: Canvas, camera: Camera, plan: ScenePlan) -> None:
    """Gradient, clouds and sun glow down to a little below the horizon."""
    rng = plan.rng("sky")
    time = plan.look.time_of_day
    rows = int(between(camera.cy + abs(camera.roll) * camera.width + 3, 2, camera.height))
    pick = int(rng.integers(0, 3))
    zenith, low = np.array(ZENITH[time][pick]), np.array(HORIZON[time][int(rng.integers(0, 3))])
    t = np.linspace(0, 1, rows)[:, None] ** rng.uniform(0.9, 2.0)
    column = zenith * (1 - t) + low * t
    small = np.repeat(column[:: max(1, rows // 64), None, :], 96, axis=1).astype(np.float32)
    kind = rng.random()
    noise = crop(fractal(512, 1.35, 11), rng, 200, 200)[:: 200 // small.shape[0] or 1, :192:2]
    noise = cv2.resize(noise, (96, small.shape[0]))
    if time != "night" and kind < 0.75:
        cut = rng.uniform(0.3, 0.65) if time != "overcast" else rng.uniform(0.1, 0.5)
        cover = np.clip((noise - cut) * rng.uniform(2.5, 7), 0, 1)[..., None]
        base = {"day": 246, "overcast": 200, "dusk": 150}[time] + (noise[..., None] - 0.5) * 60
        warm = np.array((1.0, 0.99, 0.97)) if time != "dusk" else np.array((1.1, 0.85, 0.8))
        small = small * (1 - cover * 0.85) + base * warm * cover * 0.85
    sun_x, sun_y = rng.uniform(0, 96), rng.uniform(0.1, 0.9) * small.shape[0]
    if plan.look.sun > 0.2 and plan.look.sun_xz[1] < 0:
        yy, xx = np.mgrid[0 : small.shape[0], 0:96]
        far = np.hypot(xx - sun_x, (yy - sun_y) * 0.8)
        small += (np.exp(-far / 14) * 140 + np.exp(-far / 3.5) * 160)[..., None]
    canvas.rgb[:rows] = _smooth(np.clip(small, 0, 255), camera.width, rows)


def _smooth(small: np.ndarray, width: int, rows: int) -> np.ndarray:
    """A float32 image enlarged to uint8: cubic to half the size, which no eye tells apart."""
    half = cv2.resize(small, (width // 2, (rows + 1) // 2), interpolation=cv2.INTER_CUBIC)
    half = np.clip(half, 0, 255, out=half).astype(np.uint8)
    return cv2.resize(half, (width, rows), interpolation=cv2.INTER_LINEAR)


def _ridge(rng: np.random.Generator, style: str) -> np.ndarray:
    """Height in 0..1 of the backdrop for 512 directions."""
    if style == "city":
        line = np.zeros(512)
        x = 0
        while x < 512:
            w = int(rng.integers(6, 40))
            line[x : x + w] = rng.uniform(0.1, 1.0) ** 1.5
            x += w
        return line
    smooth = crop(fractal(512, 1.3, 12), rng, 1, 512)[0].astype(np.float64)
    rough = crop(fractal(512, 0.7, 13), rng, 1, 512)[0].astype(np.float64)
    if style == "hills":
        wide = cv2.GaussianBlur(smooth[None], (0, 0), 12)[0]
        return np.clip(wide * 1.4 - 0.2, 0.05, 1)
    return np.clip(0.35 + (smooth - 0.5) * 1.2 + (rough - 0.5) * 0.7, 0.05, 1)


def paint_backdrop(canvas: Canvas, camera: Camera, plan: ScenePlan) -> None:
    """Far hills, trees or towers along the horizon at 190 m."""
    rng = plan.rng("backdrop")
    urban = plan.road.kind in ("street", "avenue", "junction")
    styles = ("city", "trees", "city") if urban else ("trees", "hills", "trees")
    for layer in range(2):
        style = styles[int(rng.integers(0, 3))]
        ridge = _ridge(rng, style)
        tall = {"city": 0.11, "trees": 0.05, "hills": 0.075}[style] * rng.uniform(0.5, 1.6)
        span = rng.uniform(0.6, 1.4)
        u = np.arange(camera.width)
        where = ((u - camera.cx) / camera.focal * 170 * span + rng.uniform(0, 512)) % 511
        top = camera.cy + camera.roll * (u - camera.cx)
        top = top - np.interp(where, np.arange(512), ridge) * tall * camera.focal * 1.3
        base = {"city": (120, 122, 128), "trees": (66, 84, 54), "hills": (92, 108, 108)}[style]
        lift = 1.35 - 0.35 * layer
        colour = tuple(float(c * lift * rng.uniform(0.85, 1.1)) for c in base)
        ends = [[camera.width, camera.height], [0, camera.height]]
        points = np.vstack([np.stack([u, top], 1), ends])
        _fill(canvas, points, colour, "building" if style == "city" else "vegetation", rng)


def _fill(canvas: Canvas, points: np.ndarray, colour: tuple[float, ...], sem: str,
          rng: np.random.Generator) -> None:  # fmt: skip
    top = int(max(points[:, 1].min(), 0))
    canvas.polygon(points, colour, sem)
    bottom = min(canvas.height, top + max(4, canvas.height // 6))
    if bottom <= top:
        return
    noise = crop(fractal(512, 0.8, 14), rng, 128, 256)
    noise = cv2.resize(noise, (canvas.width, canvas.height // 6 + 8))[: bottom - top]
    rows = canvas.rgb[top:bottom]
    inside = canvas.sem[top:bottom] != 0
    deep = 0.25 if sem == "building" else 0.6
    grey = (1 + deep * (noise - 0.5)) * inside + ~inside
    cv2.multiply(rows, cv2.merge([grey, grey, grey]), rows, dtype=cv2.CV_8U)
