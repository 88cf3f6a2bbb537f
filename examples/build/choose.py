"""Picks the adapter that the page shows first, from the measured figures in the cards."""

from __future__ import annotations

import json
import subprocess
import sys

from examples.build.settings import ADAPTERS, Recipe


def heldout_mse(name: str) -> float:
    """Held-out MSE (px²) under the paper's soft-argmax; infinite where it was not measured."""
    card = json.loads((ADAPTERS / name / "card.json").read_text())
    sides = card.get("heldout", {}).get("sides", {})
    plain = sides.get(f"{name}:soft_argmax") or sides.get(name, {})
    return float(plain.get("mse_px2", float("inf")))


def choose_default(recipe: Recipe, device: str) -> None:
    """Measure the adapters, write the figures into their cards and the name of the head with the
    lower held-out MSE into default.txt."""
    command = [sys.executable, "-m", "training.evaluation.run", "--write-cards", "--device", device]
    subprocess.run(command, check=True)
    best = min(sorted(p.parent.name for p in ADAPTERS.glob("*/head.json")), key=heldout_mse)
    (ADAPTERS / "default.txt").write_text(best + "\n")
    print(f"default adapter: {best}", flush=True)
