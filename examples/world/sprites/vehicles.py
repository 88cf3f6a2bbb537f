"""Cars and vans: a body style, its paint and everything fixed to it."""

from __future__ import annotations

from functools import partial

import numpy as np

from . import vehicle_details as detail
from .body import STYLES, Body
from .mesh import Array, box, level
from .palette import paint
from .shapes import Scene
from .vehicle_details import EndFace, Signals
from .view import Light

_CARS = ("sedan", "hatchback", "suv", "estate", "minivan", "pickup", "taxi")
_CAR_SHARE = (0.28, 0.20, 0.26, 0.08, 0.07, 0.08, 0.03)
_VANS = ("panel_van", "small_van", "minibus")


def car(rng: np.random.Generator, colour: str, px_per_m: float, signals: Signals) -> Scene:
    """A passenger car."""
    name = str(rng.choice(_CARS, p=_CAR_SHARE))
    taxi = name == "taxi" or (colour == "yellow" and rng.uniform() < 0.5)
    name = ("sedan", "suv", "minivan")[rng.integers(3)] if name == "taxi" else name
    body = Body(STYLES[name], tuple(rng.uniform(0.95, 1.05, 3)))
    scene = Scene(body.length, 2 * body.half, Light.draw(rng), px_per_m)
    base = paint(colour, rng)
    draw_body(scene, body, base, signals, rng)
    if taxi:
        x = (body.cabin[1] + body.cabin[2]) / 2
        sign = box(x - 0.1, x + 0.1, 0.32, body.height - 0.01, body.height + 0.14, 0.03)
        scene.mesh(sign, (226, 214, 150))
    if name == "pickup":
        _bed(scene, body, base)
    return scene


def van(rng: np.random.Generator, colour: str, px_per_m: float, signals: Signals) -> Scene:
    """A van or minibus."""
    name = str(rng.choice(_VANS, p=(0.5, 0.3, 0.2)))
    body = Body(STYLES[name], tuple(rng.uniform(0.94, 1.06, 3)))
    scene = Scene(body.length, 2 * body.half, Light.draw(rng), px_per_m)
    base = paint(colour, rng)
    draw_body(scene, body, base, signals, rng)
    if rng.uniform() < 0.3:
        _roof_rack(scene, body)
    if rng.uniform() < 0.4 and name != "minibus":
        _lettering(scene, body, rng)
    return scene


def draw_body(scene: Scene, body: Body, base: Array, signals: Signals, rng: np.random.Generator,
              wheels: bool = True) -> None:  # fmt: skip
    """A whole car-like body from the ground up, painted back to front."""
    style = body.style
    rim = np.array([128.0, 131, 135]) * rng.uniform(0.45, 1.25)
    axles = [body.x(a) for a in style.axles]
    if wheels:
        half, r = body.half, style.wheel
        detail.under(scene, body.rear + 0.1, body.rear + body.length - 0.1, half, style.clearance)
        scene.order(
            [
                (np.array([x, side * half, 0.3]), 0.0,
                 partial(detail.tyre, scene, x, half * 0.97, r, side))
                for side in (1, -1) for x in axles
            ]
        )  # fmt: skip
    detail.mirrors(scene, body, base, far=True)
    gloss = rng.uniform(0.55, 1.0)
    shell = body.shell()
    near_road = 0.62 + 0.38 * np.clip(shell[:, 0, 2] / 0.75, 0, 1)
    scene.mesh(shell, base * near_road[:, None], gloss)
    scene.mesh(body.greenhouse(), base, gloss)
    _windows(scene, body, base, rng)
    two = rng.uniform() < 0.15
    doors = [0.70] if two or len(style.pillars) < 3 else [0.43, 0.69]
    if style.wheel < 0.45 and scene.px_per_m > 22:
        detail.side_lines(scene, body, [body.x(d) for d in doors], base)
    if wheels:
        for x in axles:
            for side in (1, -1):
                detail.arch(scene, body, x, style.wheel, side)
                detail.wheel(scene, x, body.half * 0.985, style.wheel, side, rim)
    _rear_face(scene, body, base, signals, rng)
    _front_face(scene, body, base, signals, rng)
    detail.mirrors(scene, body, base, far=False)


