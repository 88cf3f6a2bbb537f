"""The ground: verge, pavement, asphalt and its texture."""

from __future__ import annotations

import cv2
import numpy as np

from examples.world.camera import Camera, between
from examples.world.canvas import Canvas, stamp
from examples.world.plan import ScenePlan
from examples.world.scenery.banks import fractal
from examples.world.scenery.markings import paint_markings

Z_STEPS = np.concatenate([np.geomspace(0.6, 30, 18), np.geomspace(36, 198, 14)])


def strip(camera: Camera, x0: float, x1: float, z0: float = 0.6, z1: float = 198.0,
          y: float = 0.0) -> np.ndarray:  # fmt: skip
    """Pixel outline of the ground between two lateral positions and two depths."""
    z = Z_STEPS[(z0 < Z_STEPS) & (z1 > Z_STEPS)] if camera.curve else Z_STEPS[:0]
    z = np.concatenate([[z0], z, [z1]])
    left = camera.outline(x0, y, z)
    right = camera.outline(x1, y, z)
    return np.vstack([left, right[::-1]])


def _tone(rng: np.random.Generator, low: float, high: float, spread: float) -> tuple[float, ...]:
    grey = rng.uniform(low, high)
    return tuple(between(grey + rng.normal(0, spread), 0, 255) for _ in range(3))


def paint_ground(canvas: Canvas, camera: Camera, plan: ScenePlan) -> None:
    """Everything flat. Also writes the depth of the ground."""
    rng, road = plan.rng("ground"), plan.road
    x, z, top = camera.ground_grid()
    grass = np.array((92, 108, 58)) * rng.uniform(0.7, 1.2) + rng.normal(0, 6, 3)
    earth = np.array((128, 112, 88)) * rng.uniform(0.8, 1.15)
    paved = np.array(_tone(rng, 110, 160, 5))
    urban = road.kind in ("street", "avenue", "junction")
    mix = rng.uniform(0, 0.8) if not urban else 0.0
    base = paved if urban else grass * (1 - mix) + earth * mix
    if road.snow:
        base = np.array((218, 222, 228)) * rng.uniform(0.85, 1.05)
    slope = camera.roll * np.array([-camera.cx, camera.width - camera.cx])
    corners = [[camera.width, camera.height], [0, camera.height]]
    horizon = np.stack([[0, camera.width], camera.cy + slope + 0.5], 1)
    flat = tuple(np.clip(base, 0, 255).tolist())
    canvas.polygon(np.vstack([horizon, corners]), flat, "sidewalk" if urban else "terrain")
    np.minimum(canvas.depth[top:], z, out=canvas.depth[top:])
    left, right = road.edges_m
    _pavement(canvas, camera, plan, rng)
    asphalt = _tone(rng, 70, 128, 2.5)
    canvas.polygon(strip(camera, left, right), asphalt, "road")
    if road.junction_z is not None:
        wide = rng.uniform(7, 14)
        canvas.polygon(
            strip(camera, -90, 90, road.junction_z + 3, road.junction_z + 3 + wide), asphalt, "road"
        )
    _wear(canvas, camera, plan, asphalt, rng)
    paint_markings(canvas, camera, plan, asphalt)
    if road.median_m > 0.5:
        _median(canvas, camera, plan, base, rng)
    _texture(canvas, camera, plan, x, z, top)


def _pavement(canvas: Canvas, camera: Camera, plan: ScenePlan, rng: np.random.Generator) -> None:
    road = plan.road
    left, right = road.edges_m
    walk = _tone(rng, 125, 185, 4)
    kerb = _tone(rng, 140, 200, 4)
    if road.snow:
        walk = kerb = (215.0, 219.0, 226.0)
    if road.sidewalk_m > 0.2:
        for edge, out in ((left, -1), (right, 1)):
            canvas.polygon(strip(camera, edge, edge + out * road.sidewalk_m), walk, "sidewalk")
            inner = camera.outline(edge, 0.0, Z_STEPS)
            upper = camera.outline(edge, 0.14, Z_STEPS)
            outer = camera.outline(edge + out * 0.2, 0.14, Z_STEPS)
            canvas.polygon(np.vstack([upper, outer[::-1]]), kerb, "sidewalk")
            dark = tuple(c * 0.62 for c in kerb)
            canvas.polygon(np.vstack([inner, upper[::-1]]), dark, "sidewalk")
    elif not road.snow:
        gravel = _tone(rng, 110, 150, 6)
        margin = rng.uniform(0.3, 1.6)
        canvas.polygon(strip(camera, left - margin, right + margin), gravel, "terrain")


def _median(canvas: Canvas, camera: Camera, plan: ScenePlan, base: np.ndarray,
            rng: np.random.Generator) -> None:  # fmt: skip
    road = plan.road
    x0 = -road.side * road.centre_m
    x1 = x0 - road.side * road.median_m
    green = (96.0, 110.0, 62.0) if rng.random() < 0.6 else tuple(float(b) for b in base)
    if road.snow:
        green = (215.0, 219.0, 226.0)
    canvas.polygon(strip(camera, x0, x1), green, "terrain")


