"""Original training examples, drawn from their source once and kept for the next snapshot.

Sources are declared (`training.evaluation.sources`). No torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from inference.errors import UserError
from inference.fingerprint import file_sha256
from inference.registry import resolve
from training.evaluation.sources import REPLAYS
from training.store.home import Home

INDEX = "index.json"


def replayed(
    home: Home,
    source: str,
    n: int,
    seed: int,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """n examples as {"picture", "sha256", "pixels_sha256", "size_wh", "point_px", "name",
    "slices"}; picture is a file.

    Raises:
        UserError: (field "replay_share") the source has fewer, or there is no space.
    """
    if n == 0:
        return []
    folder = home.root / "replay" / f"{source}-{seed}"
    kept = _read(folder)
    if len(kept) < n:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            kept = list(_drawn(folder, source, n, seed, tell))
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
    return kept if all((folder / v["picture"]).is_file() for v in kept) else []


def _drawn(
    folder: Path, source: str, n: int, seed: int, tell: Callable[[int, int], None]
) -> Iterator[dict[str, Any]]:
    for i, case in enumerate(resolve(REPLAYS[source])(n, seed), 1):
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
            "point_px": [float(v) for v in case.point_px],
            "name": case.image.name,
            "slices": sorted(case.slices),
        }


def _write(folder: Path, kept: list[dict[str, Any]]) -> None:
    fresh = folder / f".{os.getpid()}-{INDEX}"
    fresh.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    os.replace(fresh, folder / INDEX)
