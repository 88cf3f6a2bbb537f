"""Light, fog, rain, snow and wet roads. Works on float32 images in 0..1."""

from __future__ import annotations

import cv2
import numpy as np

from examples.world.camera import Camera
from examples.world.canvas import Canvas, stamp
from examples.world.plan import ScenePlan
from examples.world.scene import SEM

Lamp = tuple[float, float, float, tuple[int, int, int], float]
FOG = {"day": 0.78, "overcast": 0.72, "dusk": 0.45, "night": 0.07}


def _night_light(canvas: Canvas, camera: Camera, plan: ScenePlan, lamps: list[Lamp],
                 rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    """HxWx3 light from headlights, street lamps and the sky."""
    ambient = float(np.exp(rng.uniform(np.log(0.02), np.log(0.14))))
    if plan.road.kind in ("street", "avenue", "junction"):
        ambient *= 1.6
    u = (np.arange(canvas.width, dtype=np.float32) - camera.cx) / camera.focal
    v = (camera.cy - np.arange(canvas.height, dtype=np.float32)) / camera.focal
    spread = rng.uniform(0.4, 0.9)
    beam = np.exp(-((u / spread) ** 2))[None, :]
    cut = rng.uniform(0.0, 0.05)
    high = 0.12 + 0.88 / (1 + np.exp((v - cut) / 0.025))
    power = rng.uniform(0.7, 2.0)
    reach = rng.uniform(11, 26)
    fall = cv2.pow(1 + canvas.depth / reach, -2.0)
    head = fall * (beam * high[:, None] * power * 2.2)
    pool = _pools(camera, lamps, canvas, rng.uniform(0.3, 1.2))
    tint = np.array((1.0, 0.97, 0.9)) if rng.random() < 0.6 else np.array((0.95, 0.98, 1.0))
    sky = np.array((0.9, 0.95, 1.1)) * ambient
    light = cv2.merge([head * float(t) + float(s) for t, s in zip(tint, sky, strict=True)])
    light += pool
    stamp(light, ambient * 0.5, canvas.sem == SEM["ego"])
    stamp(light, rng.uniform(0.3, 1.3), canvas.sem == SEM["sky"])
    return light


def _pools(camera: Camera, lamps: list[Lamp], canvas: Canvas, strength: float) -> np.ndarray:
    """Light of street lamps on the ground, HxWx3."""
    small = np.zeros((canvas.height // 8 + 1, canvas.width // 8 + 1, 3), np.float32)
    x, z, top = camera.ground_grid(8)
    r0 = top // 8
    rows = min(x.shape[0], small.shape[0] - r0)
    cols = min(x.shape[1], small.shape[1])
    for lx, tall, lz, colour, power in lamps[:14]:
        d2 = (x[:rows, :cols] - lx) ** 2 + (z[:rows, :cols] - lz) ** 2
        gain = strength * power * (1 + d2 / (tall * 0.9) ** 2) ** -1.5
        tone = np.array(colour, np.float32) / 255
        small[r0 : r0 + rows, :cols] += gain[..., None] * tone
    if lamps:
        lift = small[r0 : r0 + max(rows // 3, 1)].mean((0, 1)) * 0.5
        fade = np.linspace(0.3, 1.0, max(r0, 1), dtype=np.float32)[:, None, None]
        small[:r0] = lift * fade[:r0]
    return cv2.resize(small, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)


def _evenly(rgb: np.ndarray, light: tuple[float, ...]) -> np.ndarray:
    """``rgb`` under the same light everywhere, float32 in 0..1."""
    row = np.tile(np.array(light, np.float32) / np.float32(255), rgb.shape[1])
    return np.multiply(rgb.reshape(rgb.shape[0], -1), row, dtype=np.float32).reshape(rgb.shape)


def shine(canvas: Canvas, camera: Camera, plan: ScenePlan, lamps: list[Lamp]) -> np.ndarray:
    """The lit image, HxWx3 float32, glow and bloom included."""
    rng = plan.rng("light")
    time = plan.look.time_of_day
    if time == "night":
        light = _night_light(canvas, camera, plan, lamps, rng)
        image = cv2.multiply(canvas.rgb, light, scale=1 / 255, dtype=cv2.CV_32F)
    elif time == "dusk":
        level = rng.uniform(0.35, 0.8)
        dim = np.where(canvas.sem == SEM["sky"], rng.uniform(0.7, 1.0), level).astype(np.float32)
        light = cv2.merge([dim * 1.06, dim * 0.96, dim * 0.92])
        image = cv2.multiply(canvas.rgb, light, scale=1 / 255, dtype=cv2.CV_32F)
    else:
        dull = rng.uniform(0.7, 0.95) if plan.look.sun < 0.15 else None
        image = _evenly(canvas.rgb, (1.0,) * 3 if dull is None else (dull, dull, dull * 1.02))
    _fog(image, canvas, plan, rng)
    return _glow(image, canvas, plan, rng)


def _fog(image: np.ndarray, canvas: Canvas, plan: ScenePlan, rng: np.random.Generator) -> None:
    look = plan.look
    level = FOG[look.time_of_day] * rng.uniform(0.85, 1.15)
    warm = rng.normal(0, 0.02)
    if look.weather == "clear" and look.visibility_m > 1500:
        return
    through = canvas.depth * np.float32(-1.9 / look.visibility_m)
    np.exp(through, out=through)
    if look.weather == "clear":
        stamp(through, 1, canvas.sem == SEM["sky"])
    stamp(through, 1, canvas.sem == SEM["ego"])
    colour = np.array((level + warm, level, level - warm), np.float32)
    row, flat = np.tile(colour, canvas.width), image.reshape(canvas.height, -1)
    flat -= row
    cv2.multiply(image, cv2.merge([through, through, through]), image)
    flat += row


def _quarter(glow: np.ndarray, lit: slice) -> np.ndarray:
    """``glow`` at a quarter of its size, from the rows ``lit`` alone where that changes nothing."""
    h, w = glow.shape[:2]
    if h % 4 or w % 4:
        return cv2.resize(glow, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
    small = np.zeros((h // 4, w // 4, 3), np.uint8)
    top, end = lit.start // 4, -(-lit.stop // 4)
    part = glow[4 * top : 4 * end]
    small[top:end] = cv2.resize(part, (w // 4, end - top), interpolation=cv2.INTER_AREA)
    return small


def _glow(image: np.ndarray, canvas: Canvas, plan: ScenePlan,
          rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    dark = {"night": 1.0, "dusk": 0.6}.get(plan.look.time_of_day, 0.25)
    gain = rng.uniform(1.6, 3.0) * dark + 0.55
    h, w = image.shape[:2]
    rows = np.flatnonzero(canvas.glow.reshape(h, -1).max(1))
    if rows.size == 0:
        return image
    lit = np.s_[rows[0] : rows[-1] + 1]
    cv2.scaleAdd(canvas.glow[lit].astype(np.float32), gain / 255, image[lit], image[lit])
    small = _quarter(canvas.glow, lit)
    if not small.any():
        return image
    small = small.astype(np.float32) / 255
    unit = w / 640
    wide = cv2.GaussianBlur(small, (0, 0), 0.9 * unit + 0.3) * rng.uniform(1.5, 3.5)
    tiny = cv2.resize(small, (w // 16, h // 16), interpolation=cv2.INTER_AREA)
    hazy = 1.6 if plan.look.weather in ("rain", "fog") else 1.0
    veil = cv2.GaussianBlur(tiny, (0, 0), 1.5 * unit * hazy) * rng.uniform(2.0, 9.0) * hazy
    wide += cv2.resize(veil, (w // 4, h // 4), interpolation=cv2.INTER_LINEAR)
    wide *= dark * rng.uniform(0.7, 1.6)
    cv2.add(image, cv2.resize(wide, (w, h), interpolation=cv2.INTER_LINEAR), image)
    return image


def mirror_wet(image: np.ndarray, canvas: Canvas, camera: Camera, plan: ScenePlan) -> None:
    """Adds the smeared mirror image of what stands above the ground to a wet road."""
    if plan.look.wet < 0.05:
        return
    rng = plan.rng("wet")
    h, w = image.shape[:2]
    small = cv2.resize(image, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
    cy = camera.cy / 4
    rows = np.arange(h // 4)
    source = np.clip(2 * cy - rows, 0, cy - 1).astype(int)
    flip = small[np.clip(source, 0, h // 4 - 1)]
    tall = max(3, int(h / 4 * rng.uniform(0.06, 0.2))) | 1
    flip = cv2.blur(flip, (3, tall))
    flip = cv2.resize(flip, (w, h), interpolation=cv2.INTER_LINEAR)
    ground = (canvas.sem == SEM["road"]) | (canvas.sem == SEM["marking"])
    v = np.arange(h, dtype=np.float32)[:, None]
    grazing = np.clip(1.05 - (v - camera.cy) / (h - camera.cy + 1), 0.15, 1) ** 1.2
    share = (ground * grazing * plan.look.wet * rng.uniform(0.35, 0.75)).astype(np.float32)
    s3 = cv2.merge([share, share, share])
    dim = 1 - s3 * 0.75
    image[:] = cv2.add(cv2.multiply(image, dim), cv2.multiply(flip, s3))


def falling(image: np.ndarray, plan: ScenePlan) -> np.ndarray:
    """Rain streaks or snow flakes between us and the scene."""
    rng, weather = plan.rng("falling"), plan.look.weather
    if weather not in ("rain", "snow"):
        return image
    h, w = image.shape[:2]
    layer = np.zeros((h, w), np.uint8)
    unit = w / 640
    slant = rng.normal(0, 0.15)
    count = int(rng.integers(10, 130))
    for x, y, size in rng.random((count, 3)):
        px, py = x * w, y * h
        if weather == "rain":
            reach = (6 + 22 * size) * unit
            ends = (int(px), int(py)), (int(px + slant * reach), int(py + reach))
            cv2.line(layer, *ends, int(30 + 60 * size), max(1, int(unit)), cv2.LINE_AA)
        else:
            r = (0.5 + 2.2 * size**3) * unit
            cv2.circle(layer, (int(px * 16), int(py * 16)), int(r * 16), int(90 + 140 * size), -1,
                       cv2.LINE_AA, 4)  # fmt: skip
    layer = cv2.blur(layer, (3, 3))
    level = {"night": 0.25, "dusk": 0.5}.get(plan.look.time_of_day, 0.8)
    share = layer.astype(np.float32) * (0.8 / 255)
    s3 = cv2.merge([share, share, share])
    return cv2.add(cv2.multiply(image, 1 - s3), s3 * level)
