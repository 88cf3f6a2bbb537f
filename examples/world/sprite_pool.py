"""Sprites at the right metric size; those of bystanders come from a cache of quantised views.

A hazard is drawn anew at its exact angle. Bystanders take one of a few variants at steps of 15
degrees, mirrored where that halves the cache, because drawing a sprite costs as much as a road.
What is drawn is recorded once for all its angles, which is half of that cost.
"""

from __future__ import annotations

import math
import zlib
from functools import lru_cache, partial
from typing import Any

import cv2
import numpy as np

from examples.world.plan import AgentPlan
from examples.world.sprites import AGENT_SIZES_M, Signals, Sprite, make_sprite
from examples.world.sprites.factory import DARK, DETAILED, ONE_VIEW, PLAIN, ViewOf, record, render
from examples.world.sprites.shapes import Scene
from examples.world.sprites.view import View

VARIANTS = 3
YAW_STEP = math.radians(15)
TIERS_PX = (56, 160, 400)
MIRROR = {"left": "right", "right": "left"}
CACHE = 6000
RECORDS = 1000
POOL_DEPTH_M = 13.0
POOL_CAMERA_M = 1.4


def _fit(sprite: Sprite, focal: float, depth_m: float, size: float, flip: bool) -> Sprite:
    """The sprite at the pixel size that its metric size has at ``depth_m``."""
    tall = max(3, round(focal / depth_m * sprite.height_m * size))
    h, w = sprite.rgba.shape[:2]
    wide = max(2, round(w * tall / h))
    mode = cv2.INTER_AREA if tall < h else cv2.INTER_LINEAR

    def fitted(layer: np.ndarray) -> np.ndarray:
        layer = cv2.flip(layer, 1) if flip else layer
        if abs(tall - h) <= 0.02 * h:
            return layer
        return np.asarray(cv2.resize(layer, (wide, tall), interpolation=mode))

    rgba = fitted(sprite.rgba)
    dark = cv2.countNonZero(sprite.emissive) == 0  # most are, and nothing need be resized then
    glow = np.zeros(rgba.shape[:2], np.float32) if dark else fitted(sprite.emissive)
    return Sprite(rgba, glow, sprite.width_m * size, sprite.height_m * size)


@lru_cache(maxsize=RECORDS)
def _recorded(kind: str, colour: str, signals: Signals, variant: int, height_px: int,
              yaw_step: int) -> tuple[Scene, Any]:  # fmt: skip
    """A bystander as seen from any side, and where its random stream stands after that."""
    rng = np.random.default_rng(zlib.crc32(f"{kind}{colour}{variant}".encode()))
    fine = height_px / AGENT_SIZES_M[kind]
    view_of = _view(yaw_step)
    scene = record(kind, px_per_m=fine, rng=rng, colour=colour, view_of=view_of, signals=signals)
    return scene, rng.bit_generator.state


def _view(yaw_step: int) -> ViewOf:
    return partial(View.of, yaw_step * YAW_STEP, POOL_CAMERA_M, POOL_DEPTH_M)


@lru_cache(maxsize=CACHE)
def _pooled(kind: str, colour: str, yaw_step: int, signals: Signals, variant: int,
            height_px: int) -> Sprite:  # fmt: skip
    seen_from = yaw_step if kind in ONE_VIEW else 0
    fine_px = height_px if kind in DETAILED else TIERS_PX[0]
    scene, state = _recorded(kind, colour, signals, variant, fine_px, seen_from)
    stream = np.random.PCG64(0)
    stream.state = state
    return render(kind, scene, _view(yaw_step), height_px, np.random.Generator(stream))


def forget_sprites() -> None:
    """Empty the pool. Scenes look the same without it, they only take longer."""
    _pooled.cache_clear()
    _recorded.cache_clear()


def bystander(agent: AgentPlan, yaw_rad: float, focal: float, lights: bool,
              rng: np.random.Generator) -> Sprite:  # fmt: skip
    """Sprite of an agent that is no hazard, from the cache."""
    px = focal / agent.z_m * AGENT_SIZES_M[agent.kind] * agent.size
    tier = next((t for t in TIERS_PX if px <= t * 1.3), TIERS_PX[-1])
    flip = yaw_rad < 0
    blink = MIRROR.get(agent.indicating or "") if flip else agent.indicating
    signals = DARK if agent.kind in PLAIN else Signals(agent.braking, blink, lights)
    step, variant = round(abs(yaw_rad) / YAW_STEP), int(rng.integers(0, VARIANTS))
    sprite = _pooled(agent.kind, agent.colour, step, signals, variant, tier)
    return _fit(sprite, focal, agent.z_m, agent.size, flip)


def protagonist(agent: AgentPlan, yaw_rad: float, focal: float, camera_m: float, lights: bool,
                rng: np.random.Generator) -> Sprite:  # fmt: skip
    """Sprite of the hazard, drawn at its own angle, distance and height."""
    px = focal / agent.z_m * AGENT_SIZES_M[agent.kind] * agent.size
    sprite = make_sprite(
        agent.kind, yaw_rad=yaw_rad, height_px=max(4, round(px)), rng=rng, colour=agent.colour,
        signals=Signals(agent.braking, agent.indicating, lights), camera_height_m=camera_m,
        depth_m=max(agent.z_m, 2.5),
    )  # fmt: skip
    return _fit(sprite, focal, agent.z_m, agent.size, False)
