"""A human figure of tubes hung on a skeleton, in metres. Poses come from people and riders."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from .mesh import Array, ellipsoid, limb, tube
from .shapes import Scene


@dataclass
class Pose:
    """Joint positions (3,) in the object frame; index 0 is the left side, 1 the right."""

    pelvis: Array
    neck: Array
    head: Array
    legs: list[list[Array]]  # hip, knee, ankle, toe
    arms: list[list[Array]]  # shoulder, elbow, hand


@dataclass
class Look:
    """Clothes and build. Colours are RGB 0..255 (3,)."""

    top: Array
    legs: Array
    skin: Array
    hair: Array
    shoes: Array
    tall: float = 1.72  # metres, scales all radii
    girth: float = 1.0
    hem: float = 0.0  # how far the garment hangs below the pelvis, as a share of `tall`
    bare_arms: bool = False
    shorts: bool = False
    long_hair: bool = False
    head: str = "hair"  # hair, cap, hat, hood, helmet
    head_colour: Array = field(default_factory=lambda: np.array([30.0, 30, 34]))
    vest: Array | None = None  # a hi-vis or second colour over the chest
    bands: Array | None = None  # reflective bands


def draw_figure(scene: Scene, pose: Pose, look: Look) -> None:
    """Paint the limbs, the torso and the head from far to near."""
    parts = [(pose.pelvis * 0.5 + pose.neck * 0.5, 0.0, partial(_torso, scene, pose, look))]
    for leg, arm in zip(pose.legs, pose.arms, strict=True):
        parts.append((leg[1], -0.06, partial(_leg, scene, leg, look)))
        parts.append((arm[1], 0.03, partial(_arm, scene, arm, look)))
    parts.append((pose.head, 0.01, partial(_head, scene, pose, look)))
    if look.long_hair:
        behind = pose.head * 0.6 + pose.neck * 0.4 - np.array([0.05 * look.tall, 0.0, 0.0])
        parts.append((behind, 0.03, partial(_long_hair, scene, pose, look)))
    scene.order(parts)


def _leg(scene: Scene, leg: list[Array], look: Look) -> None:
    r = look.tall * look.girth
    hip, knee, ankle, toe = leg
    heel = ankle + (ankle - toe) * 0.3 + np.array([0, 0, -0.005])
    sole = np.stack([heel, ankle * 0.55 + toe * 0.45 + np.array([0, 0, 0.008]), toe])
    scene.mesh(tube(sole, look.tall * np.array([0.017, 0.024, 0.013]), 6), look.shoes)
    quads = limb([hip, knee, ankle], [0.053 * r, 0.034 * r, 0.023 * r], 7, 2)
    colour = np.repeat(look.legs[None], len(quads), axis=0)
    if look.shorts:
        colour[quads[..., 2].mean(axis=1) < knee[2] + 0.03] = look.skin
    scene.mesh(quads, colour)


def _arm(scene: Scene, arm: list[Array], look: Look) -> None:
    r = look.tall * look.girth
    shoulder, elbow, hand = arm
    scene.mesh(ellipsoid(hand, look.tall * np.array([0.022, 0.020, 0.028]), 6, 4), look.skin)
    lift = np.array([0.0, 0.0, 0.014 * look.tall])
    cap = shoulder + lift
    cap[1] -= np.sign(shoulder[1]) * 0.03 * look.tall
    joints = [cap, shoulder - lift, elbow, hand]
    quads = limb(joints, [0.012 * r, 0.037 * r, 0.028 * r, 0.020 * r], 7, 2)
    colour = np.repeat(look.top[None], len(quads), axis=0)
    if look.bare_arms:
        away = np.linalg.norm(quads.mean(axis=1) - shoulder, axis=1)
        colour[away > 0.7 * np.linalg.norm(elbow - shoulder)] = look.skin
    scene.mesh(quads, colour)


def _torso(scene: Scene, pose: Pose, look: Look) -> None:
    t, g = look.tall, look.girth
    up = pose.neck - pose.pelvis
    share = np.array([-0.12, 0.05, 0.28, 0.55, 0.80, 0.93, 1.0])
    centres = pose.pelvis + share[:, None] * up
    across = t * np.array([0.070, 0.090 * g, 0.080 * g, 0.094 * g, 0.108, 0.088, 0.045])
    deep = t * np.array([0.050, 0.062 * g, 0.058 * g, 0.066 * g, 0.060, 0.048, 0.036])
    quads = tube(centres, np.stack([across, deep], axis=1), 10)
    shirt = np.repeat(look.top[None], len(quads), axis=0)
    height = (quads.mean(axis=1) - pose.pelvis) @ up / (up @ up)
    if look.hem <= 0:
        shirt[height < 0.08] = look.legs
    if look.vest is not None:
        shirt[(height > 0.12) & (height < 0.97)] = look.vest
    if look.bands is not None:
        shirt[(height > 0.25) & (height < 0.45)] = look.bands
    if look.hem > 0:
        length = look.hem * t
        low = pose.pelvis + np.array([0.0, 0, 0.06 * t])
        folds = low - [0, 0, length + 0.06 * t], low - [0, 0, length * 0.5 + 0.04 * t], low
        flare = t * g * np.array([[0.104, 0.082], [0.096, 0.074], [0.080, 0.060]])
        scene.mesh(tube(np.stack(folds), flare, 10), look.top * 0.94)
    scene.mesh(quads, shirt)
    neck = np.stack([pose.neck - up * 0.03, pose.head - [0, 0, 0.03 * t]])
    scene.mesh(tube(neck, t * np.array([0.034, 0.030]), 7), look.skin * 0.85)


def _head(scene: Scene, pose: Pose, look: Look) -> None:
    t = look.tall
    r = t * np.array([0.056, 0.046, 0.070])
    c = pose.head
    grown = {"helmet": 1.32, "hood": 1.22, "cap": 1.05, "hat": 1.05}.get(look.head, 1.06)
    quads = ellipsoid(c, r * grown, 11, 8)
    d = (quads.mean(axis=1) - c) / (r * grown)
    colour = np.repeat(look.skin[None], len(quads), axis=0)
    cover = look.hair if look.head == "hair" else look.head_colour
    if look.head in ("hair", "cap", "hat"):
        colour[(d[:, 2] < 0.25) & (d[:, 0] < -0.05) & (d[:, 2] > -0.45)] = look.hair
        colour[(d[:, 2] > 0.42) | ((d[:, 2] > 0.1) & (d[:, 0] < 0.25))] = cover
        colour[(np.abs(d[:, 2]) < 0.22) & (d[:, 0] > 0.55)] *= 0.78
    elif look.head == "hood":
        colour[(d[:, 0] < 0.45) | (d[:, 2] > 0.5)] = cover
    else:
        colour[(d[:, 0] < 0.30) | (d[:, 2] > 0.3) | (d[:, 2] < -0.75)] = cover
    scene.mesh(quads, colour, 0.9 if look.head == "helmet" else 0.05)
    if look.head in ("cap", "hat"):
        _brim(scene, c + np.array([0, 0, 0.028 * t]), t, look)


def _long_hair(scene: Scene, pose: Pose, look: Look) -> None:
    t = look.tall
    fall = pose.head + t * np.array([[-0.018, 0, 0.02], [-0.035, 0, -0.06], [-0.04, 0, -0.13]])
    radii = t * np.array([[0.045, 0.04], [0.05, 0.03], [0.03, 0.018]])
    scene.mesh(tube(fall, radii, 8), look.hair, 0.15)


def _brim(scene: Scene, at: Array, t: float, look: Look) -> None:
    a = np.arange(14) * (2 * np.pi / 14)
    reach = 0.085 if look.head == "hat" else 0.05
    across = np.sin(a) * reach * 0.9 * t
    pts = np.stack([np.cos(a) * reach * t, across, 0.004 * t * np.cos(a)], axis=1)
    if look.head == "cap":
        pts[:, 0] += 0.055 * t
    scene.patch(at + pts, look.head_colour * 0.62)
