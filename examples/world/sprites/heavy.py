"""Trucks and buses: boxes, tanks, drums and cranes behind a cab, and long glazed boxes."""

from __future__ import annotations

import numpy as np

from . import vehicle_details as detail
from .body import STYLES, Body
from .mesh import Array, box, hull, tube
from .palette import any_cloth, paint
from .shapes import Light, Scene
from .vehicle_details import Signals
from .vehicles import draw_body

_LOADS = ("box", "lorry", "tanker", "mixer", "crane", "flatbed", "tipper")
_LOAD_SHARE = (0.34, 0.24, 0.10, 0.10, 0.06, 0.08, 0.08)
_STEEL = np.array([58.0, 60, 63])


def truck(view_of, rng: np.random.Generator, colour: str, signals: Signals) -> Scene:
    """A lorry with one of several loads; `colour` paints the cab and often the load."""
    load = str(rng.choice(_LOADS, p=_LOAD_SHARE))
    cab_style = STYLES["bonnet_cab" if rng.uniform() < 0.2 else "truck_cab"]
    bed = {"lorry": rng.uniform(7.5, 11.0), "tanker": rng.uniform(6.0, 9.0)}.get(
        load, rng.uniform(4.2, 6.5)
    )
    gap = 0.25
    total = bed + gap + cab_style.length
    scene = Scene(view_of(total, 2.45), Light.draw(rng))
    cab = Body(cab_style, (1.0, 1.0, rng.uniform(0.9, 1.08)), (total - cab_style.length) / 2)
    base = paint(colour, rng)
    cargo = (
        base
        if rng.uniform() < 0.45
        else paint(str(rng.choice(["white", "silver", "grey", "blue"])), rng)
    )
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

    away = scene.depth(np.array([cab.rear, 0, 0])) > scene.depth(np.array([x1, 0, 0]))
    for draw in (drive, load_up) if away else (load_up, drive):
        draw()
    _wheels(scene, _rear_axles(x0, bed))
    return scene


def _rear_axles(x0: float, bed: float) -> list[float]:
    return [x0 + 0.2 * bed + k * 1.15 for k in range(2 if bed > 5 else 1)] + (
        [x0 + 0.75 * bed] if bed > 8 else []
    )


def _chassis(scene: Scene, x0: float, x1: float, bed: float, cab: Body, rng) -> None:
    detail.under(scene, x0, x1, 1.2, 0.7)
    tyres = [(s, x) for s in (1, -1) for x in [*_rear_axles(x0, bed), cab.x(0.62)]]
    for side, x in sorted(tyres, key=lambda p: -scene.depth(np.array([p[1], p[0] * 1.2, 0.5]))):
        detail.tyre(scene, x, 1.17, 0.5, side, 0.5 if x < cab.rear else 0.3)
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
        scene.mesh(
            tube(centres, np.stack([1.15 * r, 0.92 * r], axis=1), 16, np.array([0.01, 0, 1.0])),
            tint,
            0.7,
        )
    elif load == "mixer":
        scene.mesh(box(x0 + 0.2, x1, 1.0, 0.95, 1.25, 0.03), _STEEL)
        centres = np.array(
            [
                [x0 - 0.1, 0, 2.75],
                [x0 + 0.7, 0, 2.55],
                [x0 + 1.9, 0, 2.3],
                [x1 - 1.3, 0, 2.05],
                [x1 - 0.4, 0, 1.9],
            ]
        )
        quads = tube(centres, np.array([0.5, 0.85, 1.18, 1.1, 0.6]), 16, np.array([0.01, 0, 1.0]))
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
    else:
        high = 1.5 if load == "flatbed" else 2.2
        scene.mesh(box(x0, x1, 1.2, 1.0, 1.2 if load == "flatbed" else high, 0.03), tint, 0.1)
        if load == "flatbed":
            scene.mesh(
                box(x0 + 0.5, x1 - 0.6, 1.0, 1.2, rng.uniform(1.6, 2.4), 0.08), any_cloth(rng)
            )
        else:
            scene.mesh(
                tube(
                    np.array(
                        [
                            [x0 + 0.5, 0, high],
                            [x0 + 0.5 * (x1 - x0), 0, high + 0.4],
                            [x1 - 0.5, 0, high],
                        ]
                    ),
                    np.array([0.5, 0.95, 0.5]),
                    8,
                ),
                (128, 112, 92),
            )


