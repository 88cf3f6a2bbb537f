"""The frozen held-out scenes of the drawn world. No training script may use these seeds.

Some are without debris and animals, as the adapters were trained; others have nothing but those
as hazards, from another range of seeds: how many of each is the split's choice. Knows no model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from examples.world.compose import render_scene
from examples.world.sampling import box_fraction, plan_scene
from inference.inputs import ImageInput
from training.evaluation.sets import EvalCase, EvalSet, point_case

SEED_START = 9_000_000
UNSEEN_OFFSET = 100_000  # seeds of the unseen hazards start this far behind SEED_START
N = 500
SIZE_WH = (1280, 720)
UNSEEN = frozenset({"debris", "animal"})
NOTHING: frozenset[str] = frozenset()


def heldout(n: int = N, seed_start: int = SEED_START) -> EvalSet:
    """n scenes of the trained slices, then a fifth as many (at least one) of the unseen ones."""
    return _split("heldout", n, max(1, n // 5), seed_start)


def proof(n: int = 120, seed_start: int = SEED_START) -> EvalSet:
    """A short form for the proof of a training on two cores: the first n of the trained slices and
    a third as many of the unseen ones."""
    return _split("heldout", n, max(1, n // 3), seed_start)


def loop(n: int = N, seed_start: int = SEED_START) -> EvalSet:
    """For the proof that corrections help: as many scenes of the unseen hazards as of the others.
    The first fifth of them are those of `heldout`, whose interval is too wide to tell -38 from
    -42 %."""
    return _split("loop", n, n, seed_start)


def _split(name: str, n: int, apart: int, seed_start: int) -> EvalSet:
    """n scenes of the trained slices, then `apart` of the unseen ones."""
    cases = partial(_cases, n, apart, seed_start)
    return EvalSet(name, n + apart, cases, best_constant01(), UNSEEN)


def _cases(n: int, apart: int, seed_start: int) -> Iterator[EvalCase]:
    for seed in range(seed_start, seed_start + n):
        yield case(seed, exclude=UNSEEN)
    for seed in range(seed_start + UNSEEN_OFFSET, seed_start + UNSEEN_OFFSET + apart):
        yield case(seed, only=UNSEEN)


def case(seed: int, exclude: frozenset[str] = NOTHING, only: frozenset[str] = NOTHING) -> EvalCase:
    """One scene at 1280x720 with its hazard's point and box."""
    scene = render_scene(seed, SIZE_WH, exclude=exclude, only=only)
    digest = hashlib.sha256(scene.image.tobytes()).hexdigest()
    image = ImageInput(scene.image, digest, f"world-{seed}")
    return point_case(image, scene.hazard_point_px, scene.hazard.box_px, scene.slices)


@cache
def best_constant01(scenes: int = 1000) -> tuple[float, float]:
    """The mean hazard point, as fractions of width and height, over the plans of training seeds
    0 .. scenes-1: the constant with the least squared error there. From the plans' rough boxes,
    since drawing them would take minutes."""
    boxes = []
    for seed in range(scenes):
        plan = plan_scene(seed, UNSEEN)
        boxes.append(box_fraction(plan.agents[0], plan.camera))
    x1, y1, x2, y2 = np.clip(np.array(boxes), 0, 1).mean(0)
    return float(x1 + x2) / 2, float(y1 + y2) / 2
