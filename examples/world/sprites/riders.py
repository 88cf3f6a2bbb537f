"""Cyclists and motorcyclists: the machine and its rider."""

from __future__ import annotations

from functools import partial

import numpy as np

from .figure import Pose, draw_figure
from .mesh import Array, box, circle, ellipsoid, tube, upright
from .palette import any_cloth, paint, trousers
from .people import VESTS, dress
from .shapes import Scene
from .vehicle_details import SIDES, Signals, red_lamp
from .view import Light

_BLACK = np.array([26.0, 26, 28])
_FAR = 1e3


def _pt(x: float, y: float, z: float) -> Array:
    return np.array([x, y, z])


def _seated(seat: Array, neck: Array, grips: Array, feet: list[Array], tall: float,
            knee_out: float) -> Pose:  # fmt: skip
    """A rider's joints from the contact points; knees and elbows bend where they must."""
    legs, arms = [], []
    for i, side in enumerate((1, -1)):
        hip = seat + _pt(0, side * 0.05 * tall, 0.02)
        ankle = feet[i] + _pt(-0.05, 0, 0.07)
        knee = _joint(hip, ankle, 0.25 * tall, _pt(1.0, side * knee_out, 0.35))
        legs.append([hip, knee, ankle, feet[i] + _pt(0.10, 0, 0.02)])
        shoulder = neck + _pt(-0.02, side * 0.105 * tall, -0.03 * tall)
        hand = grips * np.array([1, side, 1])
        elbow = _joint(shoulder, hand, 0.165 * tall, _pt(-0.4, side * 0.8, -0.8))
        arms.append([shoulder, elbow, hand])
    ahead = neck - seat
    head = neck + _pt(0.035 + 0.10 * ahead[0], 0, 0.088 * tall)
    return Pose(seat, neck, head, legs, arms)


def _joint(a: Array, b: Array, bone: float, towards: Array) -> Array:
    """The middle joint of two bones of equal length between a and b, bent `towards`."""
    half = (b - a) / 2
    gap = float(np.linalg.norm(half))
    off = towards - half * (towards @ half) / max(half @ half, 1e-9)
    off /= np.linalg.norm(off) + 1e-9
    return a + half + off * np.sqrt(max(bone**2 - gap**2, 0.0009))


def cyclist(rng: np.random.Generator, colour: str, px_per_m: float, signals: Signals) -> Scene:
    """A person on a bicycle."""
    tall = float(rng.uniform(1.58, 1.88))
    scene = Scene(1.75, 0.5, Light.draw(rng), px_per_m)
    look = dress(rng, colour, tall)
    look.hem = min(look.hem, 0.05)
    if rng.uniform() < 0.55:
        look.head, look.head_colour, look.long_hair = "cap", any_cloth(rng), False
    if rng.uniform() < 0.22:
        look.vest = VESTS["orange" if rng.uniform() < 0.5 else "yellow"]
        look.bands = np.array([210.0, 212, 208])
    sport = rng.uniform() < 0.4
    r = 0.335
    crank, turn = _pt(0.02, 0, 0.29), rng.uniform(0, 2 * np.pi)
    pedal = 0.165 * _pt(np.cos(turn), 0, np.sin(turn))
    feet = [crank + pedal + _pt(0, 0.11, 0), crank - pedal + _pt(0, -0.11, 0)]
    seat = _pt(-0.22, 0, 0.56 * tall)
    grips = _pt(0.42, 0.24, 0.92 if sport else 1.05)
    neck = seat + (_pt(0.40, 0, 0.235 * tall) if sport else _pt(0.16, 0, 0.315 * tall))
    pose = _seated(seat, neck, grips, feet, tall, 0.15)
    frame = paint(str(rng.choice(["black", "red", "blue", "silver", "white", "green"])), rng)
    _bicycle(scene, r, seat, grips, crank, feet, frame)
    draw_figure(scene, pose, look)
    z = seat[2] - 0.17
    lit = signals.lights_on or signals.braking
    red = (255.0, 40, 34) if lit else (130.0, 20, 22)
    rear = upright(seat[0] - 0.14, 0.035, -0.035, z, z + 0.07)
    scene.patch(rear, red, normal=_pt(-1, 0, 0), emissive=0.9 * lit)
    white = (255.0, 252, 238) if signals.lights_on else (150.0, 152, 154)
    front = upright(0.5, 0.035, -0.035, grips[2] - 0.10 + z - z, grips[2] - 0.10 + (z + 0.07) - z)
    scene.patch(front, white, normal=_pt(1, 0, 0), emissive=1.0 * signals.lights_on)
    return scene


