"""Trucks: boxes, tanks, drums, cranes and open beds behind a cab."""

from __future__ import annotations

from functools import partial

import numpy as np

from . import vehicle_details as detail
from .body import STYLES, Body
from .mesh import Array, box, tube, upright
from .palette import any_cloth, paint
from .shapes import Scene
from .vehicle_details import Signals
from .vehicles import draw_body
from .view import Light

_LOADS = ("box", "lorry", "tanker", "mixer", "crane", "flatbed", "tipper")
_LOAD_SHARE = (0.34, 0.24, 0.10, 0.10, 0.06, 0.08, 0.08)
_STEEL = np.array([58.0, 60, 63])
_UP = np.array([0.01, 0, 1.0])


def truck(rng: np.random.Generator, colour: str, px_per_m: float, signals: Signals) -> Scene:
    """A lorry with one of several loads; `colour` paints the cab and often the load."""
    load = str(rng.choice(_LOADS, p=_LOAD_SHARE))
    cab_style = STYLES["bonnet_cab" if rng.uniform() < 0.14 else "truck_cab"]
    long = {"lorry": rng.uniform(7.5, 11.0), "tanker": rng.uniform(6.0, 9.0)}
    bed = long.get(load, rng.uniform(4.2, 6.5))
    total = bed + 0.25 + cab_style.length
    scene = Scene(total, 2.45, Light.draw(rng), px_per_m)
    cab = Body(cab_style, (1.0, 1.0, rng.uniform(0.9, 1.08)), (total - cab_style.length) / 2)
    base = paint(colour, rng)
    cargo = base
    if rng.uniform() >= 0.45:
        cargo = paint(str(rng.choice(["white", "silver", "grey", "blue"])), rng)
    x0, x1 = -total / 2, -total / 2 + bed
    top = rng.uniform(2.9, 3.9) if load in ("box", "lorry") else rng.uniform(2.6, 3.3)
    _chassis(scene, x0, total / 2, bed, cab, rng)
    rng_load, rng_cab = (np.random.default_rng(int(v)) for v in rng.integers(0, 1 << 62, 2))

    def load_up() -> None:
        _load(scene, load, x0, x1, top, cargo, rng_load)
        _rear(scene, x0, signals, rng_load)

    def drive() -> None:
        draw_body(scene, cab, base, signals, rng_cab, wheels=False)
        _wheels(scene, [cab.x(0.62)])

    # The load comes first, so that it is painted first where both stand equally far.
    near_load, near_cab = np.array([x1, 0, 0]), np.array([cab.rear, 0, 0])
    scene.order([(near_load, 0.0, load_up), (near_cab, 0.0, drive)])
    _wheels(scene, _rear_axles(x0, bed))
    return scene


def _rear_axles(x0: float, bed: float) -> list[float]:
    rear = [x0 + 0.2 * bed + k * 1.15 for k in range(2 if bed > 5 else 1)]
    return [*rear, x0 + 0.75 * bed] if bed > 8 else rear


def _chassis(scene: Scene, x0: float, x1: float, bed: float, cab: Body, rng) -> None:
    detail.under(scene, x0, x1, 1.2, 0.7)
    scene.order(
        [
            (np.array([x, side * 1.2, 0.5]), 0.0,
             partial(detail.tyre, scene, x, 1.17, 0.5, side, 0.5 if x < cab.rear else 0.3))
            for side in (1, -1) for x in [*_rear_axles(x0, bed), cab.x(0.62)]
        ]
    )  # fmt: skip
    scene.mesh(box(x0 + 0.1, x1 - 0.3, 0.55, 0.62, 0.98, 0.03), _STEEL * 0.6)
    if rng.uniform() < 0.6:
        scene.mesh(box(x0 + 0.4 * bed, x0 + 0.62 * bed, 1.1, 0.5, 0.95, 0.05), _STEEL * 1.2)


def _wheels(scene: Scene, axles: list[float]) -> None:
    for x in axles:
        for side in (1, -1):
            detail.wheel(scene, x, 1.18, 0.5, side, np.array([96.0, 98, 100]))


