"""Glass, wheels, lamps and plates painted on vehicle bodies. Knows nothing of whole vehicles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from .body import Body
from .mesh import Array, circle, level, rounded, upright
from .shapes import Scene

_AMBER = np.array([255.0, 160, 36])
_DARK = np.array([20.0, 21, 24])
_GLASS_TINT = np.array([0.92, 1.0, 1.06])
_ARCH_COS = np.cos(np.linspace(-0.25, np.pi + 0.25, 12))
_ARCH_SIN = np.sin(np.linspace(-0.25, np.pi + 0.25, 12))
_REAR = np.array([-1.0, 0, 0])
SIDES = ((1, "left"), (-1, "right"))
Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Signals:
    """What the lamps of a vehicle show."""

    braking: bool = False
    indicating: str | None = None  # "left", "right" (as the driver sees it) or "both"
    lights_on: bool = False

    def __post_init__(self) -> None:
        if self.indicating not in (None, "left", "right", "both"):
            raise ValueError(
                f"indicating is None, 'left', 'right' or 'both', not {self.indicating!r}"
            )

    def blinks(self, side: str) -> bool:
        """Whether the indicator on this side is lit."""
        return self.indicating in (side, "both")


def glass(scene: Scene, quad: Array, normal: Array, rng: np.random.Generator,
          bands: int = 4) -> None:  # fmt: skip
    """A pane with a reflection gradient; quad (4, 3): feet left, right, tops right, left."""
    bands = min(bands, 2 + int(scene.px_per_m / 40))
    shine = rng.uniform(size=3).tolist()
    sky = scene.light.sky
    tilt = max(float(normal[2]) / float(np.linalg.norm(normal)), 0.0)
    foot = _DARK + sky * (0.02 + 0.10 * shine[0])
    top = _DARK + sky * (0.03 + 0.22 * shine[1] + (0.1 + 0.5 * shine[2]) * tilt)
    pieces = (_band_weights(bands) @ quad).reshape(bands, 4, 3)
    with scene.facing(quad, normal):
        for i in range(bands):
            m = (i + 0.5) / bands
            scene.patch(pieces[i], (foot * (1 - m) + top * m) * _GLASS_TINT)


@lru_cache(maxsize=8)
def _band_weights(bands: int) -> Array:
    """Corner weights (4 bands, 4) that cut a pane into strips from foot to top."""
    out = np.zeros((bands, 4, 4))
    for i in range(bands):
        a, b = i / bands, (i + 1) / bands
        out[i] = [[1 - a, 0, 0, a], [0, 1 - a, a, 0], [0, 1 - b, b, 0], [1 - b, 0, 0, b]]
    return out.reshape(-1, 4)


def wheel(scene: Scene, x: float, half: float, radius: float, side: int, rng_rim: Array) -> None:
    """The outer face of a wheel at (x, side * half), when it can be seen."""
    centre = np.array([x, side * half, radius])
    normal = np.array([0.0, side, 0.0])
    with scene.facing(centre, normal):
        scene.patch(circle(centre, radius), (24, 24, 25))
        scene.patch(circle(centre, radius * 0.66), rng_rim * 0.55)
        scene.patch(circle(centre + normal * 0.004, radius * 0.58), rng_rim)
        for k in range(5 if scene.px_per_m > 40 else 0):
            a = 2 * np.pi * (k + 0.3) / 5
            c = centre + radius * 0.36 * np.array([np.cos(a), 0, np.sin(a)])
            scene.patch(circle(c, radius * 0.12, 6), rng_rim * 0.25)
        scene.patch(circle(centre, radius * 0.12, 8), rng_rim * 0.5)


def tyre(scene: Scene, x: float, half: float, radius: float, side: int,
         width: float = 0.22) -> None:  # fmt: skip
    """The rubber of a wheel as a dark cylinder, painted before the body covers it."""
    size, at = np.array([radius, width, radius]), np.array([x, side * half, radius])
    scene.mesh(_unit_tyre(side) * size + at, (26, 26, 28))
    scene.patch(circle(at - np.array([0.0, side * width, 0.0]), radius, 14), (17, 17, 18))


@lru_cache(maxsize=2)
def _unit_tyre(side: int) -> Array:
    """The tread of a wheel of radius 1 whose outer face lies at y = 0 (14, 4, 3)."""
    outer = circle(np.zeros(3), 1.0, 14)
    inner = outer - np.array([0.0, side, 0.0])
    quads = np.stack([outer, np.roll(outer, -1, 0), np.roll(inner, -1, 0), inner], axis=1)
    return quads if side > 0 else quads[:, ::-1]


def under(scene: Scene, x0: float, x1: float, half: float, z: float) -> None:
    """The dark space below a body: a ground shadow and the floor pan."""
    scene.patch(level(x0, x1, half, 0), (10, 10, 12), alpha=150, bounds=False)
    inner, low, high = half * 0.86, z * 0.55, z + 0.2
    walls = [(x, upright(x, inner, -inner, low, high)) for x in (x0 + 0.25, x1 - 0.25)]
    scene.order(
        (np.array([x, 0.0, 0.0]), 0.0, partial(scene.patch, wall, (14, 14, 15)))
        for x, wall in walls
    )


def arch(scene: Scene, body: Body, x: float, radius: float, side: int) -> None:
    """The dark wheel arch cut into the side skin."""
    r = radius * 1.17
    px = x + r * _ARCH_COS
    pz = np.maximum(radius + r * _ARCH_SIN, body.style.clearance - 0.02)
    hub, outward = np.array([x, side * body.half, radius]), np.array([0.0, side, 0.0])
    scene.patch(body.on_side(px, pz, side), (13, 13, 14), normal=outward, at=hub)


class EndFace:
    """Collects rounded patches on a front or rear, then places them on the skin in one go."""

    def __init__(self, scene: Scene, body: Body, end: int) -> None:
        self.scene, self.body, self.end = scene, body, end
        self._edge = body.rear + (body.length if end > 0 else 0.0)
        self._items: list[tuple[tuple[float, ...], Array, float, float, float]] = []

    def add(self, box: Place, colour: Array, *, emissive: float = 0.0, r: float = 0.25,
            lean: float = 0.0) -> None:  # fmt: skip
        """A patch (a0, z0, a1, z1), a as share of the half width; `lean` turns it sideways."""
        self._items.append((box, colour, emissive, r, lean))

    def flush(self) -> None:
        """Hand the patches to the scene in the order in which they came."""
        if not self._items:
            return
        ab = rounded(np.array([i[0] for i in self._items]), np.array([i[3] for i in self._items]))
        ab = ab.reshape(-1, 2)
        points = self.body.on_end(ab[:, 0], ab[:, 1], self.end).reshape(-1, 8, 3)
        for (box, colour, emissive, _, lean), patch in zip(self._items, points, strict=True):
            at = np.array([self._edge, (box[0] + box[2]) / 2 * self.body.half, box[1]])
            normal = np.array([float(self.end), lean, 0.0])
            self.scene.patch(patch, colour, normal=normal, at=at, emissive=emissive)


def tail_lamps(face: EndFace, signals: Signals, rng: np.random.Generator, place: Place) -> None:
    """Red lamps on both rear corners; place = (inner a, foot z, outer a, top z)."""
    a0, z0, a1, z1 = place
    off = np.array([132.0, 16, 20]) * rng.uniform(0.8, 1.1)
    lit, glow = off, 0.0
    if signals.lights_on:
        lit, glow = np.array([205.0, 26, 26]), 0.5
    if signals.braking:
        lit, glow = np.array([255.0, 56, 44]), 1.0
    for side, name in SIDES:
        lean = 0.45 * side
        face.add((side * a0, z0, side * a1, z1), off * 0.55, lean=lean)
        m, dz = 0.12 * (a1 - a0), 0.1 * (z1 - z0)
        inner = (side * (a0 + m), z0 + dz, side * (a1 - m), z1 - dz)
        face.add(inner, lit, emissive=glow, lean=lean)
        amber = signals.blinks(name)
        colour = np.array([255.0, 158, 34]) if amber else np.array([196.0, 170, 160])
        top = z1 - 2 * dz if amber else z0 + 0.32 * (z1 - z0)
        strip = (side * (a0 + 2 * m), z0 + dz * 1.5, side * (a1 - 2 * m), top)
        face.add(strip, colour, emissive=0.95 * amber, lean=lean)
        if signals.braking:
            zm, am = (z0 + z1) / 2, (a0 + a1) / 2
            core = (side * (am - 1.6 * m), zm, side * (am + 1.6 * m), z1 - 2 * dz)
            face.add(core, np.array([255.0, 176, 150]), emissive=1.0, lean=lean)


def head_lamps(face: EndFace, signals: Signals, rng: np.random.Generator, place: Place) -> None:
    """Head lamps on both front corners; place as for tail_lamps."""
    a0, z0, a1, z1 = place
    housing = np.array([150.0, 156, 162]) * rng.uniform(0.7, 1.1)
    lit = np.array([255.0, 252, 236]) if signals.lights_on else housing
    for side, name in SIDES:
        lean = 0.45 * side
        face.add((side * a0, z0, side * a1, z1), housing * 0.45, lean=lean)
        m, dz = 0.1 * (a1 - a0), 0.12 * (z1 - z0)
        inner = (side * (a0 + m), z0 + dz, side * (a1 - 2 * m), z1 - dz)
        face.add(inner, lit, emissive=float(signals.lights_on), lean=lean)
        if signals.blinks(name):
            amber = (side * (a1 - 3.2 * m), z0, side * a1, z1)
            face.add(amber, np.array([255.0, 164, 40]), emissive=0.95, lean=lean)


def plate(face: EndFace, z: float, rng: np.random.Generator) -> None:
    """A number plate with a hint of characters, centre height z metres."""
    white = rng.uniform() < 0.6
    base = np.array([216.0, 216, 208]) if white else np.array([222.0, 184, 60])
    wide, high = 0.24 / face.body.half, 0.065
    face.add((-wide, z - high, wide, z + high), base * 0.92, r=0.1)
    if face.scene.px_per_m < 40:
        return
    text = (-wide * 0.78, z - high * 0.5, wide * 0.78, z + high * 0.5)
    face.add(text, base * 0.55, r=0.1)


def side_lines(scene: Scene, body: Body, xs: list[float], colour: Array) -> None:
    """Door seams and a sill on the visible side."""
    low = body.style.clearance
    sill = np.linspace(body.x(0.08), body.x(0.92), 6)
    x = np.concatenate([[x, x, x, x + 0.07, x + 0.22] for x in xs] + [sill])
    z = np.full(len(x), low + 0.03)
    for i, top in enumerate(body.shoulder(np.array(xs)).tolist()):
        z[5 * i : 5 * i + 5] = low + 0.1, (low + top) / 2, top - 0.03, top - 0.13, top - 0.13
    for side in (1, -1):
        points = body.on_side(x, z, side)
        middle, outward = np.array([0.0, side * body.half, 0.7]), np.array([0.0, side, 0.0])
        with scene.facing(middle, outward):
            for i in range(0, 5 * len(xs), 5):
                scene.stroke(points[i : i + 3], 0.014, colour * 0.42)
                scene.stroke(points[i + 3 : i + 5], 0.03, colour * 0.62 + 18)
            scene.stroke(points[-6:], 0.07, colour * 0.15 + 8)


def mirrors(scene: Scene, body: Body, colour: Array, far: bool) -> None:
    """Door mirrors: the far ones are painted before the body, the near ones after it."""
    x = body.cabin[3] - 0.16 * (body.cabin[3] - body.cabin[2]) - 0.1
    z = float(body.shoulder(x)) + 0.10 * min(body.height / 1.5, 1.8)
    tall = 0.055 * min(body.height / 1.5, 2.6)
    for side in (1, -1):
        y0, y1 = side * body.half * 0.90, side * (body.half + 0.09)
        face = upright(x, y0, y1, z - tall, z + tall)
        edge = face.copy()
        edge[[1, 2], 0] += 0.09
        edge[[0, 3], 1], edge[[0, 3], 0] = y1, x
        foot, outward = np.array([x, side * body.half, z]), np.array([0.0, side, 0.0])
        with scene.facing(foot, outward, away=far):
            scene.patch(face, (52, 56, 60), normal=_REAR)
            with scene.facing(face, _REAR, away=True):
                scene.patch(face, colour * 0.5)
            scene.patch(edge, colour * 0.7)


def red_lamp(signals: Signals, braking: tuple, lit: tuple, off: tuple) -> tuple[Array, float]:
    """Colour and glow of a plain rear lamp."""
    glow = 1.0 if signals.braking else 0.5 * signals.lights_on
    return np.array(braking if signals.braking else lit if signals.lights_on else off), glow


def lamp_row(scene: Scene, x: float, z0: float, z1: float, y0: float, y1: float,
             signals: Signals) -> None:  # fmt: skip
    """Red and amber lamps in a row from y0 to y1 on both sides of a tail."""
    red, glow = red_lamp(signals, (255.0, 54, 44), (206.0, 28, 28), (136.0, 20, 22))
    mid = y0 + 0.62 * (y1 - y0)
    for side, name in SIDES:
        on = signals.blinks(name)
        amber = _AMBER if on else _AMBER * 0.6
        for a, b, colour, shine in ((y0, mid, red, glow), (mid + 0.02, y1, amber, 0.95 * on)):
            lamp = upright(x, side * a, side * b, z0, z1)
            scene.patch(lamp, colour, normal=_REAR, emissive=shine)
