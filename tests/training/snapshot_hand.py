"""Homes with corrections, snapshots of them, and configs for the worker: all tiny."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.inputs import ImageInput
from tests.fixes import hazard_fix
from training.evaluation.sets import EvalCase, point_case
from training.jobs.config import WorkerConfig
from training.jobs.settings import TrainSettings
from training.snapshots.freezing import freeze
from training.snapshots.plan import plan_snapshot
from training.snapshots.types import Snapshot
from training.store.feedback import Feedback
from training.store.home import Home, find_home

WH = (112, 84)
REPLAY_ENTRY = "tests.training.snapshot_hand:replay_source"
# Small, on a CPU, and with everything in it that has state: dropout, accumulation, warm-up.
SMALL = TrainSettings(
    optimiser="adamw",
    quantize="none",
    precision="fp32",
    gradient_checkpointing=False,
    head="patch",
    max_pixels=0,
    epochs=2,
    batch=2,
    learning_rate=1e-2,
    lambda_coord=1.0,
    validation_share=0.25,
    checkpoint_every=2,
)


def picture(folder: Path, number: int, wh: tuple[int, int] = WH) -> Path:
    """A noise picture with a bright square; number decides everything."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 120, (wh[1], wh[0], 3), dtype=np.uint8)
    x, y = point(number)
    pixels[int(y) - 4 : int(y) + 4, int(x) - 4 : int(x) + 4] = 255
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"picture{number}.png"
    Image.fromarray(pixels).save(path)
    return path


def point(number: int) -> tuple[float, float]:
    return 20.0 + (number * 13) % 70, 20.0 + (number * 7) % 45


def home_with(tmp_path: Path, n: int, accept: bool = True) -> tuple[Home, list[str]]:
    """A home with n corrected pictures; ids of the corrections."""
    home = find_home(tmp_path / "home")
    feedback, ids = Feedback(home), []
    for number in range(n):
        media = feedback.add_media(picture(tmp_path / "in", number), name=f"scene{number}.png")
        ids.append(correct(feedback, media, point(number), "ann"))
    if accept and ids:
        feedback.review(ids, "accept", "rob")
    return home, ids


def correct(feedback: Feedback, media: str, at: tuple[float, float] | None, author: str) -> str:
    payload = hazard_fix("none") if at is None else hazard_fix("wrong", at)
    made = feedback.correct(
        task="hazard", media=media, prediction=None, payload=payload, author=author
    )
    return made.id


def replay_source(n: int, seed: int) -> Iterator[EvalCase]:
    """In place of the drawn world, which takes seconds."""
    for i in range(n):
        number = 1000 + i
        pixels = np.random.default_rng([number, seed]).integers(
            0, 255, (WH[1], WH[0], 3), dtype=np.uint8
        )
        image = ImageInput(pixels, f"{number:064x}", f"world-{1_000_000 + i}")
        yield point_case(image, (30.0, 40.0), None, frozenset({"pedestrian"}))


def snapshot(home: Home, **options: Any) -> Snapshot:
    plan = plan_snapshot(Feedback(home), validation_share=0.25, **options)
    return freeze(home, plan, "rob")


def config(
    home: Home, made: Snapshot, base: Path, folder: Path, *, job: str | None = None, **values: Any
) -> WorkerConfig:
    """values: fields of WorkerConfig, or settings that differ from SMALL."""
    known = {"resume", "parent_adapter", "name", "device"}
    own = {k: v for k, v in values.items() if k in known}
    settings = SMALL.changed_by(**{k: v for k, v in values.items() if k not in known})
    return WorkerConfig(
        job=job,
        home=home.root,
        snapshot=made.hash,
        settings=settings,
        base=str(base),
        parent_adapter=own.pop("parent_adapter", None),
        output=folder / "adapter",
        name=own.pop("name", "tiny"),
        checkpoints=folder / "checkpoints",
        device=own.pop("device", "cpu"),
        **own,
    )


def figures(text: str) -> list[dict[str, float]]:
    """The lines that a worker printed for its metrics."""
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"step"')]
