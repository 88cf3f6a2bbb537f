"""Renders the training scenes into shards on disk, so that later stages only read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from examples.build.settings import TRAIN_SEED, WORK, Recipe
from examples.world import Scene, render_scene

SHARDS = WORK / "scenes"
MAPS = ("image", "instances", "semantics", "depth_m")
MAP_SCALE = 2  # maps are stored at half the images' size


@dataclass(frozen=True)
class StoredScene:
    """A scene as it lies in a shard.

    image (H, W, 3) uint8; instances, semantics (H/2, W/2) uint8; depth_m (H/2, W/2) float16.
    truth: agents, hazard_index, slices, rationale, weather, time_of_day, road.
    """

    image: NDArray[np.uint8]
    instances: NDArray[np.uint8]
    semantics: NDArray[np.uint8]
    depth_m: NDArray[np.float16]
    truth: dict[str, Any]


def truth_of(scene: Scene) -> dict[str, Any]:
    """The scene's ground truth without its maps, ready for JSON."""
    return {
        "seed": scene.seed,
        "agents": [asdict(agent) for agent in scene.agents],
        "hazard_index": scene.hazard_index,
        "hazard_point_px": [float(v) for v in scene.hazard_point_px],
        "slices": sorted(scene.slices),
        "rationale": scene.rationale,
        "weather": scene.weather,
        "time_of_day": scene.time_of_day,
        "road": scene.road,
        "size_wh": [scene.image.shape[1], scene.image.shape[0]],
    }


def render_shard(index: int, recipe: Recipe) -> Path:
    """Render one shard unless it is there; written under another name first, so never half."""
    target = SHARDS / f"{index:05d}"
    if target.with_suffix(".json").exists():
        return target
    cv2.setNumThreads(1)
    first = TRAIN_SEED + index * recipe.shard
    scenes = [render_scene(first + i, recipe.stored_wh) for i in range(recipe.shard)]
    half = slice(MAP_SCALE // 2, None, MAP_SCALE)
    arrays = {
        "image": np.stack([s.image for s in scenes]),
        "instances": np.stack([s.instances[half, half] for s in scenes]).astype(np.uint8),
        "semantics": np.stack([s.semantics[half, half] for s in scenes]).astype(np.uint8),
        "depth_m": np.stack([s.depth_m[half, half] for s in scenes]).astype(np.float16),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(target.parent / f"{index:05d}.{name}.npy", array)
    partial = target.with_suffix(".part")
    partial.write_text(json.dumps([truth_of(s) for s in scenes], default=lambda v: v.item()))
    os.replace(partial, target.with_suffix(".json"))
    return target


def render_all(recipe: Recipe, device: str) -> None:
    """Render every missing shard, on all cores."""
    shards = range(recipe.scenes // recipe.shard)
    with ProcessPoolExecutor() as pool:
        for done in pool.map(render_shard, shards, [recipe] * len(shards)):
            print(f"scenes {done.name}", flush=True)


@cache
def _open(path: Path) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        name: np.load(path.parent / f"{path.name}.{name}.npy", mmap_mode="r") for name in MAPS
    }
    arrays["truth"] = json.loads(path.with_suffix(".json").read_text())
    return arrays


def available() -> list[Path]:
    """Shards that are complete, in order."""
    return sorted(p.with_suffix("") for p in SHARDS.glob("?????.json"))


def read(path: Path, index: int) -> StoredScene:
    """One scene of a shard; the arrays are copies."""
    shard = _open(path)
    maps = {name: _row(shard[name], index) for name in MAPS}
    return StoredScene(**maps, truth=shard["truth"][index])


def _row(array: np.memmap[Any, Any], index: int) -> NDArray[Any]:
    """One row by a plain read: faulting its pages in one by one costs more than all the rest."""
    shape = array.shape[1:]
    count = int(np.prod(shape))
    start = array.offset + index * count * array.dtype.itemsize
    return np.fromfile(str(array.filename), array.dtype, count, offset=start).reshape(shape)


def count(path: Path) -> int:
    """Scenes in a shard."""
    return len(_open(path)["truth"])


def endless(rng: np.random.Generator) -> Iterator[StoredScene]:
    """Scenes in random order without end; picks up shards as they are finished."""
    queue: list[tuple[Path, int]] = []
    while True:
        if not queue:
            queue = [(p, i) for p in available() for i in range(count(p))]
            rng.shuffle(queue)  # type: ignore[arg-type]
        yield read(*queue.pop())
