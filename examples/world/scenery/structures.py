"""Larger structures: crash barriers, overhead wires, bridges, detached houses."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from examples.world.camera import Camera
from examples.world.canvas import Canvas

Z = np.concatenate([[0.8], np.geomspace(1.5, 150, 28)])


def _band(canvas: Canvas, camera: Camera, x: float, low: float, high: float,
          colour: tuple[float, ...], sem: str) -> None:  # fmt: skip
    bottom = camera.outline(x, low, Z)
    top = camera.outline(x, high, Z)
    canvas.polygon(np.vstack([bottom, top[::-1]]), colour, sem)


def _board(camera: Camera, x0: float, x1: float, y0: float, y1: float, z: float) -> np.ndarray:
    """Pixel corners of a rectangle that faces us at ``z`` m."""
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return np.array([camera.point(x, y, z) for x, y in corners], np.float64)


def paint_rail(canvas: Canvas, camera: Camera, x: float, concrete: bool) -> None:
    """A steel or concrete barrier along the road at ``x`` m, painted before any agent."""
    if concrete:
        _band(canvas, camera, x, 0.0, 0.85, (150.0, 149.0, 145.0), "pole")
        _band(canvas, camera, x, 0.0, 0.25, (122.0, 121.0, 118.0), "pole")
        _band(canvas, camera, x, 0.78, 0.87, (176.0, 175.0, 170.0), "pole")
        return
    for z in np.arange(3, 60, 4.0):
        post = _board(camera, x + -0.06, x + 0.06, 0, 0.7, z)
        canvas.polygon(post, (96.0, 97.0, 98.0), "pole")
    _band(canvas, camera, x, 0.42, 0.74, (150.0, 153.0, 156.0), "pole")
    _band(canvas, camera, x, 0.54, 0.6, (102.0, 105.0, 108.0), "pole")
    _band(canvas, camera, x, 0.7, 0.75, (188.0, 190.0, 192.0), "pole")


def paint_wires(canvas: Canvas, camera: Camera, edge: float, seed: int) -> None:
    """Poles every 25-40 m with sagging wires."""
    rng = np.random.default_rng(seed)
    gap, start, tall = rng.uniform(22, 40), rng.uniform(4, 18), rng.uniform(7, 9.5)
    spots = start + gap * np.arange(-1, 4)
    tone = rng.uniform(40, 80)
    for z in spots[spots > 3][::-1]:
        pole = _board(camera, edge + -0.13, edge + 0.13, 0, tall, z)
        canvas.polygon(pole, (tone, tone * 0.92, tone * 0.84), "pole")
    for drop in (0.2, 0.9, 1.5)[: int(rng.integers(1, 4))]:
        for z0, z1 in itertools.pairwise(spots):
            t = np.linspace(0, 1, 9)
            z = np.maximum(z0 + (z1 - z0) * t, 1.2)
            sag = tall - drop - 4 * 0.5 * t * (1 - t)
            points = camera.outline(edge, sag, z)
            fixed = np.clip(points * 16, -4e6, 4e6).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(canvas.rgb, [fixed], False, (45, 45, 48), 1, cv2.LINE_AA, 4)


def paint_bridge(canvas: Canvas, camera: Camera, z: float, seed: int) -> None:
    """A bridge or a sign gantry over the road at ``z`` m."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(5, 6)
    thick = rng.uniform(1.0, 2.2)
    grey = rng.uniform(90, 150)
    ring = _board(camera, -40, 40, low, low + thick, z)
    if rng.random() < 0.55:
        canvas.polygon(ring, (grey, grey * 0.98, grey * 0.95), "building")
        shade = ring.copy()
        shade[2:, 1] = shade[:2, 1][::-1] - (shade[:2, 1][::-1] - shade[2:, 1]) * 0.25
        canvas.polygon(shade, (grey * 0.5, grey * 0.5, grey * 0.5), "building")
        return
    for x in (-4.0, 0.5):
        ring = _board(camera, x, x + 3.6, low, low + 2, z)
        canvas.polygon(ring, (24.0, 92.0, 64.0) if grey < 120 else (28.0, 70.0, 140.0), "pole")
        middle = ring.mean(0)
        canvas.polygon(middle + (ring - middle) * np.array([0.7, 0.14]), (225.0,) * 3, "pole")


