"""Upright things at the roadside: trees, lamps, traffic lights, signs, rails, houses, bridges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from examples.world.camera import Camera
from examples.world.canvas import Canvas
from examples.world.plan import ScenePlan
from examples.world.scene import SEM
from examples.world.scenery.banks import tree
from examples.world.scenery.structures import paint_bridge, paint_house, paint_rail, paint_wires

Paint = Callable[[Canvas, Camera], None]
SIGNALS = ((255, 40, 30), (255, 40, 30), (255, 170, 40), (60, 255, 150))


@dataclass
class Furniture:
    """Things to paint by depth, and the lamps among them: (x_m, y_m, z_m, rgb, strength)."""

    items: list[tuple[float, Paint]] = field(default_factory=list)
    lamps: list[tuple[float, float, float, tuple[int, int, int], float]] = field(
        default_factory=list
    )


def place_furniture(plan: ScenePlan) -> Furniture:
    """Draws what stands along the road; nothing is painted yet."""
    rng, out = plan.rng("furniture"), Furniture()
    kind = plan.road.kind
    left, right = plan.road.edges_m
    if rng.random() < {"motorway": 0.5, "rural": 0.7, "suburb": 0.9}.get(kind, 0.6):
        _trees(plan, out, rng, left, right)
    if kind != "rural" or rng.random() < 0.5:
        _lamps(plan, out, rng, left, right)
    if kind == "junction" or (plan.road.crosswalk_z and rng.random() < 0.5):
        _signals(plan, out, rng, left, right)
    _signs(plan, out, rng, left, right)
    if kind == "suburb":
        _houses(plan, out, rng, left, right)
    if kind == "motorway" or (kind == "rural" and rng.random() < 0.4):
        _rails(plan, out, rng, left, right)
    if kind in ("street", "suburb", "rural") and rng.random() < 0.4:
        edge = right + 1.0 if rng.random() < 0.5 else left - 1.0
        seed = int(rng.integers(0, 2**31))
        out.items.append((60.0, lambda c, k: paint_wires(c, k, edge, seed)))
    if kind in ("motorway", "avenue") and rng.random() < 0.18:
        z = rng.uniform(35, 90)
        seed = int(rng.integers(0, 2**31))
        out.items.append((z, lambda c, k: paint_bridge(c, k, z, seed)))
    return out


def _trees(plan: ScenePlan, out: Furniture, rng: np.random.Generator, left: float,
           right: float) -> None:  # fmt: skip
    bare = plan.road.snow or rng.random() < 0.08
    gap = rng.uniform(5, 22)
    urban = plan.road.kind in ("street", "avenue", "junction")
    tone = rng.uniform(0.55, 1.1)
    autumn = rng.random() < 0.12
    for side, edge in ((-1, left), (1, right)):
        z = rng.uniform(3, 16)
        while z < 90 and rng.random() < 0.93:
            reach = max(plan.road.sidewalk_m * 0.6, 0.8) if urban else rng.uniform(1.5, 9)
            index = int(rng.integers(14, 18)) if bare else int(rng.integers(0, 14))
            tint = tone * rng.uniform(0.85, 1.15) * np.array((1.0, 1.0, 1.0))
            if autumn and rng.random() < 0.6:
                tint = tint * np.array((1.6, 1.0, 0.5))
            tall, flip = rng.uniform(4.5, 11), rng.random() < 0.5
            spot = (edge + side * (reach + 0.3), z)
            out.items.append((z, _tree(index, spot, tall, tint, flip)))
            z += gap * rng.uniform(0.5, 1.5)


def _tree(index: int, spot: tuple[float, float], tall: float, tint: np.ndarray,
          flip: bool) -> Paint:  # fmt: skip
    def paint(canvas: Canvas, camera: Camera) -> None:
        u, v = camera.point(spot[0], 0.0, spot[1])
        size = int(tall * camera.focal / spot[1])
        if size < 3 or u + size / 2 < 0 or u - size / 2 > canvas.width or size > 6000:
            return
        x, y = int(u - size / 2), int(v - size)
        area = canvas.clip(x, y, size, size)
        if area is None:
            return
        x0, y0, x1, y1 = area
        if canvas.hidden(area, spot[1]):
            return
        picture = tree(index, min(3, max(0, int(np.log2(256 / size)))), flip)
        grow = picture.shape[0] / size
        matrix = np.array([[grow, 0, (x0 - x) * grow], [0, grow, (y0 - y) * grow]])
        big = cv2.warpAffine(picture, matrix, (x1 - x0, y1 - y0),
                             flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)  # fmt: skip
        left, top, w, h = cv2.boundingRect(cv2.extractChannel(big, 3))
        if w == 0:
            return
        big = cv2.multiply(big[top : top + h, left : left + w], (*tint.tolist(), 1.0))
        canvas.paste(big, x0 + left, y0 + top, spot[1], "vegetation")

    return paint


def _bar(canvas: Canvas, camera: Camera, x: float, z: float, low: float, high: float,
         wide: float, colour: tuple[float, ...], sem: str = "pole") -> None:  # fmt: skip
    """An upright rectangle that faces us; hidden where something nearer stands."""
    u, v0 = camera.point(x, low, z)
    _, v1 = camera.point(x, high, z)
    half = max(wide * camera.focal / z / 2, 0.5)
    area = canvas.clip(round(float(u) - half), int(v1), max(1, round(2 * half)),
                       max(1, int(v0 - v1)))  # fmt: skip
    if area is None:
        return
    x0, y0, x1, y1 = area
    open_ = canvas.depth[y0:y1, x0:x1] > z - 1
    if not open_.any():
        return
    where = ... if open_.all() else open_
    canvas.rgb[y0:y1, x0:x1][where] = [min(c, 255.0) for c in colour]
    canvas.glow[y0:y1, x0:x1][where] = 0
    canvas.sem[y0:y1, x0:x1][where] = SEM[sem]
    canvas.inst[y0:y1, x0:x1][where] = 0
    canvas.depth[y0:y1, x0:x1][where] = z


def _disc(canvas: Canvas, camera: Camera, x: float, y: float, z: float, radius: float,
          colour: tuple[int, int, int]) -> None:  # fmt: skip
    """A glowing disc."""
    u, v = camera.point(x, y, z)
    r = max(radius * camera.focal / z, 0.7)
    spot = (int(u * 16), int(v * 16))
    if 0 <= u < canvas.width and 0 <= v < canvas.height and canvas.depth[int(v), int(u)] > z - 1:
        cv2.circle(canvas.glow, spot, int(r * 16), colour, -1, cv2.LINE_AA, 4)


def _lamps(plan: ScenePlan, out: Furniture, rng: np.random.Generator, left: float,
           right: float) -> None:  # fmt: skip
    tall, gap, arm = rng.uniform(5, 10), rng.uniform(18, 40), rng.uniform(0.5, 2.5)
    colour = ((255, 190, 110), (255, 225, 180), (235, 240, 255))[int(rng.integers(0, 3))]
    lit = plan.look.time_of_day == "night" or (plan.look.time_of_day == "dusk" and arm > 1.2)
    grey = rng.uniform(50, 140)
    sides = ((-1, left), (1, right)) if rng.random() < 0.6 else ((1, right),)
    for side, edge in sides:
        z = rng.uniform(6, 28)
        while z < 130:
            x = edge + side * 0.7
            out.items.append((z, _lamp(x, z, tall, -side * arm, grey, colour if lit else None)))
            if lit:
                out.lamps.append((x - side * arm, tall, z, colour, 1.0))
            z += gap


def _lamp(x: float, z: float, tall: float, arm: float, grey: float,
          colour: tuple[int, int, int] | None) -> Paint:  # fmt: skip
    def paint(canvas: Canvas, camera: Camera) -> None:
        tone = (grey, grey, grey)
        _bar(canvas, camera, x, z, 0, tall, 0.16, tone)
        a = camera.point(x, tall, z)
        b = camera.point(x + arm, tall + 0.2, z)
        wide = max(1, int(0.1 * camera.focal / z))
        ends = [(int(p[0]), int(p[1])) for p in (a, b)]
        cv2.line(canvas.rgb, ends[0], ends[1], tone, wide, cv2.LINE_AA)
        if colour is not None:
            _disc(canvas, camera, x + arm, tall + 0.1, z, 0.22, colour)

    return paint


def _signals(plan: ScenePlan, out: Furniture, rng: np.random.Generator, left: float,
             right: float) -> None:  # fmt: skip
    at = plan.road.junction_z or plan.road.crosswalk_z or 12.0
    light = SIGNALS[int(rng.integers(0, 4))]
    far = rng.random() < 0.5
    body = (30.0, 30.0, 30.0) if rng.random() < 0.6 else (200.0, 160.0, 30.0)
    for x, z in ((right + 0.6, at), (left - 0.6, at + 1), (right + 0.6, at + 14)):
        if rng.random() < 0.8:
            out.items.append((z, _signal(x, 2.6, z, light, body, 0.0)))
    if far:
        out.items.append((at + 15, _signal(right * 0.2, 5.2, at + 15, light, body, right + 0.6)))


def _signal(x: float, y: float, z: float, light: tuple[int, int, int],
            body: tuple[float, ...], mast: float) -> Paint:  # fmt: skip
    def paint(canvas: Canvas, camera: Camera) -> None:
        post = mast or x
        _bar(canvas, camera, post, z, 0, y + 0.2, 0.14, (60.0, 62.0, 62.0))
        if mast:
            ends = [camera.point(px, y + 0.7, z) for px in (mast, x)]
            points = [(int(p[0]), int(p[1])) for p in ends]
            wide = max(1, int(0.1 * camera.focal / z))
            cv2.line(canvas.rgb, points[0], points[1], (60, 62, 62), wide, cv2.LINE_AA)
        _bar(canvas, camera, x, z, y - 0.1, y + 0.9, 0.34, body)
        order = {255: 0.72, 60: 0.1}.get(light[0], 0.4) if light[1] != 170 else 0.42
        _disc(canvas, camera, x, y + order, z, 0.12, light)

    return paint


def _signs(plan: ScenePlan, out: Furniture, rng: np.random.Generator, left: float,
           right: float) -> None:  # fmt: skip
    motorway = plan.road.kind == "motorway"
    for _ in range(int(rng.integers(0, 5))):
        edge = right + rng.uniform(0.4, 1.5) if rng.random() < 0.7 else left - rng.uniform(0.4, 1.5)
        z = rng.uniform(7, 60)
        face = ((200, 30, 30), (30, 80, 170), (20, 110, 70), (235, 235, 230), (240, 200, 40))[
            int(rng.integers(0, 5))
        ]
        size = rng.uniform(0.5, 0.9) * (2.5 if motorway else 1)
        out.items.append((z, _sign(edge, z, rng.uniform(1.9, 2.8), size, face, rng.random())))


def _sign(x: float, z: float, y: float, size: float, face: tuple[int, int, int],
          shape: float) -> Paint:  # fmt: skip
    def paint(canvas: Canvas, camera: Camera) -> None:
        _bar(canvas, camera, x, z, 0, y, 0.07, (125.0, 127.0, 128.0))
        u, v = camera.point(x, y, z)
        r = size * camera.focal / z / 2
        inside = 0 <= u < canvas.width and 0 <= v < canvas.height
        if r < 1 or not inside or canvas.depth[int(v), int(u)] < z - 1:
            return
        sides = 3 if shape < 0.25 else 4 if shape < 0.55 else 20
        turn = np.arange(sides) / sides * 2 * np.pi + (np.pi / 4 if sides == 4 else -np.pi / 2)
        ring = np.stack([u + r * np.cos(turn), v + r * np.sin(turn)], 1)
        canvas.polygon(ring, face, "pole")
        centre = np.array([u, v])
        ink = (240.0, 240.0, 238.0) if sum(face) < 500 else (40.0, 40.0, 40.0)
        canvas.polygon(centre + (ring - centre) * 0.6, ink, None, 0.85)
        canvas.polygon(centre + (ring - centre) * np.array([0.4, 0.18]), face, None, 0.8)

    return paint


def _houses(plan: ScenePlan, out: Furniture, rng: np.random.Generator, left: float,
            right: float) -> None:  # fmt: skip
    for side, edge in ((-1, left), (1, right)):
        z = rng.uniform(9, 22)
        while z < 100:
            x = edge + side * (plan.road.sidewalk_m + plan.road.setback_m + rng.uniform(2, 7))
            seed = int(rng.integers(0, 2**31))
            night = plan.look.time_of_day in ("night", "dusk")
            out.items.append((z + 0.0, _house(x, z, seed, night)))
            z += rng.uniform(9, 20)


def _house(x: float, z: float, seed: int, night: bool) -> Paint:
    return lambda canvas, camera: paint_house(canvas, camera, x, z, seed, night)


def _rails(plan: ScenePlan, out: Furniture, rng: np.random.Generator, left: float,
           right: float) -> None:  # fmt: skip
    concrete = rng.random() < 0.4
    spots = [right + 0.6, left - 0.6]
    if plan.road.median_m > 1:
        spots.append(-plan.road.side * (plan.road.centre_m + plan.road.median_m / 2))
    for x in spots:
        if rng.random() < 0.85:
            out.items.append((100.0, _rail(float(x), concrete)))


def _rail(x: float, concrete: bool) -> Paint:
    return lambda canvas, camera: paint_rail(canvas, camera, x, concrete)
