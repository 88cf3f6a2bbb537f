"""Picks the adapter that the page shows first, from the measured figures in the cards."""

from __future__ import annotations

import json

from examples.build.settings import ADAPTERS


def heldout_mse(name: str) -> float:
    """Held-out MSE (px²) under the paper's soft-argmax; infinite where it was not measured."""
    card = json.loads((ADAPTERS / name / "card.json").read_text())
    sides = card.get("heldout", {}).get("sides", {})
    plain = sides.get(f"{name}:soft_argmax") or sides.get(name, {})
    return float(plain.get("mse_px2", float("inf")))


def choose_default() -> str:
    """Write default.txt: the head with the lower held-out MSE. Returns its name."""
    best = min(sorted(p.parent.name for p in ADAPTERS.glob("*/head.json")), key=heldout_mse)
    (ADAPTERS / "default.txt").write_text(best + "\n")
    return best