def paint_house(canvas: Canvas, camera: Camera, x: float, z: float, seed: int, night: bool) -> None:
    """A detached house with a gabled roof that faces the road's far end."""
    rng = np.random.default_rng(seed)
    wide, tall = rng.uniform(7, 12), rng.uniform(3.0, 6.0)
    wall = np.array(((214, 206, 192), (170, 110, 90), (190, 196, 200), (150, 140, 120))[
        int(rng.integers(0, 4))]) * rng.uniform(0.75, 1.05)  # fmt: skip
    roof = np.array(((88, 70, 64), (70, 72, 78), (120, 78, 60))[int(rng.integers(0, 3))])
    scale = camera.focal / z
    w, h = int(wide * scale), int((tall + 2.6) * scale)
    u, v = camera.point(x, 0.0, z)
    if w < 4 or w > 3 * canvas.width or u + w < 0 or u - w > canvas.width:
        return
    area = canvas.clip(int(u - w / 2), int(v - h), w, h)
    if area is None or canvas.hidden(area, z):
        return
    tw, th = 192, int(192 * (tall + 2.6) / wide)
    image = np.zeros((th, tw, 4), np.uint8)
    eave = int(th * 2.6 / (tall + 2.6))
    cv2.rectangle(image, (10, eave), (tw - 10, th), (*wall.tolist(), 255), -1)
    peak = int(rng.integers(40, tw - 40))
    gable = np.array([[0, eave], [peak - 30, 2], [peak + 30, 2], [tw - 1, eave]])
    cv2.fillPoly(image, [gable], (*roof.tolist(), 255), cv2.LINE_AA)
    glow = np.zeros((th, tw), np.float32)
    floors = 2 if tall > 4.4 else 1
    step = (th - eave) // floors
    for f in range(floors):
        for px in range(24, tw - 40, 42):
            y0 = eave + f * step + step // 4
            lit = night and rng.random() < 0.35
            tone = (235, 200, 140, 255) if lit else (58, 66, 76, 255)
            cv2.rectangle(image, (px - 2, y0 - 2), (px + 24, y0 + step // 2), (225, 222, 215, 255),
                          -1)  # fmt: skip
            cv2.rectangle(image, (px, y0), (px + 22, y0 + step // 2 - 2), tone, -1)
            if lit:
                glow[y0 : y0 + step // 2 - 2, px : px + 22] = 0.7
    fade = np.repeat(np.linspace(1.0, 0.78, th, dtype=np.float32)[:, None], tw, axis=1)
    fade = cv2.merge([fade, fade, fade, np.ones_like(fade)])
    cv2.multiply(image, fade, image, dtype=cv2.CV_8U)
    size = (w, h)
    big = cv2.resize(image, size, interpolation=cv2.INTER_AREA if w < tw else cv2.INTER_LINEAR)
    lamps = cv2.resize(glow, size, interpolation=cv2.INTER_NEAREST) if night else None
    canvas.paste(big, int(u - w / 2), int(v - h), z, "building", emissive=lamps)


def paint_snowbank(canvas: Canvas, camera: Camera, x: float, seed: int) -> None:
    """A ragged heap of ploughed snow along ``x`` m."""
    rng = np.random.default_rng(seed)
    z = np.concatenate([np.linspace(0.8, 30, 60), np.geomspace(32, 120, 20)])
    rough = np.convolve(rng.normal(0, 1, z.size + 8), np.hanning(9) / 2.2, "valid")
    high = rng.uniform(0.2, 0.6) * (1 + 0.5 * np.tanh(rough))
    foot = camera.outline(x, 0.0, z)
    top = camera.outline(x + np.sign(x) * 0.5, high, z)
    back = camera.outline(x + np.sign(x) * 1.6, high * 0.7, z)
    grey = rng.uniform(185, 230)
    canvas.polygon(np.vstack([top, back[::-1]]), (grey, grey + 3, grey + 8), "terrain")
    dark = grey * 0.78
    canvas.polygon(np.vstack([foot, top[::-1]]), (dark, dark + 3, dark + 8), "terrain")
