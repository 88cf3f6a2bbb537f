"""What lies between camera and road: bonnet or dashboard, mirror, drops, reflections."""

from __future__ import annotations

import cv2
import numpy as np

from examples.world.canvas import Canvas, stamp
from examples.world.plan import ScenePlan
from examples.world.scene import SEM
from examples.world.scenery.banks import crop, fractal


def paint_ego(canvas: Canvas, plan: ScenePlan) -> None:
    """Bonnet or dashboard with its top at ``look.dash``; hides what lies behind."""
    rng, dash = plan.rng("ego"), plan.look.dash
    h, w = canvas.height, canvas.width
    if dash < 0.995:
        t = np.linspace(0, 1, 33)
        lean = rng.normal(0, 0.02)
        bow = rng.uniform(0.0, 0.12) * (1 if rng.random() < 0.75 else -0.3)
        centre = rng.uniform(0.35, 0.65)
        y = dash + bow * np.abs(2 * (t - centre)) ** rng.uniform(1.6, 3.5) + lean * (t - 0.5)
        outline = np.stack([t * w, np.maximum(y, dash - 0.01) * h], 1)
        points = np.vstack([outline, [[w, h + 2], [0, h + 2]]])
        _cover(canvas, points, rng, w, h)
    if rng.random() < 0.12:
        x, wide, tall = rng.uniform(0.3, 0.7) * w, rng.uniform(0.1, 0.2) * w, 0.05 * h
        box = np.array([[x, -4], [x + wide, -4], [x + wide * 0.94, tall], [x + wide * 0.05, tall]])
        canvas.polygon(box, (26.0, 26.0, 28.0), "ego")
    if plan.look.weather == "rain" and rng.random() < 0.3:
        _wiper(canvas, rng)


def _cover(canvas: Canvas, points: np.ndarray, rng: np.random.Generator, w: int, h: int) -> None:
    bonnet = rng.random() < 0.5
    paint = rng.uniform(15, 60) if not bonnet or rng.random() < 0.5 else rng.uniform(60, 200)
    colour = np.clip(paint + rng.normal(0, 6, 3), 4, 230)
    canvas.polygon(points, tuple(colour.tolist()), "ego")
    top = int(max(points[:, 1].min(), 0))
    if h - top < 2:
        return
    mask = canvas.sem[top:] == SEM["ego"]
    stamp(canvas.inst[top:], 0, mask)
    stamp(canvas.glow[top:], 0, mask)
    stamp(canvas.depth[top:], 1.0, mask)
    noise = crop(fractal(512, 1.5, 51), rng, 64, 256)[:, ::2]
    sheen = cv2.resize(noise, (w, h - top), interpolation=cv2.INTER_LINEAR)
    ramp = np.linspace(rng.uniform(0.8, 1.7), 0.6, h - top, dtype=np.float32)[:, None]
    gain = 1 + (ramp - 1 + (sheen - 0.5) * rng.uniform(0.3, 1.5)) * mask
    rows = canvas.rgb[top:]
    rows[:] = cv2.multiply(rows, cv2.merge([gain.astype(np.float32)] * 3), dtype=cv2.CV_8U)


def _wiper(canvas: Canvas, rng: np.random.Generator) -> None:
    h, w = canvas.height, canvas.width
    foot = (int(rng.uniform(-0.1, 1.1) * w), int(1.05 * h))
    tip = (int(rng.uniform(0, 1) * w), int(rng.uniform(0.55, 0.8) * h))
    wide = max(1, int(w * rng.uniform(0.006, 0.014)))
    cv2.line(canvas.rgb, foot, tip, (14, 14, 15), wide, cv2.LINE_AA)


def look_through(image: np.ndarray, plan: ScenePlan) -> np.ndarray:
    """Drops on the glass, haze and reflections of the dashboard; float32 in and out."""
    rng, look = plan.rng("glass"), plan.look
    h, w = image.shape[:2]
    if look.weather == "rain" or (look.weather == "snow" and rng.random() < 0.4):
        image = _drops(image, rng, int(rng.integers(8, 160)))
    if rng.random() < 0.45:
        level = {"night": 0.02, "dusk": 0.05}.get(look.time_of_day, 0.13) * rng.random()
        noise = crop(fractal(512, 1.6, 52), rng, 128, 128)[::4, ::4]
        half = cv2.resize(noise, (w // 2, h // 2), interpolation=cv2.INTER_CUBIC)
        veil = cv2.resize(half * np.float32(level), (w, h), interpolation=cv2.INTER_LINEAR)
        if rng.random() < 0.5:
            veil = veil * np.linspace(0, 1.6, h, dtype=np.float32)[:, None]
        image = cv2.add(image, cv2.merge([veil, veil, veil]))
    return image


def _drops(image: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    h, w = image.shape[:2]
    mask = np.zeros((h, w), np.uint8)
    rim = np.zeros((h, w), np.uint8)
    big = rng.uniform(2, 7) * w / 640
    for x, y, s, e in rng.random((count, 4)):
        r = max(0.8, big * s**2 + 0.8)
        spot = (int(x * w * 16), int(y * h * 16))
        axes = (int(r * 16), int(r * (1 + 0.6 * e) * 16))
        cv2.ellipse(mask, _round(spot), _round(axes), 0, 0, 360, 255, -1, cv2.LINE_AA)
        low = (spot[0], spot[1] + int(r * 0.5 * 16))
        cv2.ellipse(rim, _round(low), _round((axes[0] // 2, axes[1] // 3)), 0, 0, 360, 200, -1)
    mask = cv2.blur(mask, (3, 3))
    small = cv2.resize(image, (w // 8, h // 8), interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(cv2.flip(small, 0), (w, h), interpolation=cv2.INTER_LINEAR)
    soft = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
    inner = soft * 0.6 + blurred * 0.25
    share = mask.astype(np.float32) * (rng.uniform(0.5, 0.9) / 255)
    s3 = cv2.merge([share, share, share])
    shine = cv2.blur(rim, (3, 3)).astype(np.float32) / 255 * share * 0.35
    out = cv2.add(cv2.multiply(image, 1 - s3), cv2.multiply(inner, s3))
    return cv2.add(out, cv2.multiply(cv2.merge([shine, shine, shine]), soft))


def _round(pair: tuple[int, int]) -> tuple[int, int]:
    return max(1, pair[0] // 16), max(1, pair[1] // 16)
