"""Labelled scenes that folders of `examples` declare in a `sources.json`. Names none itself.

Each maps "TASK/NAME" to an entry "module:function":
splits: (n, seed_start) -> EvalSet. replay: (n, seed) -> iterator of EvalCase, those of n are the
first of those of n + 1. heldout: (name, sha256 of the pixels) -> whether the image belongs to a
frozen held-out set. corrected: (n, seed_start) -> iterator of EvalCase that a person would correct.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inference.errors import unknown
from inference.registry import resolve

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def declared(kind: str) -> dict[str, str]:
    """name -> entry, over all folders of `examples`."""
    found: dict[str, str] = {}
    for path in sorted(EXAMPLES.glob("*/sources.json")):
        found |= json.loads(path.read_text(encoding="utf-8")).get(kind, {})
    return found


SPLITS, REPLAYS = declared("splits"), declared("replay")
HELDOUT, CORRECTED = declared("heldout"), declared("corrected")


def source(kind: str, entries: dict[str, str], task: str, name: str) -> Any:
    """The task's function of that name. UserError with the alternatives where there is none."""
    if f"{task}/{name}" not in entries:
        known = [key.partition("/")[2] for key in entries if key.startswith(f"{task}/")]
        raise unknown(kind, name, known)
    return resolve(entries[f"{task}/{name}"])


def is_heldout(name: str, pixels_sha256: str) -> bool:
    """Whether any source counts the image among its frozen held-out scenes."""
    return any(resolve(entry)(name, pixels_sha256) for entry in HELDOUT.values())
