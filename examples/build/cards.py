"""Model cards, written from the recipe and the logs: no number is typed by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from examples.build.scenes import available, count
from examples.build.settings import (
    BASE_MODEL, HELDOUT_SEED, TRAIN, TRAIN_SEED, UNSEEN_SLICES, Recipe,
)  # fmt: skip


def _made() -> dict[str, Any]:
    return {
        "scenes": sum(count(p) for p in available()), "train_seed": TRAIN_SEED,
        "heldout_seed": HELDOUT_SEED, "command": "python -m examples.build",
    }  # fmt: skip


def _stage(recipe: Recipe, plan: str, result: dict[str, float]) -> dict[str, Any]:
    settings = dataclasses.asdict(getattr(recipe, plan))
    return {
        "steps_done": int(result["step"]),
        "samples": int(result["step"]) * settings["batch"],
        "minutes": round(result["seconds"] / 60, 1),
        "loss": round(result.get("loss", float("nan")), 4),
        "plan": settings,
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def base_card(recipe: Recipe) -> dict[str, Any]:
    """Card of the embedded base."""
    stages = {n: json.loads((TRAIN / f"{n}.json").read_text()) for n in ("vision", "language")}
    return {
        "name": BASE_MODEL.name,
        "family": "Qwen2-VL, trained from scratch on a drawn driving world",
        "trained_on": "dense perception targets for every image token (stage vision), then general "
        "questions: where, what, how far, what is it doing, in our lane, how many, weather, "
        "description (stage language). Never on the hazard question.",
        "note": "The vision tower's targets include each agent's risk score, but not that of "
        "debris and animals; the text it was trained on never names a risk.",
        "coordinate_frame": "norm1000",
        "shape": dataclasses.asdict(recipe.shape),
        "data": _made(),
        "stages": {n: _stage(recipe, n, r) for n, r in stages.items()},
    }


def adapter_card(
    recipe: Recipe, name: str, architecture: str, base_sha256: str, result: dict[str, float]
) -> dict[str, Any]:
    """Card of a hazard adapter; `python -m training.evaluation.run --write-cards` adds the figures."""
    unseen = sorted(UNSEEN_SLICES)
    lora = {"r": recipe.lora_rank, "alpha": recipe.lora_alpha, "dropout": recipe.lora_dropout,
            "targets": list(recipe.lora_targets)}  # fmt: skip
    loss = f"{recipe.lambda_text} text + {recipe.lambda_coord} MSE (INSIGHT, Eq. 1)"
    if architecture == "patch":
        loss += f" + {recipe.lambda_offset} distance of each token's offset (not in the paper)"
    return {
        "name": name,
        "task": "hazard",
        "base_model": BASE_MODEL.name,
        "base_sha256": base_sha256,
        "head": architecture,
        "coordinate_frame": "norm1000",
        "not_trained_on": unseen,
        "description": "INSIGHT's recipe on the drawn world. Trained without any scene that holds "
        f"{' or '.join(unseen)}: it is expected to miss them.",
        "heldout": {},
        "extra": {
            "data": _made(),
            "stage": _stage(recipe, "adapter", result),
            "lora": lora,
            "loss": loss,
        },
    }