def _bicycle(scene: Scene, r: float, seat: Array, grips: Array, crank: Array, feet: list[Array],
             frame: Array) -> None:  # fmt: skip
    hubs = [_pt(-0.52, 0, r), _pt(0.54, 0, r)]
    scene.order([(hub, 0.0, partial(_spoked_wheel, scene, hub, r)) for hub in hubs])
    head = _pt(0.40, 0, 0.84)
    post = seat + _pt(0.03, 0, -0.18)
    for a, b, w in (
        (crank, head - _pt(-0.02, 0, 0.12), 0.04), (crank, post, 0.034), (post, head, 0.034),
        (hubs[0], crank, 0.024), (hubs[0], post, 0.02), (head, hubs[1], 0.028),
    ):  # fmt: skip
        scene.stroke(np.stack([a, b]), w, frame)
    scene.stroke(np.stack([post, seat + _pt(0, 0, -0.06)]), 0.026, (110, 112, 114))
    scene.mesh(ellipsoid(seat + _pt(0.0, 0, -0.05), _pt(0.13, 0.07, 0.03), 8, 4), _BLACK)
    middle = [_pt(grips[0] + 0.05, y, grips[2]) for y in (0.1, 0, -0.1)]
    scene.stroke(np.stack([head, middle[1]]), 0.03, (60, 62, 64))
    bar = np.stack([grips, middle[0], middle[2], grips * [1, -1, 1]])
    scene.stroke(bar, 0.03, (52, 52, 54))
    scene.stroke(np.stack([feet[0], crank, feet[1]]), 0.03, (70, 70, 72))
    scene.patch(circle(crank, 0.09, 12), (60, 60, 62))


def _spoked_wheel(scene: Scene, hub: Array, r: float) -> None:
    for k in range(5):
        a = np.pi * (k + 0.3) / 5
        spoke = r * 0.93 * _pt(np.cos(a), 0, np.sin(a))
        scene.stroke(np.stack([hub - spoke, hub + spoke]), 0.006, (142, 144, 146))
    scene.stroke(circle(hub, r - 0.02, 24), 0.042, _BLACK, closed=True)
    scene.stroke(circle(hub, r - 0.052, 24), 0.016, (128, 130, 132), closed=True)


def motorcycle(rng: np.random.Generator, colour: str, px_per_m: float, signals: Signals) -> Scene:
    """A motorcycle or a scooter with its rider; `colour` is the machine's paint."""
    tall = float(rng.uniform(1.62, 1.86))
    scene = Scene(2.05, 0.75, Light.draw(rng), px_per_m)
    look = dress(rng, str(rng.choice(["black", "grey", "blue", "red", "brown", "green"])), tall)
    look.head, look.head_colour, look.long_hair = "helmet", any_cloth(rng), False
    look.bare_arms, look.hem, look.girth = False, 0.03, max(look.girth, 1.05)
    look.legs = trousers(rng) * 0.7
    scooter = rng.uniform() < 0.4
    base = paint(colour, rng)
    seat = _pt(-0.22, 0, 0.86)
    grips = _pt(0.38, 0.34, 1.02)
    neck = seat + _pt(0.14 if scooter else rng.uniform(0.16, 0.34), 0, 0.32 * tall)
    feet = [_pt(0.25 if scooter else 0.05, y, 0.30) for y in (0.2, -0.2)]
    pose = _seated(seat, neck, grips, feet, tall, 0.45)

    def middle() -> None:
        _chassis(scene, base, scooter)
        draw_figure(scene, pose, look)

    # Points far out on both ends: the nearer end is painted last from wherever one looks.
    scene.order(
        [
            (_pt(-_FAR, 0, 0), 0.0, lambda: _tail(scene, base, signals)),
            (_pt(0, 0, 0), 0.0, middle),
            (_pt(_FAR, 0, 0), 0.0, lambda: _nose(scene, base, signals, scooter)),
        ]
    )
    return scene


def _road_wheel(scene: Scene, x: float, r: float) -> None:
    hub = _pt(x, 0, r)
    scene.patch(circle(hub, r * 0.7, 16), (58, 59, 62))
    scene.stroke(circle(hub, r * 0.62, 18), 0.03, (128, 130, 134), closed=True)
    scene.stroke(circle(hub, r - 0.055, 20), 0.11, (22, 22, 24), closed=True)


