"""Stage 2: what the finished vision tower makes of every training scene, kept on disk, so that the
language model trains on features and never runs the tower again."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from examples.build.model import patches_of, encode, vision_angles
from examples.build.scenes import StoredScene, available, count, read
from examples.build.settings import WORK, Recipe
from examples.build.views import View, make_view

FOLDER = WORK / "features"


@dataclass(frozen=True)
class Encoded:
    """A view whose image has been replaced by features (tokens, d) float16."""

    grid: tuple[int, int]
    features: np.ndarray
    view: View


def cache(visual: nn.Module, recipe: Recipe, device: str, views: int) -> None:
    """Compute what is missing: `views` random views of each scene, one file a shard and view."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    encoder = torch.compile(encode, dynamic=False)
    head = recipe.shape.vision_width // recipe.shape.vision_heads
    angles = {g: vision_angles(*g, head, device) for g in recipe.grids}
    for path in available():
        for k in range(views):
            target = FOLDER / f"{path.name}-{k}.pkl"
            if not target.exists():
                encoded = _shard(visual, recipe, device, path, k, encoder, angles)
                partial = target.with_suffix(".part")
                partial.write_bytes(pickle.dumps(encoded))
                os.replace(partial, target)
                print(f"features {target.name}", flush=True)


def _shard(visual, recipe, device, path, k, encoder, angles):  # type: ignore[no-untyped-def]
    """One grid for each group of 32 scenes, so that they run as one batch."""
    rng = np.random.default_rng([int(path.name), k, recipe.vision.seed])
    size = count(path)
    out: list[Encoded] = []
    for first in range(0, size, 32):
        grid = recipe.grids[rng.choice(len(recipe.grids), p=recipe.grid_shares)]
        batch = [make_view(read(path, i), grid, rng) for i in range(first, min(first + 32, size))]
        images = torch.from_numpy(np.stack([v.image for v in batch])).to(device)
        with torch.inference_mode():
            tokens = encoder(visual, patches_of(images), angles[grid])
        features = tokens.half().cpu().numpy()
        out += [Encoded(grid, f, _light(v)) for f, v in zip(features, batch, strict=True)]
    return out


def _light(view: View) -> View:
    """The view without what the language stages never read."""
    none = np.empty((0, 0), np.uint8)
    truth = {k: v for k, v in view.scene.truth.items() if k != "agents"}
    truth["kinds"] = sorted({a["kind"] for a in view.scene.truth["agents"]})
    scene = StoredScene(none, none, none, none.astype(np.float16), truth)
    return replace(view, image=none, instances=none, depth_m=none.astype(np.float32), scene=scene)


def load() -> list[Encoded]:
    """Everything that is cached. The files are this build's own."""
    encoded: list[Encoded] = []
    for path in sorted(FOLDER.glob("*.pkl")):
        encoded += pickle.loads(path.read_bytes())
    return encoded
