"""Animals on the road, as tubes along a spine with four legs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from .mesh import Array, limb, tube
from .palette import fur
from .shapes import Scene
from .view import Light


@dataclass(frozen=True)
class _Species:
    back: float  # height of the withers, metres
    long: float  # body length
    deep: float  # half height of the body
    wide: float
    neck: tuple[float, float]  # how far the head stands ahead of and above the withers
    head: float  # head length
    leg: float  # leg radius at the top
    tail: float  # tail length
    ears: float


_SPECIES = {
    "deer": _Species(1.05, 1.25, 0.21, 0.17, (0.42, 0.42), 0.34, 0.065, 0.14, 0.15),
    "dog": _Species(0.58, 0.64, 0.115, 0.085, (0.15, 0.10), 0.20, 0.036, 0.26, 0.07),
    "cow": _Species(1.42, 1.75, 0.38, 0.32, (0.48, 0.10), 0.52, 0.11, 0.80, 0.18),
    "boar": _Species(0.85, 1.05, 0.27, 0.19, (0.26, -0.12), 0.33, 0.055, 0.18, 0.10),
    "horse": _Species(1.55, 1.65, 0.32, 0.26, (0.58, 0.55), 0.58, 0.10, 0.75, 0.13),
}
_SHARE = (0.40, 0.24, 0.12, 0.10, 0.14)


def animal(rng: np.random.Generator, colour: str, px_per_m: float) -> Scene:
    """One animal, walking or standing. `colour` is ignored: coats have their own."""
    name = str(rng.choice(list(_SPECIES), p=_SHARE))
    kind = _SPECIES[name]
    size = rng.uniform(0.82, 1.12)
    scene = Scene(kind.long * 1.5, kind.wide * 2, Light.draw(rng), px_per_m)
    coat = np.clip(fur(name, rng), 8, 235)
    graze = rng.uniform() < (0.3 if name in ("cow", "dog") else 0.15)
    made = _Animal(scene, name, kind, coat, size, rng)
    made.body()
    made.legs()
    made.head(graze)
    scene.order(made.parts)
    return scene


@dataclass
class _Animal:
    """The parts of one animal, each (point, nearer by m, painter); lengths grow with `size`."""

    scene: Scene
    name: str
    kind: _Species
    coat: Array
    size: float
    rng: np.random.Generator
    parts: list[tuple[Array, float, Callable[[], None]]] = field(default_factory=list)

    def add(self, quads: Array, colour: Array, nearer: float = 0.0) -> None:
        paint = partial(self.scene.mesh, quads, colour)
        self.parts.append((quads.reshape(-1, 3).mean(axis=0), nearer, paint))

    def tube(self, centres: Array, radii: Array, sides: int, colour: Array,
             nearer: float = 0.0) -> None:  # fmt: skip
        self.add(tube(centres, radii, sides), colour, nearer)

    def body(self) -> None:
        kind, size, coat, rng = self.kind, self.size, self.coat, self.rng
        half = kind.long / 2
        x = np.array([-1.0, -0.94, -0.8, -0.5, -0.1, 0.35, 0.68, 0.88, 0.97]) * half
        deep = kind.deep * np.array([0.40, 0.70, 0.92, 0.98, 0.96, 1.06, 1.02, 0.80, 0.42])
        wide = kind.wide * np.array([0.40, 0.72, 0.94, 1.0, 1.03, 0.97, 0.88, 0.68, 0.40])
        bow = kind.deep * np.array([-0.05, 0.0, 0.02, -0.01, -0.06, -0.10, -0.04, 0.03, 0.10])
        z = kind.back - kind.deep + bow
        centres = np.stack([x, 0 * x, z], axis=1) * size
        quads = tube(centres, np.stack([wide, deep], axis=1) * size, 12, np.array([0.01, 0.0, 1.0]))
        colour = np.repeat(coat[None], len(quads), axis=0)
        mid = quads.mean(axis=1)
        low = (mid[:, 2] / size - kind.back + kind.deep) / kind.deep
        belly = np.clip(-low * 0.5, 0, 1)[:, None]
        if self.name == "deer":
            colour += belly * 40
            colour[mid[:, 0] < -0.9 * half * size] = np.array([206.0, 196, 180])
        if self.name in ("cow", "dog") and rng.uniform() < 0.55:
            along = np.sin(mid[:, 0] * 5 / kind.back + rng.uniform(0, 6))
            blot = along + np.sin(mid[:, 2] * 6 / kind.back + rng.uniform(0, 6))
            colour[blot + np.sign(mid[:, 1]) * 0.4 > 0.2] = np.array([214.0, 206, 194])
        self.add(quads, colour)
        root = np.array([-half * 0.97, 0, kind.back - kind.deep * 0.45]) * size
        hang = np.array([-0.8, 0.1, 0.7])
        if self.name != "dog":
            hang = np.array([-0.25, rng.uniform(-0.2, 0.2), -1.0])
        tail = root + np.outer([0, 0.5, 1.0], hang / np.linalg.norm(hang)) * kind.tail * size
        thick = np.array([0.03, 0.05 if self.name == "horse" else 0.03, 0.015]) * kind.back
        self.tube(tail, thick * size, 6, coat * (0.55 if self.name != "deer" else 1.4))

    def legs(self) -> None:
        kind, size = self.kind, self.size
        stride = self.rng.uniform(0.0, 0.32)
        phase = self.rng.uniform(0, 2 * np.pi)
        top = kind.back - kind.deep * 1.25
        for front, side in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            swing = stride * np.sin(phase + (0 if front * side > 0 else np.pi))
            hip_z = top + kind.deep * 0.3
            hip = np.array([front * kind.long * 0.36, side * kind.wide * 0.55, hip_z])
            foot_x = hip[0] + swing * top
            bend = 0.06 * top if front > 0 else -0.12 * top
            knee = np.array([(hip[0] + foot_x) / 2 + bend, hip[1] * 0.95, top * 0.52])
            lift = 0.05 * top * max(np.sin(phase * 2 + front * side), 0.0)
            ankle = np.array([foot_x, hip[1] * 0.9, lift + 0.05 * top])
            hoof = ankle + np.array([0.07 * top, 0, -0.05 * top])
            r, fat = kind.leg, 1.7 if front < 0 else 1.3
            radii = [r * fat * size, r * 0.62 * size, r * 0.5 * size, r * 0.45 * size]
            quads = limb(np.stack([hip, knee, ankle, hoof]) * size, radii, 7, 2)
            colour = np.repeat(self.coat[None], len(quads), axis=0)
            low = np.clip(1 - quads[..., 2].mean(axis=1) / (top * size), 0, 1)
            self.add(quads, colour * (1 - 0.45 * low[:, None]), -0.02)

    def head(self, graze: bool) -> None:
        kind, size, coat, rng = self.kind, self.size, self.coat, self.rng
        base = np.array([kind.long * 0.40, 0, kind.back - kind.deep * 0.55])
        reach = np.array([kind.neck[0], rng.uniform(-0.12, 0.12), kind.neck[1] + kind.deep * 0.2])
        if graze:
            reach[2] = -kind.back * 0.35
            reach[0] *= 1.15
        poll = base + reach
        thick = kind.deep * np.array([0.80, 0.58, 0.42])
        neck = np.stack([base, base + reach * 0.5 + [0, 0, -0.03], poll]) * size
        self.tube(neck, np.stack([thick * 0.62, thick], axis=1) * size, 9, coat * 0.97, 0.02)
        h = kind.head
        nose = poll + h * np.array([0.92, reach[1], -0.5 if not graze else -0.85])
        mid = poll * 0.55 + nose * 0.45
        skull = np.stack([poll - (nose - poll) * 0.1, mid, nose]) * size
        quads = tube(skull, np.array([[0.19, 0.24], [0.16, 0.2], [0.09, 0.11]]) * h * size, 8)
        colour = np.repeat(coat[None], len(quads), axis=0)
        far = np.linalg.norm(quads.mean(axis=1) - poll * size, axis=1) > 0.8 * h * size
        colour[far] *= 0.5
        self.add(quads, colour, 0.05)
        for side in (1, -1):
            ear = poll + np.array([-0.1 * h, side * 0.22 * h, 0.16 * h])
            tip = ear + kind.ears * np.array([-0.25, side * 0.75, 0.6])
            radii = np.array([0.03, 0.04, 0.008]) * kind.back * size
            self.tube(np.stack([ear, (ear + tip) / 2, tip]) * size, radii, 5, coat * 0.85, 0.03)
            if self.name == "deer" and size > 0.93:
                self.antler(poll * size, side, rng.uniform(0.35, 0.7))
            if self.name == "cow":
                curve = [[0, side * 0.12, 0.1], [0, side * 0.28, 0.16], [0.05, side * 0.3, 0.3]]
                horn = poll + np.array(curve)
                paint = partial(self.scene.stroke, horn * size, 0.04, (196, 186, 164))
                self.parts.append((horn[1] * size, 0.0, paint))
        if self.name == "horse":
            crest = base + np.array([0, 0, kind.deep * 0.6]), poll + np.array([-0.12, 0, 0.1])
            self.tube(np.stack(crest) * size, np.array([0.05, 0.06]) * size, 6, coat * 0.4, 0.02)

    def antler(self, poll: Array, side: int, grow: float) -> None:
        beam = poll + grow * np.array([
            [-0.02, side * 0.08, 0.1], [-0.2, side * 0.4, 0.5],
            [-0.05, side * 0.62, 0.95], [0.15, side * 0.55, 1.2],
        ])  # fmt: skip
        bone = (112, 92, 72)

        def paint() -> None:
            self.scene.stroke(beam, 0.035 * self.size, bone)
            for i, up in ((1, 0.3), (2, 0.28), (0, 0.35)):
                tine = np.stack([beam[i], beam[i] + grow * np.array([0.28, side * 0.03, up])])
                self.scene.stroke(tine, 0.025 * self.size, bone)

        self.parts.append((beam[1], 0.0, paint))