def _box_marks(scene: Scene, x0: float, x1: float, top: float, tint: Array, rng) -> None:
    """Door seams, hinges and lettering on a cargo box."""
    back = np.array([-1.0, 0, 0])
    x = x0 - 0.01
    if scene.faces(np.array([x, 0, 2.0]), back):
        scene.stroke(np.array([[x, 0, 1.05], [x, 0, top - 0.08]]), 0.035, tint * 0.4)
        for y in (-0.85, -0.3, 0.3, 0.85):
            scene.stroke(np.array([[x, y, 1.1], [x, y, top - 0.15]]), 0.03, tint * 0.7 + 20)
        frame = np.array(
            [[x, -1.18, 1.03], [x, -1.18, top - 0.05], [x, 1.18, top - 0.05], [x, 1.18, 1.03]]
        )
        scene.stroke(frame, 0.05, tint * 0.62, closed=True)
    if rng.uniform() < 0.55:
        ink = any_cloth(rng)
        z0, z1 = 1.0 + 0.45 * (top - 1.0), 1.0 + 0.72 * (top - 1.0)
        a, b = x0 + 0.12 * (x1 - x0), x0 + rng.uniform(0.5, 0.85) * (x1 - x0)
        for side in (1, -1):
            logo = np.array(
                [
                    [a, side * 1.236, z0],
                    [b, side * 1.236, z0],
                    [b - 0.3, side * 1.236, z1],
                    [a, side * 1.236, z1],
                ]
            )
            scene.patch(logo, ink, normal=np.array([0.0, side, 0.0]))
        sign = np.array([[x, -0.8, z0], [x, 0.8, z0], [x, 0.8, z1], [x, -0.8, z1]])
        scene.patch(sign, ink, normal=back)


def _rear(scene: Scene, x0: float, signals: Signals, rng) -> None:
    """Lamps, plate and guard at the tail of a truck."""
    back = np.array([-1.0, 0, 0])
    x = x0 - 0.02
    if not scene.faces(np.array([x, 0, 1.0]), back):
        return
    guard = np.array([[x, -1.15, 0.48], [x, 1.15, 0.48], [x, 1.15, 0.62], [x, -1.15, 0.62]])
    scene.patch(guard, (122, 120, 114))
    beam = guard + [0, 0, 0.30]
    scene.patch(beam, (46, 47, 49))
    _lamp_row(scene, x - 0.01, 0.80, 0.95, 0.62, 1.12, signals)
    plate = np.array(
        [
            [x - 0.01, -0.26, 0.78],
            [x - 0.01, 0.26, 0.78],
            [x - 0.01, 0.26, 0.90],
            [x - 0.01, -0.26, 0.90],
        ]
    )
    scene.patch(plate, (206, 200, 170))
    if rng.uniform() < 0.5:
        for k in range(8):
            y = -1.1 + k * 0.275
            stripe = np.array(
                [
                    [x - 0.01, y, 0.49],
                    [x - 0.01, y + 0.26, 0.49],
                    [x - 0.01, y + 0.26, 0.61],
                    [x - 0.01, y, 0.61],
                ]
            )
            scene.patch(stripe, (190, 40, 34) if k % 2 else (214, 210, 200))


def _lamp_row(
    scene: Scene, x: float, z0: float, z1: float, y0: float, y1: float, signals: Signals
) -> None:
    lit = signals.braking or signals.lights_on
    red = (
        np.array([255.0, 54, 44])
        if signals.braking
        else np.array([206.0, 28, 28])
        if lit
        else np.array([136.0, 20, 22])
    )
    glow = 1.0 if signals.braking else 0.5 * signals.lights_on
    mid = y0 + 0.62 * (y1 - y0)
    for side, name in ((1, "left"), (-1, "right")):
        on = signals.indicating in (name, "both")
        for a, b, colour, shine in (
            (y0, mid, red, glow), (mid + 0.02, y1, np.array([255.0, 160, 36]) if on else np.array([176.0, 92, 34]), 0.95 * on),
        ):  # fmt: skip
            lamp = np.array(
                [[x, side * a, z0], [x, side * b, z0], [x, side * b, z1], [x, side * a, z1]]
            )
            scene.patch(lamp, colour, normal=np.array([-1.0, 0, 0]), emissive=shine)