def _load(scene: Scene, load: str, x0: float, x1: float, top: float, tint: Array, rng) -> None:
    if load in ("box", "lorry"):
        scene.mesh(box(x0, x1, 1.23, 1.0, top, 0.04), tint, 0.2)
        _box_marks(scene, x0, x1, top, tint, rng)
    elif load == "tanker":
        s = np.array([0.0, 0.02, 0.06, 0.3, 0.5, 0.7, 0.94, 0.98, 1.0])
        r = np.array([0.55, 0.85, 0.98, 1, 1, 1, 0.98, 0.85, 0.55])
        centres = np.stack([x0 + s * (x1 - x0), 0 * s, np.full(9, 1.95)], axis=1)
        scene.mesh(tube(centres, np.stack([1.15 * r, 0.92 * r], axis=1), 16, _UP), tint, 0.7)
    elif load == "mixer":
        scene.mesh(box(x0 + 0.2, x1, 1.0, 0.95, 1.25, 0.03), _STEEL)
        x = np.array([x0 - 0.1, x0 + 0.7, x0 + 1.9, x1 - 1.3, x1 - 0.4])
        centres = np.stack([x, 0 * x, [2.75, 2.55, 2.3, 2.05, 1.9]], axis=1)
        quads = tube(centres, np.array([0.5, 0.85, 1.18, 1.1, 0.6]), 16, _UP)
        mid = quads.mean(axis=1)
        stripe = np.sin(np.arctan2(mid[:, 1], mid[:, 2] - 2.3) * 2 + mid[:, 0] * 3) > 0.3
        scene.mesh(quads, np.where(stripe[:, None], tint, np.array([206.0, 202, 194])), 0.15)
        scene.mesh(box(x0 - 0.1, x0 + 0.5, 0.5, 1.3, 2.4, 0.2), _STEEL * 0.9)
        scene.stroke(np.array([[x0 + 0.1, 0.1, 2.2], [x0 - 0.3, 0.35, 1.1]]), 0.34, tint * 0.7)
    elif load == "crane":
        yellow = np.array([216.0, 158, 30])
        scene.mesh(box(x0, x1, 1.2, 0.95, 1.5, 0.05), yellow * 0.9, 0.2)
        scene.mesh(box(x0 + 0.3, x0 + 2.4, 1.1, 1.5, 2.9, 0.15), yellow, 0.3)
        boom = np.array([[x0 + 0.6, 0, 2.7], [x1 + 1.8, 0.2, 3.3]])
        scene.mesh(tube(boom, np.array([0.36, 0.26]), 6), yellow * 0.8)
    elif load == "flatbed":
        scene.mesh(box(x0, x1, 1.2, 1.0, 1.2, 0.03), tint, 0.1)
        cover = box(x0 + 0.5, x1 - 0.6, 1.0, 1.2, rng.uniform(1.6, 2.4), 0.08)
        scene.mesh(cover, any_cloth(rng))
    else:
        scene.mesh(box(x0, x1, 1.2, 1.0, 2.2, 0.03), tint, 0.1)
        x = np.array([x0 + 0.5, x0 + 0.5 * (x1 - x0), x1 - 0.5])
        heap = np.stack([x, 0 * x, [2.2, 2.2 + 0.4, 2.2]], axis=1)
        scene.mesh(tube(heap, np.array([0.5, 0.95, 0.5]), 8), (128, 112, 92))


def _box_marks(scene: Scene, x0: float, x1: float, top: float, tint: Array, rng) -> None:
    """Door seams, hinges and lettering on a cargo box."""
    back = np.array([-1.0, 0, 0])
    x = x0 - 0.01
    with scene.facing(np.array([x, 0, 2.0]), back):
        scene.stroke(np.array([[x, 0, 1.05], [x, 0, top - 0.08]]), 0.035, tint * 0.4)
        for y in (-0.85, -0.3, 0.3, 0.85):
            scene.stroke(np.array([[x, y, 1.1], [x, y, top - 0.15]]), 0.03, tint * 0.7 + 20)
        frame = upright(x, -1.18, 1.18, 1.03, top - 0.05)[[0, 3, 2, 1]]
        scene.stroke(frame, 0.05, tint * 0.62, closed=True)
    if rng.uniform() < 0.55:
        ink = any_cloth(rng)
        z0, z1 = 1.0 + 0.45 * (top - 1.0), 1.0 + 0.72 * (top - 1.0)
        a, b = x0 + 0.12 * (x1 - x0), x0 + rng.uniform(0.5, 0.85) * (x1 - x0)
        for side in (1, -1):
            y = side * 1.236
            logo = np.array([[a, y, z0], [b, y, z0], [b - 0.3, y, z1], [a, y, z1]])
            scene.patch(logo, ink, normal=np.array([0.0, side, 0.0]))
        scene.patch(upright(x, -0.8, 0.8, z0, z1), ink, normal=back)


def _rear(scene: Scene, x0: float, signals: Signals, rng) -> None:
    """Lamps, plate and guard at the tail of a truck."""
    x = x0 - 0.02
    with scene.facing(np.array([x, 0, 1.0]), np.array([-1.0, 0, 0])):
        guard = upright(x, -1.15, 1.15, 0.48, 0.62)
        scene.patch(guard, (122, 120, 114))
        scene.patch(guard + np.array([0, 0, 0.30]), (46, 47, 49))
        detail.lamp_row(scene, x - 0.01, 0.80, 0.95, 0.62, 1.12, signals)
        scene.patch(upright(x - 0.01, -0.26, 0.26, 0.78, 0.90), (206, 200, 170))
        if rng.uniform() < 0.5:
            for k in range(8):
                y = -1.1 + k * 0.275
                stripe = upright(x - 0.01, y, y + 0.26, 0.49, 0.61)
                scene.patch(stripe, (190, 40, 34) if k % 2 else (214, 210, 200))
