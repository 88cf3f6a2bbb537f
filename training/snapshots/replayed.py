"""Original training examples, drawn from their source once and kept for the next snapshot.

Sources are declared (`training.evaluation.sources`). No torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from inference.errors import UserError
from inference.fields import values_to_json
from inference.fingerprint import file_sha256
from training.evaluation.sets import EvalCase
from training.evaluation.sources import REPLAYS
from training.evaluation.sources import source as find_source
from training.store.home import Home

INDEX = "index.json"


def replayed(
    home: Home,
    task: str,
    source: str,
    n: int,
    seed: int,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """n examples as {"picture", "sha256", "pixels_sha256", "size_wh", "values", "name",
    "slices"}; picture is a file.

    Raises:
        UserError: (field "replay_share") the source has fewer, or there is no space.
    """
    if n == 0:
        return []
    folder = home.root / "replay" / f"{task}-{source}-{seed}"
    kept = _read(folder)
    if len(kept) < n:
        draw = find_source("source of replay", REPLAYS, task, source)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            kept = list(_drawn(folder, draw, n, seed, tell))
            _write(folder, kept)
        except OSError as error:
            raise UserError(
                "The replayed pictures could not be written",
                expected=f"a folder that can be written at {folder}",
                got=str(error.strerror or error),
                hint="Free some space; nothing was changed",
                field="replay_share",
            ) from error
    if len(kept) < n:
        raise UserError(
            "There are not so many training examples to replay",
            expected=f"at most {len(kept)}",
            got=str(n),
            field="replay_share",
        )
    return [{**values, "picture": str(folder / values["picture"])} for values in kept[:n]]


def _read(folder: Path) -> list[dict[str, Any]]:
    """What is kept there, without what is incomplete."""
    try:
        kept: list[dict[str, Any]] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    whole = all("values" in v and (folder / v["picture"]).is_file() for v in kept)
    return kept if whole else []


def _drawn(
    folder: Path,
    draw: Callable[[int, int], Iterable[EvalCase]],
    n: int,
    seed: int,
    tell: Callable[[int, int], None],
) -> Iterator[dict[str, Any]]:
    for i, case in enumerate(draw(n, seed), 1):
        name = f"{case.image.name}.png"
        fresh = folder / f".{os.getpid()}-{name}"
        Image.fromarray(case.image.pixels).save(fresh, format="PNG", compress_level=1)
        os.replace(fresh, folder / name)
        tell(i, n)
        yield {
            "picture": name,
            "sha256": file_sha256(folder / name),
            "pixels_sha256": case.image.content_hash,
            "size_wh": list(case.image.size_wh),
            "values": values_to_json(case.truth),
            "name": case.image.name,
            "slices": sorted(case.slices),
        }


def _write(folder: Path, kept: list[dict[str, Any]]) -> None:
    fresh = folder / f".{os.getpid()}-{INDEX}"
    fresh.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    os.replace(fresh, folder / INDEX)
