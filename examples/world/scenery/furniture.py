"""Upright things at the roadside: trees, lamps, traffic lights, signs, rails, houses, bridges."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from examples.world.camera import Camera
from examples.world.canvas import Canvas
from examples.world.plan import ScenePlan
from examples.world.scene import SEM
from examples.world.scenery.banks import tree
from examples.world.scenery.structures import paint_bridge, paint_house, paint_rail, paint_wires

Rgb = tuple[int, int, int]
SIGNALS = ((255, 40, 30), (255, 40, 30), (255, 170, 40), (60, 255, 150))
FACES = ((200, 30, 30), (30, 80, 170), (20, 110, 70), (235, 235, 230), (240, 200, 40))


class Furniture:
    """What stands along the road, drawn but not yet painted.

    items: (depth in m, painter of canvas and camera). lamps: (x_m, y_m, z_m, rgb, strength).
    """

    def __init__(self, plan: ScenePlan) -> None:
        self.plan, self.road = plan, plan.road
        self.items: list[tuple[float, Callable[[Canvas, Camera], None]]] = []
        self.lamps: list[tuple[float, float, float, Rgb, float]] = []
        self.urban = self.road.kind in ("street", "avenue", "junction")
        self.dark = plan.look.time_of_day in ("night", "dusk")
        left, right = self.road.edges_m
        self.sides = ((-1, left), (1, right))

    def add(self, z: float, paint: Callable[..., None], *where: object) -> None:
        """Something at depth `z` m; its painter also gets `where`."""
        self.items.append((z, lambda canvas, camera: paint(canvas, camera, *where)))

    def trees(self, rng: np.random.Generator) -> None:
        bare = self.road.snow or rng.random() < 0.08
        gap = rng.uniform(5, 22)
        tone = rng.uniform(0.55, 1.1)
        autumn = rng.random() < 0.12
        for side, edge in self.sides:
            z = rng.uniform(3, 16)
            while z < 90 and rng.random() < 0.93:
                wide = max(self.road.sidewalk_m * 0.6, 0.8)
                reach = wide if self.urban else rng.uniform(1.5, 9)
                index = int(rng.integers(14, 18)) if bare else int(rng.integers(0, 14))
                tint = tone * rng.uniform(0.85, 1.15) * np.array((1.0, 1.0, 1.0))
                if autumn and rng.random() < 0.6:
                    tint = tint * np.array((1.6, 1.0, 0.5))
                tall, flip = rng.uniform(4.5, 11), rng.random() < 0.5
                self.add(z, _tree, index, edge + side * (reach + 0.3), z, tall, tint, flip)
                z += gap * rng.uniform(0.5, 1.5)

    def street_lamps(self, rng: np.random.Generator) -> None:
        tall, gap, arm = rng.uniform(5, 10), rng.uniform(18, 40), rng.uniform(0.5, 2.5)
        colour = ((255, 190, 110), (255, 225, 180), (235, 240, 255))[int(rng.integers(0, 3))]
        time = self.plan.look.time_of_day
        lit = time == "night" or (time == "dusk" and arm > 1.2)
        grey = rng.uniform(50, 140)
        for side, edge in self.sides if rng.random() < 0.6 else self.sides[1:]:
            z = rng.uniform(6, 28)
            while z < 130:
                x = edge + side * 0.7
                self.add(z, _lamp, x, z, tall, -side * arm, grey, colour if lit else None)
                if lit:
                    self.lamps.append((x - side * arm, tall, z, colour, 1.0))
                z += gap

    def signals(self, rng: np.random.Generator) -> None:
        (_, left), (_, right) = self.sides
        at = self.road.junction_z or self.road.crosswalk_z or 12.0
        light = SIGNALS[int(rng.integers(0, 4))]
        far = rng.random() < 0.5
        body = (30.0, 30.0, 30.0) if rng.random() < 0.6 else (200.0, 160.0, 30.0)
        for x, z in ((right + 0.6, at), (left - 0.6, at + 1), (right + 0.6, at + 14)):
            if rng.random() < 0.8:
                self.add(z, _signal, x, 2.6, z, light, body, 0.0)
        if far:
            self.add(at + 15, _signal, right * 0.2, 5.2, at + 15, light, body, right + 0.6)

    def signs(self, rng: np.random.Generator) -> None:
        (_, left), (_, right) = self.sides
        grow = 2.5 if self.road.kind == "motorway" else 1
        for _ in range(int(rng.integers(0, 5))):
            on_right = rng.random() < 0.7
            x = right + rng.uniform(0.4, 1.5) if on_right else left - rng.uniform(0.4, 1.5)
            z = rng.uniform(7, 60)
            face = FACES[int(rng.integers(0, 5))]
            size = rng.uniform(0.5, 0.9) * grow
            self.add(z, _sign, x, z, rng.uniform(1.9, 2.8), size, face, rng.random())

    def houses(self, rng: np.random.Generator) -> None:
        for side, edge in self.sides:
            z = rng.uniform(9, 22)
            while z < 100:
                x = edge + side * (self.road.sidewalk_m + self.road.setback_m + rng.uniform(2, 7))
                self.add(z, paint_house, x, z, _seed(rng), self.dark)
                z += rng.uniform(9, 20)

    def rails(self, rng: np.random.Generator) -> None:
        concrete = rng.random() < 0.4
        (_, left), (_, right) = self.sides
        spots = [right + 0.6, left - 0.6]
        if self.road.median_m > 1:
            spots.append(-self.road.side * (self.road.centre_m + self.road.median_m / 2))
        for x in spots:
            if rng.random() < 0.85:
                self.add(100.0, paint_rail, float(x), concrete)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 2**31))


def place_furniture(plan: ScenePlan) -> Furniture:
    """Draws what stands along the road; nothing is painted yet."""
    rng, out = plan.rng("furniture"), Furniture(plan)
    kind = plan.road.kind
    left, right = plan.road.edges_m
    if rng.random() < {"motorway": 0.5, "rural": 0.7, "suburb": 0.9}.get(kind, 0.6):
        out.trees(rng)
    if kind != "rural" or rng.random() < 0.5:
        out.street_lamps(rng)
    if kind == "junction" or (plan.road.crosswalk_z and rng.random() < 0.5):
        out.signals(rng)
    out.signs(rng)
    if kind == "suburb":
        out.houses(rng)
    if kind == "motorway" or (kind == "rural" and rng.random() < 0.4):
        out.rails(rng)
    if kind in ("street", "suburb", "rural") and rng.random() < 0.4:
        edge = right + 1.0 if rng.random() < 0.5 else left - 1.0
        out.add(60.0, paint_wires, edge, _seed(rng))
    if kind in ("motorway", "avenue") and rng.random() < 0.18:
        z = rng.uniform(35, 90)
        out.add(z, paint_bridge, z, _seed(rng))
    return out


def _tree(canvas: Canvas, camera: Camera, index: int, x_m: float, z_m: float, tall: float,
          tint: np.ndarray, flip: bool) -> None:  # fmt: skip
    u, v = camera.point(x_m, 0.0, z_m)
    size = int(tall * camera.focal / z_m)
    if size < 3 or u + size / 2 < 0 or u - size / 2 > canvas.width or size > 6000:
        return
    x, y = int(u - size / 2), int(v - size)
    area = canvas.clip(x, y, size, size)
    if area is None or canvas.hidden(area, z_m):
        return
    x0, y0, x1, y1 = area
    image = tree(index, min(3, max(0, int(np.log2(256 / size)))), flip)
    grow = image.shape[0] / size
    matrix = np.array([[grow, 0, (x0 - x) * grow], [0, grow, (y0 - y) * grow]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    big = cv2.warpAffine(image, matrix, (x1 - x0, y1 - y0), flags=flags)
    left, top, w, h = cv2.boundingRect(cv2.extractChannel(big, 3))
    if w == 0:
        return
    big = cv2.multiply(big[top : top + h, left : left + w], (*tint.tolist(), 1.0))
    canvas.paste(big, x0 + left, y0 + top, z_m, "vegetation")


def _bar(canvas: Canvas, camera: Camera, x: float, z: float, low: float, high: float,
         wide: float, colour: tuple[float, ...]) -> None:  # fmt: skip
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
    canvas.sem[y0:y1, x0:x1][where] = SEM["pole"]
    canvas.glow[y0:y1, x0:x1][where] = 0
    canvas.inst[y0:y1, x0:x1][where] = 0
    canvas.depth[y0:y1, x0:x1][where] = z


def _arm(canvas: Canvas, a: tuple[float, float], b: tuple[float, float], colour: tuple[float, ...],
         wide: float) -> None:  # fmt: skip
    """A straight line between two pixels, `wide` px."""
    ends = [(int(u), int(v)) for u, v in (a, b)]
    cv2.line(canvas.rgb, *ends, colour, max(1, int(wide)), cv2.LINE_AA)


def _disc(canvas: Canvas, camera: Camera, x: float, y: float, z: float, radius: float,
          colour: Rgb) -> None:  # fmt: skip
    """A glowing disc."""
    u, v = camera.point(x, y, z)
    r = max(radius * camera.focal / z, 0.7)
    spot = (int(u * 16), int(v * 16))
    if 0 <= u < canvas.width and 0 <= v < canvas.height and canvas.depth[int(v), int(u)] > z - 1:
        cv2.circle(canvas.glow, spot, int(r * 16), colour, -1, cv2.LINE_AA, 4)


def _lamp(canvas: Canvas, camera: Camera, x: float, z: float, tall: float, arm: float,
          grey: float, colour: Rgb | None) -> None:  # fmt: skip
    tone = (grey, grey, grey)
    _bar(canvas, camera, x, z, 0, tall, 0.16, tone)
    head = camera.point(x + arm, tall + 0.2, z)
    _arm(canvas, camera.point(x, tall, z), head, tone, 0.1 * camera.focal / z)
    if colour is not None:
        _disc(canvas, camera, x + arm, tall + 0.1, z, 0.22, colour)


def _signal(canvas: Canvas, camera: Camera, x: float, y: float, z: float, light: Rgb,
            body: tuple[float, ...], mast: float) -> None:  # fmt: skip
    _bar(canvas, camera, mast or x, z, 0, y + 0.2, 0.14, (60.0, 62.0, 62.0))
    if mast:
        a, b = (camera.point(px, y + 0.7, z) for px in (mast, x))
        _arm(canvas, a, b, (60, 62, 62), 0.1 * camera.focal / z)
    _bar(canvas, camera, x, z, y - 0.1, y + 0.9, 0.34, body)
    order = {255: 0.72, 60: 0.1}.get(light[0], 0.4) if light[1] != 170 else 0.42
    _disc(canvas, camera, x, y + order, z, 0.12, light)


def _sign(canvas: Canvas, camera: Camera, x: float, z: float, y: float, size: float, face: Rgb,
          shape: float) -> None:  # fmt: skip
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
