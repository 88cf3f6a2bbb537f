"""How many images a frozen snapshot holds, by where they came from."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from inference.errors import UserError
from training.snapshots.freezing import load_snapshot
from training.snapshots.types import CORRECTED, REPLAY
from training.store.home import Home


def snapshot_counts(home: Home, snapshot: str) -> tuple[int, int] | None:
    """Corrected and replayed images of a frozen snapshot; None where there is none."""
    if not snapshot:
        return None
    try:
        return _counts(home, snapshot)
    except UserError:
        return None


@lru_cache(maxsize=64)  # a snapshot never changes
def _counts(home: Home, snapshot: str) -> tuple[int, int]:
    manifest = load_snapshot(home, snapshot).manifest
    sources = Counter(e["source"] for e in manifest["examples"])
    return sources[CORRECTED], sources[REPLAY]