def _wear(canvas: Canvas, camera: Camera, plan: ScenePlan, asphalt: tuple[float, ...],
          rng: np.random.Generator) -> None:  # fmt: skip
    """Patches, wheel tracks, cracks and manhole covers."""
    left, right = plan.road.edges_m
    for _ in range(int(rng.integers(0, 6))):
        x, z = rng.uniform(left, right), rng.uniform(2, 30)
        shade = rng.uniform(0.8, 1.12)
        size = rng.uniform(0.4, 2.5), rng.uniform(1, 9)
        colour = tuple(min(255.0, c * shade) for c in asphalt)
        canvas.polygon(strip(camera, x, x + size[0], z, z + size[1]), colour)
    track = rng.uniform(0.93, 1.04)
    for x in (-0.8, 0.8):
        colour = tuple(min(255.0, c * track) for c in asphalt)
        canvas.polygon(strip(camera, x - 0.3, x + 0.3), colour)
    for _ in range(int(rng.integers(0, 6))):
        z = rng.uniform(2.0, 18) + np.cumsum(rng.uniform(0.05, 0.7, 9))
        x = rng.uniform(left, right) + np.cumsum(rng.normal(0, 0.18, 9))
        points = camera.outline(x, 0.0, z)
        wide = max(1, int(camera.focal * 0.012 / z[0]))
        fixed = np.clip(points * 16, -4e6, 4e6).astype(np.int32).reshape(-1, 1, 2)
        dark = tuple(c * 0.76 for c in asphalt)
        cv2.polylines(canvas.rgb, [fixed], False, dark, wide, cv2.LINE_AA, 4)
    for _ in range(int(rng.integers(0, 3))):
        x, z = rng.uniform(-2.5, 2.5), rng.uniform(3, 22)
        turn = np.linspace(0, 2 * np.pi, 16)
        ring = camera.outline(x + 0.33 * np.cos(turn), 0.0, z + 0.33 * np.sin(turn))
        canvas.polygon(ring, tuple(c * 0.55 for c in asphalt), None, 0.85)


def _texture(canvas: Canvas, camera: Camera, plan: ScenePlan, x: np.ndarray, z: np.ndarray,
             top: int) -> None:  # fmt: skip
    """Multiplies the ground with fine grain, stains and the shadows of trees and houses."""
    rng = plan.rng("texture")
    offset = rng.integers(0, 1024, 4)
    bank = fractal(1024, rng.choice((0.55, 0.75)), 21)
    per_m = 90.0
    ix, iz = x * np.float32(per_m), z * np.float32(per_m)
    ix += np.float32(offset[0])
    iz += np.float32(offset[1])
    ix, iz = ix.astype(np.int32), iz.astype(np.int32)
    ix &= 1023
    iz &= 1023
    iz <<= 10
    iz |= ix
    fine = bank.ravel().take(iz)
    fade = np.clip(1.15 - z[:, :1] / 22.0, 0.06, 1.0) * rng.uniform(0.1, 0.45)
    xs, zs, _ = camera.ground_grid(4)
    coarse = _sample(fractal(512, 1.2, 22), xs * 22, zs * 9, offset[2:])
    shade = 1 + (coarse - 0.5) * rng.uniform(0.1, 0.4)
    if plan.road.snow:
        shade = shade + (_sample(fractal(512, 1.4, 24), xs * 30, zs * 8, offset[:2]) > 0.55) * 0.3
    shade = shade * _shadows(plan, xs, zs, rng)
    full = cv2.resize(shade.astype(np.float32), (x.shape[1], -(-x.shape[0] // 4) * 4),
                      interpolation=cv2.INTER_LINEAR)[: x.shape[0]]  # fmt: skip
    fine -= np.float32(0.5)
    fine = fine * fade
    fine += 1
    full = full * fine
    # Depth changes evenly along a row: its ends tell whether it reaches that far anywhere.
    far = np.flatnonzero(z[:, [0, -1]].max(1) >= 199)
    rows = far[-1] + 1 if far.size else 0
    stamp(full[:rows], 1.0, z[:rows] >= 199)
    region = canvas.rgb[top:]
    cv2.multiply(region, cv2.merge([full, full, full]), region, dtype=cv2.CV_8U)


def _sample(bank: np.ndarray, px: np.ndarray, pz: np.ndarray, offset: np.ndarray) -> np.ndarray:
    size = bank.shape[0]
    mx = np.mod(px + float(offset[0]), size - 1).astype(np.float32)
    mz = np.mod(pz + float(offset[1]), size - 1).astype(np.float32)
    return cv2.remap(bank, mx, mz, cv2.INTER_LINEAR)


def _shadows(plan: ScenePlan, x: np.ndarray, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sun = plan.look.sun
    if sun < 0.15:
        return np.ones_like(x)
    left, right = plan.road.edges_m
    light = np.ones_like(x)
    deep = 0.42 + 0.3 * rng.random()
    if rng.random() < 0.65:
        noise = _sample(fractal(512, 0.95, 23), x * 16, z * 6, rng.integers(0, 512, 2))
        patch = _sample(fractal(512, 1.3, 25), x * 6, z * 3, rng.integers(0, 512, 2))
        leaf = np.clip((noise * 0.5 + patch - rng.uniform(0.72, 1.0)) * rng.uniform(2.5, 6), 0, 1)
        light -= leaf * (1 - deep)
    if rng.random() < 0.45 and plan.road.kind in ("street", "avenue", "junction"):
        reach = rng.uniform(0.1, 0.9) * (right - left)
        ragged = 2.5 * np.sign(np.sin(z * 0.35 + rng.uniform(0, 6)))
        far = (x - left) if rng.random() < 0.5 else (right - x)
        house = np.clip((reach + ragged - far) * 4, 0, 1)
        light = np.minimum(light, 1 - house * (1 - deep))
    if rng.random() < 0.08:
        z0 = rng.uniform(6, 30)
        under = np.clip(6 - np.abs(z - z0), 0, 1)
        light = np.minimum(light, 1 - under * (1 - deep))
    return light
