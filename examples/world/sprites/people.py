"""People on foot: poses, clothes and the things they carry."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from .figure import Look, Pose, draw_figure
from .mesh import Array, box, circle, ellipsoid, tube
from .palette import any_cloth, cloth, hair, skin, trousers
from .shapes import Scene
from .view import Light

_BEFORE_ALL = 1e3  # nearer than anything, in metres
_SHOES = ((26.0, 24.0, 24.0), (190.0, 188.0, 184.0), (84.0, 58.0, 40.0))
VESTS = {"yellow": np.array([206.0, 226, 40]), "orange": np.array([240.0, 104, 36])}
_POSES = ("walk", "stand", "run")
_THINGS = ("none", "backpack", "bag", "shopping", "suitcase", "pushchair", "umbrella", "box")
_THING_SHARE = (0.46, 0.14, 0.09, 0.09, 0.06, 0.05, 0.06, 0.05)


def dress(rng: np.random.Generator, colour: str, tall: float) -> Look:
    """Clothes for one person whose main garment has `colour`; `tall` in metres."""
    top = cloth(colour, rng)
    child = tall < 1.4
    kinds = ("jacket", "tshirt", "coat", "dress", "hivis")
    kind = str(rng.choice(kinds, p=[0.42, 0.27, 0.17, 0.09, 0.05]))
    hem = dict(zip(kinds, (0.05, 0.0, rng.uniform(0.14, 0.24), 0.2, 0.02), strict=True))
    covers = ("hair", "cap", "hat", "hood")
    head = str(rng.choice(covers, p=(0.70, 0.13, 0.06, 0.11)))
    look = Look(
        top=top, legs=trousers(rng), skin=skin(rng), hair=hair(rng),
        shoes=np.array(_SHOES[rng.integers(len(_SHOES))]),
        tall=tall, girth=rng.uniform(0.86, 1.2) * (0.95 if child else 1.0), hem=hem[kind],
        bare_arms=kind in ("tshirt", "dress"), shorts=kind == "dress" or rng.uniform() < 0.15,
        long_hair=rng.uniform() < 0.36, head=head,
        head_colour=top * 0.9 if head == "hood" else any_cloth(rng),
    )  # fmt: skip
    if kind == "hivis":
        look.vest = VESTS["yellow" if colour in ("yellow", "green") else "orange"]
        look.bands = np.array([208.0, 210, 206])
    return look


def stance(kind: str, tall: float, phase: float, rng: np.random.Generator) -> Pose:
    """Joints of a standing, walking or running person; `phase` in radians of the stride."""
    swing = {"stand": 0.05, "walk": rng.uniform(0.32, 0.50), "run": 0.75}[kind]
    lean = {"stand": 0.0, "walk": 0.03, "run": 0.16}[kind] + rng.uniform(-0.02, 0.03)
    legs, arms = [], []
    for side in (1, -1):
        s = math.sin(phase) * side
        a = swing * s + 0.03
        lifting = max(0.0, math.cos(phase) * side)
        kick = 0.5 * (s < 0) * -s if kind == "run" else 0
        b = 0.06 + swing * (0.55 * (s < 0) * -s + 0.75 * lifting) + kick
        hip = np.array([0.0, side * 0.052, 0.50])
        knee = hip + 0.235 * np.array([math.sin(a), 0, -math.cos(a)])
        ankle = knee + 0.23 * np.array([math.sin(a - b), 0, -math.cos(a - b)])
        pitch = -0.35 * b + 0.15 * max(s, 0)
        foot = [0.105 * math.cos(pitch), 0.012 * side, 0.105 * math.sin(pitch) - 0.018]
        toe = ankle + np.array(foot)
        legs.append([hip, knee, ankle, toe])
        u = -0.75 * swing * s + rng.uniform(-0.06, 0.06)
        bend = rng.uniform(0.15, 0.5) if kind != "run" else 1.5
        shoulder = np.array([math.sin(lean) * 0.3, side * 0.108, 0.800])
        elbow = shoulder + 0.165 * np.array([math.sin(u), side * 0.16, -math.cos(u)])
        hand = elbow + 0.155 * np.array([math.sin(u + bend), 0.0, -math.cos(u + bend)])
        arms.append([shoulder, elbow, hand])
    low = min(min(leg[2][2] - 0.020, leg[3][2] - 0.013) for leg in legs)
    drop = np.array([0.0, 0.0, -low])
    top = np.array([math.sin(lean) * 0.34, 0.0, 0.835])
    return Pose(
        (np.array([0, 0, 0.50]) + drop) * tall, (top + drop) * tall,
        (top + drop + np.array([0.012 + 0.3 * lean, 0, 0.093])) * tall,
        [[(p + drop) * tall for p in leg] for leg in legs],
        [[(p + drop) * tall for p in arm] for arm in arms],
    )  # fmt: skip


def pedestrian(rng: np.random.Generator, colour: str, px_per_m: float) -> Scene:
    """One person on foot, child to tall adult, with or without something carried."""
    tall = rng.uniform(1.02, 1.38) if rng.uniform() < 0.16 else rng.normal(1.71, 0.085)
    tall = float(np.clip(tall, 1.0, 1.98))
    kind = str(rng.choice(_POSES, p=(0.66, 0.22, 0.12)))
    pose = stance(kind, tall, rng.uniform(0, 2 * math.pi), rng)
    look = dress(rng, colour, tall)
    thing = str(rng.choice(_THINGS, p=_THING_SHARE)) if tall > 1.4 else "none"
    scene = Scene(0.5, 0.5, Light.draw(rng), px_per_m)
    drawn = _carry(scene, thing, pose, look, rng)
    # The figure comes first, so that it is painted first where both stand equally far.
    scene.order([(pose.pelvis, 0.0, lambda: draw_figure(scene, pose, look)), *drawn])
    return scene


def _carry(scene: Scene, thing: str, pose: Pose, look: Look, rng: np.random.Generator) -> list:
    """(point, nearer, painter) of what the person carries; moves the arms to hold it."""
    t, ink = look.tall, any_cloth(rng)
    if thing == "none":
        return []
    if thing == "backpack":
        c = pose.neck * 0.6 + pose.pelvis * 0.4 + np.array([-0.10 * t, 0, 0])
        pack = ellipsoid(c, t * np.array([0.06, 0.085, 0.14]), 10, 7)
        return [(c, 0.0, partial(scene.mesh, pack, ink))]
    if thing == "bag":
        c = pose.pelvis + np.array([-0.02 * t, -0.115 * t, 0.0])
        bag = ellipsoid(c, t * np.array([0.09, 0.035, 0.065]), 9, 6)
        return [(c, 0.0, partial(scene.mesh, bag, ink))]
    if thing == "shopping":
        c = pose.arms[1][2] + np.array([0, 0, -0.12 * t])
        quads = box(-0.09, 0.09, 0.05, -0.16, 0.14, 0.02) + c
        return [(c, 0.0, partial(scene.mesh, quads, ink * 0.6 + 70))]
    if thing == "suitcase":
        c = np.array([-0.42, -0.22, 0.0])
        grip = _reach(pose, 1, [-0.08, -0.02, -0.16], [-0.16, -0.03, -0.29], t)

        def trolley() -> None:
            scene.stroke(np.stack([grip, c + np.array([0.05, 0, 0.6])]), 0.025, (60, 62, 66))
            scene.mesh(box(-0.13, 0.13, 0.2, 0.05, 0.66, 0.05) + c, ink, 0.2)

        return [(c, 0.0, trolley)]
    if thing == "umbrella":
        top = pose.head + np.array([0.06, -0.05, 0.20 * t])
        grip = _reach(pose, 1, [0.08, -0.01, -0.13], [0.13, 0.02, -0.03], t)
        centres = top + np.array([[0, 0, -0.09], [0, 0, -0.04], [0, 0, 0.05], [0, 0, 0.10]])

        def umbrella() -> None:
            scene.stroke(np.stack([grip, top]), 0.02, (50, 50, 52))
            scene.mesh(tube(centres, np.array([0.52, 0.46, 0.27, 0.03]), 10), ink, 0.1)

        return [(pose.pelvis, _BEFORE_ALL, umbrella)]
    hands = [_reach(pose, i, [0.05, 0.01 - 0.02 * i, -0.16], [0.19, -0.03 + 0.06 * i, -0.20], t)
             for i in (0, 1)]  # fmt: skip
    if thing == "box":
        c = (hands[0] + hands[1]) / 2 + np.array([0.08, 0, 0.02])
        quads = box(-0.15, 0.18, 0.24, -0.14, 0.18, 0.01) + c
        return [(c, 0.0, partial(scene.mesh, quads, np.array([168.0, 130, 88])))]
    c = np.array([0.72, 0.0, 0.0])
    return [(c, 0.0, partial(_pram, scene, c, ink))]


def _reach(pose: Pose, side: int, elbow: list[float], hand: list[float], tall: float) -> Array:
    """Move an arm; `elbow` and `hand` count from the shoulder, in heights. The hand's place."""
    shoulder = pose.arms[side][0]
    pose.arms[side][1] = shoulder + np.array(elbow) * tall
    pose.arms[side][2] = shoulder + np.array(hand) * tall
    return pose.arms[side][2].copy()


def _pram(scene: Scene, c: Array, ink: Array) -> None:
    for x, y in ((-0.22, 0.22), (-0.22, -0.22), (0.24, 0.22), (0.24, -0.22)):
        rim = circle(c + np.array([x, y, 0.11]), 0.10, 12)
        scene.stroke(rim, 0.04, (30, 30, 32), closed=True)
    for y in (0.2, -0.2):
        handle = c + np.array([[0.22, y, 0.12], [-0.2, y, 0.7], [-0.42, y, 0.98]])
        scene.stroke(handle, 0.03, (70, 72, 76))
    scene.mesh(box(-0.28, 0.28, 0.21, 0.36, 0.62, 0.08) + c, ink * 0.8)
    scene.mesh(ellipsoid(c + np.array([-0.1, 0, 0.72]), np.array([0.26, 0.22, 0.24]), 9, 6), ink)
