"""Picks what the page shows first, from the measured figures in the adapters' cards.

The better head (lower held-out MSE under the paper's decoding) becomes the default adapter. Each
head is shown with the decoding that points at the hazard more often: plain soft-argmax falls
between two candidates (FACTS.md), so its lower MSE can hide that it points at nothing.
"""

from __future__ import annotations

import json
from typing import Any

from examples.build.settings import ADAPTERS

RULES = ("soft_argmax", "window")


def _sides(name: str) -> dict[str, Any]:
    card = json.loads((ADAPTERS / name / "card.json").read_text())
    sides: dict[str, Any] = card.get("heldout", {}).get("sides", {})
    return sides


def _under(sides: dict[str, Any], name: str, rule: str) -> dict[str, float]:
    """Figures of a head under a decoding; the plain name stands for the head's default one."""
    figures: dict[str, float] = sides.get(f"{name}:{rule}") or sides[name]
    return figures


def choose_default() -> str:
    """Write default.txt and each head's decoding; returns the default adapter's name."""
    names = sorted(p.parent.name for p in ADAPTERS.glob("*/head.json"))
    measured = [name for name in names if name in _sides(name)]
    for name in measured:
        sides = _sides(name)
        path = ADAPTERS / name / "head.json"
        config = json.loads(path.read_text())
        config["decode"] = max(RULES, key=lambda rule: _under(sides, name, rule)["hit_50px"])
        path.write_text(json.dumps(config, indent=2) + "\n")
    best = min(
        measured or names,
        key=lambda n: _under(_sides(n), n, "soft_argmax")["mse_px2"] if n in measured else 0.0,
    )
    (ADAPTERS / "default.txt").write_text(best + "\n")
    return best