def _windows(scene: Scene, body: Body, base: Array, rng: np.random.Generator) -> None:
    style = body.style
    slope = body.cabin[1] - body.cabin[0]
    rise = body.height - float(body.shoulder(body.cabin[0]))
    lean = (0.9 - style.roof_width) * body.half / rise
    pad = 0.022
    edges: list[float] = []
    for s0, s1 in zip(style.pillars[:-1], style.pillars[1:], strict=True):
        lo, hi = s0 + (0.05 if s0 == 0.0 else pad), s1 - (0.035 if s1 == 1.0 else pad)
        edges += [lo, hi, hi, lo]
    height = np.tile([0.07, 0.07, 0.84, 0.84], len(edges) // 4)
    for side in (1, -1):
        panes = body.on_cabin_side(np.array(edges), height, side).reshape(-1, 4, 3)
        for pane in panes:
            detail.glass(scene, pane, np.array([0.0, side, lean]), rng, 3)
    r = 0.86 if style.roof_width < 0.85 else 0.84
    low = style.glass_low
    back = np.array([-1.0, 0.0, slope / rise])
    halves = ((-r, -0.05), (0.05, r)) if style.split_rear else ((-r, r),)
    blind = style.split_rear and rng.uniform() < 0.35
    for a0, a1 in halves:
        if style.wheel > 0.45 or blind:
            break
        pane = body.on_cabin_end([a1, a0, a0, a1], [low, low, 0.84, 0.84], -1)
        detail.glass(scene, pane, back, rng, 5)
        if not style.split_rear:
            with scene.facing(pane, back):
                _heads(scene, body, -1, (-0.5, 0.5))
    rise = body.height - float(body.shoulder(body.cabin[3]))
    front = np.array([1.0, 0.0, (body.cabin[3] - body.cabin[2]) / rise])
    pane = body.on_cabin_end([-0.92, 0.92, 0.90, -0.90], [0.04, 0.04, 0.88, 0.88], 1)
    people = (-0.5, 0.5) if rng.uniform() < 0.4 else (0.5,)
    detail.glass(scene, pane, front, rng, 5)
    with scene.facing(pane, front):
        _heads(scene, body, 1, people)


def _heads(scene: Scene, body: Body, end: int, places: tuple[float, ...]) -> None:
    """Seats and people as darker shapes behind the glass."""
    t = np.array([0.08, 0.30, 0.44, 0.50, 0.44, 0.30, 0.08])
    for a in places:
        across = a + np.array([-0.17, -0.15, -0.09, 0.0, 0.09, 0.15, 0.17])
        scene.patch(body.on_cabin_end(across, t, end), (27, 28, 31))


def _rear_face(scene: Scene, body: Body, base: Array, signals: Signals,
               rng: np.random.Generator) -> None:  # fmt: skip
    if body.style.wheel > 0.45:
        return
    face = EndFace(scene, body, -1)
    low, deck = body.style.clearance + 0.08, float(body.shoulder(body.rear))
    tall = deck - low
    black = base * 0.08 + 18
    face.add((-0.86, low, 0.86, low + 0.16 * tall), black, r=0.2)
    face.add((-0.84, low + 0.40 * tall, 0.84, low + 0.42 * tall), base * 0.4, r=0.1)
    if body.style.split_rear:
        seam = body.on_end([0, 0], [low + 0.2 * tall, deck], -1)
        with scene.facing(seam, np.array([-1.0, 0, 0])):
            line = np.concatenate([seam, body.on_cabin_end([0, 0], [0.1, 0.95], -1)])
            scene.stroke(line, 0.02, base * 0.35)
    z = low + (0.62 if rng.uniform() < 0.7 else 0.27) * tall
    detail.plate(face, z, rng)
    if body.style.split_rear or rng.uniform() < 0.2:
        place = (0.80, low + 0.45 * tall, 0.955, low + 0.98 * tall)
    else:
        inner = rng.uniform(0.48, 0.68)
        foot = rng.uniform(0.55, 0.64)
        place = (inner, low + foot * tall, 0.955, low + (foot + rng.uniform(0.20, 0.32)) * tall)
    detail.tail_lamps(face, signals, rng, place)
    if rng.uniform() < 0.8 and signals.braking:
        bar = body.on_cabin_end([-0.2, 0.2, 0.2, -0.2], [0.86, 0.86, 0.92, 0.92], -1)
        scene.patch(bar, (255, 70, 56), normal=np.array([-1.0, 0, 0.3]), emissive=1.0)
    for a in ((-0.6,), (0.6,), (-0.6, 0.6))[rng.integers(3)]:
        face.add((a - 0.07, low + 0.02, a + 0.07, low + 0.07), np.array([92.0, 92, 94]))
    face.flush()


def _front_face(scene: Scene, body: Body, base: Array, signals: Signals,
                rng: np.random.Generator) -> None:  # fmt: skip
    low, nose = body.style.clearance + 0.05, float(body.shoulder(body.rear + body.length))
    tall = nose - low
    dark = np.array([22.0, 22, 24])
    face = EndFace(scene, body, 1)
    face.add((-0.72, low + 0.02 * tall, 0.72, low + 0.30 * tall), dark, r=0.35)
    heavy = body.style.wheel > 0.45
    wide, foot, trim = rng.uniform([0.34, 0.42, 0.0], [0.58, 0.70, 1.0]).tolist()
    grille = (-wide, low + foot * tall, wide, low + 0.88 * tall)
    if heavy:
        grille = (-0.78, low + 0.55 * tall, 0.78, low + rng.uniform(0.75, 0.95) * tall)
    frame = np.array([150.0, 152, 156]) if trim < 0.4 else base * (0.35 + 0.4 * trim)
    face.add(grille, frame * 0.9, r=0.2)
    a0, z0, a1, z1 = grille
    face.add((a0 * 0.95, z0 + 0.025, a1 * 0.95, z1 - 0.025), dark, r=0.2)
    middle = (z0 + z1) / 2
    if trim < 0.7:
        face.add((a0 * 0.9, middle - 0.012, a1 * 0.9, middle + 0.012), dark * 3.2, r=0.1)
    if not heavy:
        face.add((-0.09, middle - 0.035, 0.09, middle + 0.035), np.array([176.0, 178, 182]), r=0.4)
    detail.plate(face, low + 0.34 * tall, rng)
    top = 0.45 if heavy else 0.93
    foot = low + (top - rng.uniform(0.2, 0.3)) * tall
    detail.head_lamps(face, signals, rng, (max(wide + 0.05, 0.5), foot, 0.93, low + top * tall))
    face.flush()


def _bed(scene: Scene, body: Body, base: Array) -> None:
    """The open load bed of a pickup, seen when the camera is above its rim."""
    x0, x1 = body.rear + 0.25, body.cabin[0] - 0.05
    w, z = body.half * 0.80, float(body.shoulder(body.rear)) + 0.015
    scene.patch(level(x0, x1, w, z), base * 0.12 + 14, normal=np.array([0, 0, 1.0]))


def _roof_rack(scene: Scene, body: Body) -> None:
    z = body.height + 0.12
    w = body.half * 0.75
    for x in np.linspace(body.cabin[1] + 0.3, body.cabin[2] - 0.4, 3):
        bar = [[x, w, z - 0.14], [x, w, z], [x, -w, z], [x, -w, z - 0.14]]
        scene.stroke(np.array(bar), 0.05, (96, 98, 100))
    for y in (-0.4, -0.2):
        rail = [[body.cabin[1] - 0.1, y, z + 0.03], [body.cabin[2] - 0.2, y, z + 0.03]]
        scene.stroke(np.array(rail), 0.06, (158, 160, 160))


def _lettering(scene: Scene, body: Body, rng: np.random.Generator) -> None:
    ink = rng.uniform(20, 200, 3)
    rows = [(rng.uniform(0.45, 0.68), 0.52 - 0.26 * row) for row in range(rng.integers(1, 3))]
    for side in (1, -1):
        with scene.facing(np.array([0, side * body.half, 1.5]), np.array([0, side, 0.0])):
            for s1, t0 in rows:
                t = [t0, t0, t0 + 0.16, t0 + 0.16]
                scene.patch(body.on_cabin_side([0.15, s1, s1, 0.15], t, side), ink)
