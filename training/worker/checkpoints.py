"""Checkpoints that are whole or not there, and the best weights so far. Knows file names only.

A checkpoint counts when its marker is there, which is written last. The marker keeps the settings
of the run, so that a resume never goes on with others without a word.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from inference.errors import UserError
from training.jobs.failures import MARKER
from training.jobs.settings import TrainSettings, changed
from training.store.whole import whole, write_json

WEIGHTS, BEST = "trainable.safetensors", "best.safetensors"
KEPT = 2
# What may differ between a run and its resumption: none of these changes a weight.
FREE = {"time_limit_minutes", "checkpoint_every", "cache_features", "threads"}
_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Mark:
    """Of a whole checkpoint. seconds: of training until then."""

    folder: Path
    step: int
    seconds: float
    settings: dict[str, Any]
    snapshot: str


def mark(folder: Path, seconds: float, settings: TrainSettings, snapshot: str) -> None:
    """Declare a checkpoint whole, and drop older ones."""
    values = {"seconds": seconds, "settings": settings.to_json(), "snapshot": snapshot}
    write_json(folder / MARKER, values, durable=True)
    for old in complete(folder.parent)[:-KEPT]:
        shutil.rmtree(old.folder, ignore_errors=True)


def complete(folder: Path) -> list[Mark]:
    """The whole checkpoints in a run's folder, oldest step first."""
    found = []
    for path in folder.glob("checkpoint-*"):
        match = _NAME.fullmatch(path.name)
        if match is None or not (path / MARKER).is_file():
            continue
        values = json.loads((path / MARKER).read_text(encoding="utf-8"))
        found.append(Mark(path, int(match[1]), **values))
    return sorted(found, key=lambda m: m.step)


def newest(folder: Path, settings: TrainSettings, snapshot: str) -> Mark | None:
    """Where a run goes on from, or None. Unfinished checkpoints are removed. Raises UserError: the
    checkpoint is of another snapshot, or its settings differ; names them."""
    marks = complete(folder)
    kept = {m.folder for m in marks}
    for path in folder.glob("checkpoint-*"):
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)
    if not marks:
        return None
    last = marks[-1]
    if last.snapshot != snapshot:
        raise UserError(
            "The checkpoint is of another snapshot",
            expected=snapshot[:16],
            got=last.snapshot[:16],
            hint="Retry, which starts a new run",
            field="snapshot",
        )
    differ = changed(TrainSettings.from_json(last.settings), settings)
    if real := sorted(set(differ) - FREE):
        before, after = differ[real[0]]
        raise UserError(
            "A run goes on with the settings that it began with",
            expected=f"{real[0]} = {before}",
            got=str(after),
            hint="Retry with changed settings, which starts a new run",
            field=real[0],
        )
    return last


def forget(folder: Path) -> None:
    """Remove what an earlier run left in the folder."""
    for path in folder.glob("checkpoint-*"):
        shutil.rmtree(path, ignore_errors=True)
    (folder / BEST).unlink(missing_ok=True)


def save_weights(state: dict[str, Tensor], path: Path, **metadata: str) -> None:
    """Whole or not at all."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in state.items()}
    with whole(path) as fresh:
        save_file(tensors, fresh, metadata=metadata)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Raises UserError where the file is damaged."""
    try:
        state: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(
            "A checkpoint cannot be read",
            got=f"{path}: {error}"[:200],
            hint="Retry, which starts a new run",
        ) from error
    return state


def best_so_far(folder: Path) -> tuple[float, int] | None:
    """Score and step of the best weights that are kept, or None."""
    path = folder / BEST
    if not path.is_file():
        return None
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    return float(metadata["score"]), int(metadata["step"])


def keep_best(folder: Path, state: dict[str, Tensor], score: float, step: int) -> bool:
    """Keep these weights if their score (lower is better) beats the kept ones'. Whether it did."""
    kept = best_so_far(folder)
    if kept is not None and kept[0] <= score:
        return False
    save_weights(state, folder / BEST, score=repr(score), step=str(step))
    return True