def bus(view_of, rng: np.random.Generator, colour: str, signals: Signals) -> Scene:
    """A city bus or a coach."""
    coach = rng.uniform() < 0.35
    long, high = rng.uniform(9.5, 12.2), rng.uniform(3.3, 3.7) if coach else rng.uniform(2.9, 3.2)
    scene = Scene(view_of(long, 2.55), Light.draw(rng))
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
    _bus_sides(scene, x0, x1, high, axles, base, rng)
    _bus_front(scene, x1 + 0.01, high, signals, rng)
    _bus_rear(scene, x0 - 0.01, high, signals, rng)
    return scene


def _pane(scene: Scene, points: list, normal: list, rng, bands: int = 3) -> bool:
    return detail.glass(
        scene, np.array(points, dtype=float), np.array(normal, dtype=float), rng, bands
    )


def _bus_sides(
    scene: Scene, x0: float, x1: float, high: float, axles: list, base: Array, rng
) -> None:
    z0, z1 = 0.42 * high, 0.85 * high
    n = 7
    for side in (1, -1):
        y = side * 1.277
        if not scene.faces(np.array([0, y, 1.5]), np.array([0.0, side, 0])):
            continue
        for i in range(n):
            a = x0 + 0.3 + (x1 - x0 - 0.5) * i / n
            b = x0 + 0.3 + (x1 - x0 - 0.5) * (i + 1) / n - 0.09
            door = side < 0 and i in (n - 1, n // 2)
            foot = 0.45 if door else z0
            _pane(scene, [[a, y, foot], [b, y, foot], [b, y, z1], [a, y, z1]], [0, side, 0.02], rng)
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
    _pane(
        scene,
        [[x, -1.1, z0], [x, 1.1, z0], [x - 0.05, 1.1, z1], [x - 0.05, -1.1, z1]],
        [1, 0, 0.05],
        rng,
        5,
    )
    sign = np.array(
        [
            [x - 0.04, -0.9, z1 + 0.03],
            [x - 0.04, 0.9, z1 + 0.03],
            [x - 0.05, 0.9, z1 + 0.26],
            [x - 0.05, -0.9, z1 + 0.26],
        ]
    )
    scene.patch(sign, (22, 22, 24), normal=front)
    text = sign * [1, 0.6, 1] + [0.01, 0.1, 0]
    text[[0, 1], 2] += 0.06
    text[[2, 3], 2] -= 0.06
    scene.patch(text, (238, 160, 40), normal=front, emissive=0.45)
    for side, name in ((1, "left"), (-1, "right")):
        on = signals.indicating in (name, "both")
        lamp = np.array(
            [[x, side * a, z] for a, z in ((0.72, 0.62), (1.12, 0.62), (1.12, 0.82), (0.72, 0.82))]
        )
        scene.patch(
            lamp,
            (255, 252, 236) if signals.lights_on else (158, 162, 166),
            normal=front,
            emissive=1.0 * signals.lights_on,
        )
        if on:
            scene.patch(
                lamp + [0.005, side * 0.04, 0.2], (255, 160, 36), normal=front, emissive=0.95
            )
        arm = np.array(
            [
                [x, side * 1.15, z1],
                [x + 0.35, side * 1.35, z1 - 0.1],
                [x + 0.35, side * 1.38, z1 - 0.55],
            ]
        )
        scene.stroke(arm, 0.09, (34, 34, 36))
    grille = np.array([[x, -0.6, 0.45], [x, 0.6, 0.45], [x, 0.6, 0.62], [x, -0.6, 0.62]])
    scene.patch(grille, (40, 41, 43), normal=front)


def _bus_rear(scene: Scene, x: float, high: float, signals: Signals, rng) -> None:
    back = np.array([-1.0, 0, 0])
    z0, z1 = 0.52 * high, 0.82 * high
    _pane(
        scene,
        [[x, 0.95, z0], [x, -0.95, z0], [x + 0.05, -0.95, z1], [x + 0.05, 0.95, z1]],
        [-1, 0, 0.05],
        rng,
        4,
    )
    grille = np.array([[x, -0.7, 0.7], [x, 0.7, 0.7], [x, 0.7, 1.15], [x, -0.7, 1.15]])
    scene.patch(grille, (52, 53, 55), normal=back)
    plate = grille * [1, 0.36, 0.25] + [-0.005, 0, 0.32]
    scene.patch(plate, (206, 204, 196), normal=back)
    _lamp_row(scene, x - 0.005, 0.75, 1.05, 0.84, 1.18, signals)
