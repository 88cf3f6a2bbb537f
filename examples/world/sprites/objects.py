"""Things that lie or stand on the road: debris, cones and barriers."""

from __future__ import annotations

import numpy as np

from .mesh import Array, box, ellipsoid, hull, level, tube
from .palette import any_cloth, cloth
from .shapes import Scene
from .view import Light

_WOOD = np.array([150.0, 112, 72])


def _banded(quads: Array, stops: list[float], colours: list[Array]) -> Array:
    """Face colours (m, 3) by the face's mean height: colours[i] below stops[i]."""
    at = quads.mean(axis=1)[:, 2]
    return np.asarray(colours)[np.searchsorted(stops, at)]


def cone(rng: np.random.Generator, colour: str, px_per_m: float) -> Scene:
    """A traffic cone with reflective bands, sometimes a tall barrel of the same colours."""
    scene = Scene(0.4, 0.4, Light.draw(rng), px_per_m)
    tint = np.array([226.0, 84, 28]) * rng.uniform(0.8, 1.08)
    white = np.array([212.0, 210, 206])
    tall = rng.uniform(0.45, 1.0)
    if rng.uniform() < 0.2:
        z = np.array([0.04, 0.2, 0.21, 0.4, 0.41, 0.6, 0.61, 0.8, 0.81, 0.98, 1.0])
        r = np.array([0.30, 0.29, 0.28, 0.28, 0.27, 0.27, 0.26, 0.26, 0.25, 0.24, 0.1])
        body = tube(np.stack([0 * z, 0 * z, z], axis=1), r, 14)
        colours = _banded(body, [0.205, 0.405, 0.605, 0.805], [tint, white, tint, white, tint])
        foot = tube(np.array([[0, 0, 0.0], [0, 0, 0.08]]), np.array([0.36, 0.35]), 12)
        scene.mesh(foot, (36, 34, 34))
    else:
        half = 0.25 * tall
        foot = box(-half, half, half, 0.0, 0.045, 0.01)
        scene.mesh(foot, (48, 44, 42) if rng.uniform() < 0.6 else tint)
        z = np.array([0.05, 0.1, 0.34, 0.345, 0.58, 0.585, 0.72, 0.725, 0.85, 0.855, 1.0])
        r = 0.21 - 0.165 * z
        body = tube(np.stack([0 * z, 0 * z, z], axis=1) * tall, r * tall, 14)
        one = rng.uniform() < 0.35
        stops = [0.34 * tall, 0.583 * tall, 0.722 * tall, 0.853 * tall]
        colours = _banded(body, stops, [tint, white, tint, tint if one else white, tint])
    scene.mesh(body, colours, 0.15)
    return scene


def barrier(rng: np.random.Generator, colour: str, px_per_m: float) -> Scene:
    """A concrete or plastic barrier, a striped board, or a fence element."""
    kind = rng.integers(4)
    long = rng.uniform(1.2, 2.4)
    scene = Scene(0.5, long, Light.draw(rng), px_per_m)
    white, red = np.array([214.0, 212, 208]), np.array([196.0, 44, 34]) * rng.uniform(0.85, 1.1)
    if kind <= 1:
        concrete = np.array([158.0, 154, 146]) * rng.uniform(0.75, 1.1)
        n = 9
        y = np.linspace(-long / 2, long / 2, n)
        level = np.array([0, 0.1, 0.3, 0.45, 0.75, 1.0, 1.0])
        deep = np.array([0.30, 0.30, 0.24, 0.14, 0.11, 0.09, 0.0])
        quads = hull(y, np.ones(n), np.zeros(n), np.full(n, 0.85), level, deep)
        colours = concrete
        if kind == 1:
            at = quads.mean(axis=1)[:, 0]
            colours = np.where((np.floor((at + long) / 0.45) % 2 == 0)[:, None], white, red)
        scene.mesh(quads[..., [1, 0, 2]][:, ::-1], colours, 0.1 * kind)
        return scene
    orange = np.array([232.0, 112, 34])
    pair = (white, red) if rng.uniform() < 0.6 else (white, orange)
    boards = ((0.78, 1.02),) if kind == 2 else ((0.42, 0.62), (0.82, 1.04))
    for y in (-long * 0.4, long * 0.4):
        for dx in (0.25, -0.25):
            scene.stroke(np.array([[dx, y, 0.0], [0, y, boards[-1][1]]]), 0.05, (150, 148, 142))
    for z0, z1 in boards:
        n = 8
        for i in range(n):
            y0, y1 = long * (i / n - 0.5), long * ((i + 1) / n - 0.5)
            quads = box(-0.02, 0.02, (y1 - y0) / 2 + 0.002, z0, z1, 0.004)
            scene.mesh(quads + np.array([0, (y0 + y1) / 2, 0]), pair[i % 2])
    if rng.uniform() < 0.4:
        spot = np.array([0, long * 0.4, boards[-1][1] + 0.1])
        scene.mesh(ellipsoid(spot, np.array([0.05, 0.09, 0.1]), 8, 5), (236, 170, 40), 0.3)
    return scene


def debris(rng: np.random.Generator, colour: str, px_per_m: float) -> Scene:
    """Something lost on the road, chosen by the rng."""
    draw = _DEBRIS[rng.integers(len(_DEBRIS))]
    scene = Scene(0.8, 0.8, Light.draw(rng), px_per_m)
    draw(scene, rng, colour)
    return scene


