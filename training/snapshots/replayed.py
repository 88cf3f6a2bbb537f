"""Original training examples, drawn from their source once and stored for the next snapshot.

Sources are declared (`training.evaluation.sources`). No torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from inference.errors import UserError
from training.evaluation.drawn import Row, store
from training.evaluation.sources import REPLAYS
from training.evaluation.sources import source as find_source
from training.store.home import Home
from training.store.whole import write_json

INDEX = "index.json"


def replayed(
    home: Home,
    task: str,
    source: str,
    n: int,
    seed: int,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """n examples, as `drawn.store` gives them; picture is a path. Raises UserError (field
    "replay_share"): the source has fewer, or there is no space."""
    if n == 0:
        return []
    folder = home.root / "replay" / f"{task}-{source}-{seed}"
    rows = _read(folder)
    if len(rows) < n:
        draw = find_source("source of replay", REPLAYS, task, source)
        rows = store(folder, draw(n, seed), lambda done: tell(done, n), "replay_share")
        write_json(folder / INDEX, rows)
    if len(rows) < n:
        raise UserError(
            "There are not so many training examples to replay",
            expected=f"at most {len(rows)}",
            got=str(n),
            field="replay_share",
        )
    return [{**row, "picture": str(folder / row["picture"])} for row in rows[:n]]


def _read(folder: Path) -> list[Row]:
    """What is stored there; [] where something is missing."""
    try:
        rows: list[Row] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    complete = all("values" in row and (folder / row["picture"]).is_file() for row in rows)
    return rows if complete else []
