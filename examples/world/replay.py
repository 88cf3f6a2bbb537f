"""Original training scenes for replay, what marks a held-out scene, and scenes that a person
would correct. All are reached by string entries; knows no model."""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from examples.world.compose import render_scene
from examples.world.heldout import SEED_START as HELDOUT_SEED
from examples.world.heldout import UNSEEN, case, loop
from examples.world.sampling import plan_scene
from inference.inputs import ImageInput
from training.evaluation.sets import EvalCase, point_case

TRAIN_SEED, TRAIN_SCENES = 1_000_000, 24_576  # the scenes that the embedded base learned from
CORRECTED_SEED = 8_000_000
SIZE_WH = (640, 360)
HASHES = Path(__file__).with_name("heldout_hashes.txt")
HASH_DIGITS = 16
_SCENE = re.compile(r"\bworld-(\d+)\b")


def replay(n: int, seed: int) -> Iterator[EvalCase]:
    """n scenes of the adapters' training, in an order drawn from `seed`: no debris, no animals."""
    order = np.random.default_rng(seed).permutation(TRAIN_SCENES)
    for number in order:
        if n == 0:
            return
        scene_seed = TRAIN_SEED + int(number)
        if any(agent.kind in UNSEEN for agent in plan_scene(scene_seed).agents):
            continue
        scene = render_scene(scene_seed, SIZE_WH)
        if any(agent.kind in UNSEEN for agent in scene.agents):
            continue
        digest = hashlib.sha256(scene.image.tobytes()).hexdigest()
        image = ImageInput(scene.image, digest, f"world-{scene_seed}")
        n -= 1
        yield point_case(image, scene.hazard_point_px, scene.hazard.box_px, scene.slices)


def corrected(n: int, seed_start: int = CORRECTED_SEED) -> Iterator[EvalCase]:
    """n scenes whose hazard is debris or an animal, which the shipped adapters never learned."""
    for seed in range(seed_start, seed_start + n):
        yield case(seed, only=UNSEEN)


def is_heldout(name: str, pixels_sha256: str) -> bool:
    """Whether an image is one of the frozen held-out scenes: by the seed in its name, or by the
    hash of its RGB pixels (height, width, 3)."""
    match = _SCENE.search(name)
    if match is not None and int(match[1]) >= HELDOUT_SEED:
        return True
    return pixels_sha256[:HASH_DIGITS] in heldout_hashes()


@cache
def heldout_hashes() -> frozenset[str]:
    """First digits of the sha256 of each frozen held-out image's pixels."""
    return frozenset(HASHES.read_text(encoding="utf-8").split())


def main() -> None:
    """Write heldout_hashes.txt anew. Only after the drawn world itself was changed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--n", type=int, default=500, help="of the trained slices and the unseen")
    n = parser.parse_args().n
    lines = [one.image.content_hash[:HASH_DIGITS] for one in loop(n).cases()]
    HASHES.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
