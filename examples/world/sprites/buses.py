"""City buses and coaches: long glazed boxes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import vehicle_details as detail
from .mesh import Array, hull, upright
from .palette import paint
from .shapes import Scene
from .vehicle_details import SIDES, Signals
from .view import Light, View

ViewOf = Callable[[float, float], View]


def bus(rng: np.random.Generator, colour: str, px_per_m: float, signals: Signals,
        view_of: ViewOf) -> Scene:  # fmt: skip
    """A city bus or a coach. `view_of(length_m, width_m)` gives the view: only the panes on the
    side that it shows are drawn from `rng`, so the record serves this view alone."""
    coach = rng.uniform() < 0.35
    long, high = rng.uniform(9.5, 12.2), rng.uniform(3.3, 3.7) if coach else rng.uniform(2.9, 3.2)
    scene = Scene(long, 2.55, Light.draw(rng), px_per_m)
    base = paint(colour, rng)
    x0, x1 = -long / 2, long / 2
    axles = [x0 + 0.26 * long, x1 - 0.22 * long]
    detail.under(scene, x0 + 0.2, x1 - 0.2, 1.25, 0.35)
    for side, x in [(s, x) for s in (1, -1) for x in axles]:
        detail.tyre(scene, x, 1.22, 0.48, side, 0.32)
    level = np.array([0.0, 0.04, 0.2, 0.36, 0.62, 0.86, 0.95, 1.0, 1.01])
    width = np.array([0.96, 1, 1, 1, 0.995, 0.985, 0.95, 0.85, 0.0])
    lean = 0.12 * np.clip(level - 0.3, 0, 1)
    x = np.array([x0, x0 + 0.08, x0 + long * 0.33, x0 + long * 0.66, x1 - 0.12, x1])
    w = 1.275 * np.array([0.94, 1, 1, 1, 1, 0.92])
    quads = hull(x, w, np.full(6, 0.32), np.full(6, high), level, width, lean, -lean)
    skirt = base * rng.uniform(0.5, 1.0) if rng.uniform() < 0.5 else paint("white", rng)
    low = quads.mean(axis=1)[:, 2] < 1.2
    scene.mesh(quads, np.where(low[:, None], skirt, base), 0.6)
    _bus_sides(scene, view_of(long, 2.55), x0, x1, high, axles, base, rng)
    _bus_front(scene, x1 + 0.01, high, signals, rng)
    _bus_rear(scene, x0 - 0.01, high, signals, rng)
    return scene


def _pane(scene: Scene, pane: Array, normal: list, rng, bands: int = 3) -> None:
    detail.glass(scene, pane, np.array(normal, dtype=float), rng, bands)


def _bus_sides(scene: Scene, view: View, x0: float, x1: float, high: float, axles: list,
               base: Array, rng) -> None:  # fmt: skip
    n, z0, z1 = 7, 0.42 * high, 0.85 * high
    for side in (1, -1):
        y = side * 1.277
        if not view.faces(np.array([[0, y, 1.5, 0.0, side, 0]]))[0]:
            continue
        for i in range(n):
            a = x0 + 0.3 + (x1 - x0 - 0.5) * i / n
            b = x0 + 0.3 + (x1 - x0 - 0.5) * (i + 1) / n - 0.09
            door = side < 0 and i in (n - 1, n // 2)
            foot = 0.45 if door else z0
            pane = np.array([[a, y, foot], [b, y, foot], [b, y, z1], [a, y, z1]])
            _pane(scene, pane, [0, side, 0.02], rng)
        for x in axles:
            a = np.linspace(0, np.pi, 12)
            hole = np.stack([x + 0.62 * np.cos(a), np.full(12, y), 0.42 + 0.62 * np.sin(a)], axis=1)
            scene.patch(hole, (15, 15, 16))
            detail.wheel(scene, x, 1.28, 0.48, side, np.array([104.0, 106, 108]))
        line = np.array([[x0 + 0.1, y, 0.4 * high], [x1 - 0.1, y, 0.4 * high]])
        scene.stroke(line, 0.05, base * 0.5)


def _bus_front(scene: Scene, x: float, high: float, signals: Signals, rng) -> None:
    front = np.array([1.0, 0, 0])
    z0, z1 = 0.36 * high, 0.84 * high
    _pane(scene, upright(x, -1.1, 1.1, z0, z1, x - 0.05), [1, 0, 0.05], rng, 5)
    sign = upright(x - 0.04, -0.9, 0.9, z1 + 0.03, z1 + 0.26, x - 0.05)
    scene.patch(sign, (22, 22, 24), normal=front)
    text = sign * [1, 0.6, 1] + [0.01, 0.1, 0]
    text[[0, 1], 2] += 0.06
    text[[2, 3], 2] -= 0.06
    scene.patch(text, (238, 160, 40), normal=front, emissive=0.45)
    white = (255, 252, 236) if signals.lights_on else (158, 162, 166)
    for side, name in SIDES:
        lamp = upright(x, side * 0.72, side * 1.12, 0.62, 0.82)
        scene.patch(lamp, white, normal=front, emissive=1.0 * signals.lights_on)
        if signals.blinks(name):
            above = lamp + np.array([0.005, side * 0.04, 0.2])
            scene.patch(above, (255, 160, 36), normal=front, emissive=0.95)
        arm = [[x, side * 1.15, z1], [x + 0.35, side * 1.35, z1 - 0.1],
               [x + 0.35, side * 1.38, z1 - 0.55]]  # fmt: skip
        scene.stroke(np.array(arm), 0.09, (34, 34, 36))
    scene.patch(upright(x, -0.6, 0.6, 0.45, 0.62), (40, 41, 43), normal=front)


def _bus_rear(scene: Scene, x: float, high: float, signals: Signals, rng) -> None:
    back = np.array([-1.0, 0, 0])
    _pane(scene, upright(x, 0.95, -0.95, 0.52 * high, 0.82 * high, x + 0.05), [-1, 0, 0.05], rng, 4)
    grille = upright(x, -0.7, 0.7, 0.7, 1.15)
    scene.patch(grille, (52, 53, 55), normal=back)
    plate = grille * [1, 0.36, 0.25] + [-0.005, 0, 0.32]
    scene.patch(plate, (206, 204, 196), normal=back)
    detail.lamp_row(scene, x - 0.005, 0.75, 1.05, 0.84, 1.18, signals)