def _chassis(scene: Scene, base: Array, scooter: bool) -> None:
    if scooter:
        spine = np.array([[-0.75, 0, 0.62], [-0.3, 0, 0.58], [0.05, 0, 0.45]])
        radii = np.array([[0.17, 0.14], [0.19, 0.22], [0.14, 0.1]])
        scene.mesh(tube(spine, radii, 9), base, 0.5)
        scene.mesh(box(-0.1, 0.42, 0.17, 0.24, 0.34), base * 0.6)
        scene.mesh(ellipsoid(_pt(-0.35, 0, 0.80), _pt(0.36, 0.15, 0.07), 9, 5), _BLACK)
        return
    scene.mesh(box(-0.22, 0.30, 0.16, 0.22, 0.62), (44, 44, 46), 0.3)
    pipe = np.array([[0.25, -0.17, 0.35], [0.0, -0.19, 0.26], [-0.7, -0.2, 0.38]])
    scene.mesh(tube(pipe, np.array([0.03, 0.045, 0.06]), 7), (134, 134, 136), 0.8)
    saddle = np.array([[-0.85, 0, 0.86], [-0.5, 0, 0.78], [-0.1, 0, 0.78]])
    scene.mesh(tube(saddle, np.array([[0.09, 0.05], [0.14, 0.09], [0.15, 0.09]]), 8), _BLACK)
    scene.mesh(ellipsoid(_pt(0.12, 0, 0.84), _pt(0.30, 0.17, 0.15), 10, 6), base, 0.9)


def _tail(scene: Scene, base: Array, signals: Signals) -> None:
    _road_wheel(scene, -0.70, 0.31)
    scene.mesh(box(-0.98, -0.55, 0.09, 0.66, 0.80), base * 0.8, 0.5)
    back = _pt(-1, 0, 0)
    scene.patch(upright(-0.99, 0.11, -0.11, 0.47, 0.60), (200, 198, 190), normal=back)
    red, glow = red_lamp(signals, (255.0, 52, 42), (255.0, 52, 42), (140.0, 18, 22))
    scene.patch(upright(-1.0, 0.10, -0.10, 0.68, 0.78), red, normal=back, emissive=glow)
    _indicators(scene, -0.98, 0.17, 0.70, back, signals)


def _indicators(scene: Scene, x: float, y: float, z: float, normal: Array,
                signals: Signals) -> None:  # fmt: skip
    """The small indicators on both sides of one end."""
    for side, name in SIDES:
        on = signals.blinks(name)
        spot = upright(x, side * y, side * (y + 0.07), z, z + 0.06)
        colour = (255, 160, 36) if on else (170, 100, 40)
        scene.patch(spot, colour, normal=normal, emissive=0.95 * on)


def _nose(scene: Scene, base: Array, signals: Signals, scooter: bool) -> None:
    _road_wheel(scene, 0.70, 0.30)
    for y in (0.09, -0.09):
        scene.stroke(np.array([[0.70, y, 0.30], [0.48, y, 0.95]]), 0.05, (120, 122, 126))
    guard = np.array([[0.48, 0, 0.60], [0.70, 0, 0.65], [0.92, 0, 0.55]])
    scene.mesh(tube(guard, np.array([0.07, 0.08, 0.06]), 7), base, 0.6)
    bar = [[0.38, 0.36, 1.02], [0.47, 0.12, 1.04], [0.47, -0.12, 1.04], [0.38, -0.36, 1.02]]
    scene.stroke(np.array(bar), 0.045, _BLACK)
    if scooter:
        shield = np.array([[0.42, 0, 0.32], [0.50, 0, 0.65], [0.44, 0, 1.0]])
        scene.mesh(tube(shield, np.array([[0.2, 0.06], [0.22, 0.07], [0.16, 0.08]]), 9), base, 0.6)
    for y in (0.32, -0.32):
        scene.stroke(np.array([[0.42, y, 1.04], [0.44, y * 1.15, 1.18]]), 0.02, _BLACK)
        scene.mesh(ellipsoid(_pt(0.44, y * 1.15, 1.2), _pt(0.03, 0.07, 0.045), 6, 4), (40, 42, 44))
    c, ahead, lit = _pt(0.60, 0, 0.90), _pt(1, 0, 0), signals.lights_on
    scene.mesh(ellipsoid(c, _pt(0.12, 0.14, 0.14), 9, 6), base * 0.7, 0.6)
    a = np.arange(12) * (2 * np.pi / 12)
    lamp = c + np.stack([np.full(12, 0.125), 0.095 * np.cos(a), 0.095 * np.sin(a)], axis=1)
    white = (255, 252, 238) if lit else (170, 174, 178)
    scene.patch(lamp, white, normal=ahead, emissive=1.0 * lit)
    _indicators(scene, 0.62, 0.18, 0.86, ahead, signals)