def _tyre(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    r = rng.uniform(0.28, 0.45)
    a = np.linspace(0, 2 * np.pi, 25)
    if rng.uniform() < 0.65:  # lies flat
        for z, s, grey in ((0.02, 1.0, 20), (0.06, 1.03, 27), (0.12, 1.03, 33), (0.18, 0.98, 42)):
            wide = r * 0.78 * s
            ring = np.stack([wide * np.cos(a), wide * np.sin(a), np.full(25, z)], axis=1)
            scene.stroke(ring, r * 0.42, (grey, grey, grey + 2))
        return
    for y, grey in ((0.09, 20), (0.0, 28), (-0.09, 36)):
        ring = np.stack([r * 0.8 * np.cos(a), np.full(25, y), r + r * 0.8 * np.sin(a)], axis=1)
        scene.stroke(ring, r * 0.4, (grey, grey, grey + 2))


def _carton(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    a, b, h = rng.uniform(0.2, 0.45, 3)
    card = np.array([172.0, 134, 92]) * rng.uniform(0.8, 1.15)
    scene.mesh(box(-a, a, b, 0, h * 1.4, 0.01), card)
    z = h * 1.4
    flap = [[-a, b, z], [a, b, z], [a, b + 0.16, z + 0.1], [-a, b + 0.16, z + 0.1]]
    scene.patch(np.array(flap), card * 0.85)
    tape = level(-a, a, 0.03, 1.4 * h) + np.array([0, 0, 0.005])
    scene.patch(tape, card * 1.15, normal=np.array([0, 0, 1.0]))


def _plank(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    for k in range(rng.integers(1, 4)):
        a = rng.uniform(-0.9, 0.9)
        long, z = rng.uniform(0.7, 1.4), 0.05 * k
        quads = box(-0.09, 0.09, long / 1.4, z, z + 0.06, 0.008)
        turn = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
        scene.mesh(quads @ turn + [0.1 * k, 0, 0], _WOOD * rng.uniform(0.75, 1.25))


def _log(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    r, long = rng.uniform(0.12, 0.3), rng.uniform(0.3, 1.4)
    y = np.linspace(-long, long, 6)
    centres = np.stack([rng.normal(0, 0.02, 6), y, np.full(6, r)], axis=1)
    quads = tube(centres, r * rng.uniform(0.9, 1.05, 6), 12)
    bark = np.repeat((_WOOD * 0.55)[None], len(quads), axis=0)
    bark *= rng.uniform(0.7, 1.2, (len(quads), 1))
    bark[np.abs(quads.mean(axis=1)[:, 1]) > long * 0.98] = _WOOD * 1.3
    scene.mesh(quads, bark)
    if rng.uniform() < 0.6:
        for _ in range(3):
            root = np.array([0, rng.uniform(-long, long), r])
            tip = root + rng.uniform([-0.3, -0.4, 0.1], [0.3, 0.4, 0.6])
            scene.stroke(np.stack([root, tip]), 0.05, _WOOD * 0.5)


def _crate(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    tint = cloth(colour, rng) * 1.05
    w, h = rng.uniform(0.22, 0.36), rng.uniform(0.22, 0.4)
    x, half = np.array([-w, -w + 0.02, w - 0.02, w]), np.array([0.95, 1, 1, 0.95]) * w * 1.3
    share, bulge = [0, 0.5, 0.85, 0.86, 1.0, 1.0], [0.88, 0.95, 0.99, 1.05, 1.06, 0.0]
    shell = hull(x, half, np.zeros(4), np.full(4, h), np.array(share), np.array(bulge))
    scene.mesh(shell, tint, 0.15)
    q = 0.86
    inside = level(-w * q, w * q, w * 1.3 * q, h)
    scene.patch(inside, tint * 0.3, normal=np.array([0, 0, 1.0]))


def _bag(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    r = rng.uniform(0.2, 0.38)
    z = np.array([0.0, 0.15, 0.45, 0.8, 1.0, 1.2]) * r
    w = np.array([0.9, 1.08, 1.1, 0.8, 0.25, 0.35]) * r
    quads = tube(np.stack([rng.normal(0, 0.02, 6), rng.normal(0, 0.02, 6), z], axis=1), w, 11)
    tint = np.array([30.0, 30, 33]) if rng.uniform() < 0.5 else cloth(colour, rng)
    scene.mesh(quads, tint * rng.uniform(0.75, 1.25, (len(quads), 1)), 0.5)


def _bumper(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    y = np.linspace(-0.85, 0.85, 9)
    x = 0.18 * (1 - (y / 0.85) ** 4)
    z = 0.12 + 0.06 * np.sin(y * 2 + rng.uniform(0, 6))
    radii = np.full((9, 2), [0.05, 0.11])
    quads = tube(np.stack([x, y, z], axis=1), radii, 8, np.array([0.05, 0, 1.0]))
    scene.mesh(quads, cloth(colour, rng) * 0.9, 0.6)


def _barrel(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    tint = cloth(colour, rng)
    r, h = 0.29, 0.88
    s = np.array([0, 0.02, 0.32, 0.34, 0.36, 0.64, 0.66, 0.68, 0.97, 1.0])
    w = r * np.array([0.97, 1, 0.98, 1.03, 0.98, 0.98, 1.03, 0.98, 1, 0.97])
    if rng.uniform() < 0.5:
        centres = np.stack([0 * s, 0 * s, s * h], axis=1)
    else:
        centres = np.stack([0 * s, (s - 0.5) * h, 0 * s + r * 1.02], axis=1)
    scene.mesh(tube(centres, w, 14), tint, 0.3)


def _mattress(scene: Scene, rng: np.random.Generator, colour: str) -> None:
    tint = any_cloth(rng) * 0.2 + np.array([160.0, 158, 150])
    half, high = (0.5, 0.24) if rng.uniform() < 0.6 else (0.12, 0.9)
    scene.mesh(box(-half, half, 0.95, 0.0, high, 0.07), tint)


_DEBRIS = (_tyre, _carton, _plank, _log, _crate, _bag, _bumper, _barrel, _mattress)
