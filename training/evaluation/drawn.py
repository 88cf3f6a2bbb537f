"""Cases of a source, drawn once and stored: an image each, with its answer in the list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.errors import UserError
from inference.fields import values_to_json
from inference.fingerprint import file_sha256
from inference.registry import task as find_task
from inference.schema import ImageInput
from training.evaluation.sets import EvalCase
from training.store.whole import whole

Row = dict[str, Any]


def store(
    folder: Path,
    cases: Iterable[EvalCase],
    tell: Callable[[int], None] = lambda done: None,
    field: str | None = None,
) -> list[Row]:
    """{"picture", "sha256", "pixels_sha256", "size_wh", "values", "name", "slices"} of each case;
    picture is a file's name. Raises UserError (with that field) where there is no space."""
    rows = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, case in enumerate(cases, 1):
            path = folder / f"{case.image.name}.png"
            with whole(path) as fresh:
                Image.fromarray(case.image.pixels).save(fresh, "PNG", compress_level=1)
            rows.append(_row(path, case))
            tell(number)
    except OSError as error:
        raise UserError(
            "The drawn images could not be written",
            expected=f"a folder that can be written at {folder}",
            got=str(error.strerror or error),
            hint="Free some space; what was there before is unchanged",
            field=field,
        ) from error
    return rows


def _row(path: Path, case: EvalCase) -> Row:
    return {
        "picture": path.name,
        "sha256": file_sha256(path),
        "pixels_sha256": case.image.content_hash,
        "size_wh": list(case.image.size_wh),
        "values": values_to_json(case.truth),
        "name": case.image.name,
        "slices": sorted(case.slices),
    }


def stored_case(folder: Path, task: str, row: Row) -> EvalCase:
    """The case again, its image read."""
    with Image.open(folder / row["picture"]) as image:
        pixels = np.asarray(image.convert("RGB"))
    return EvalCase(
        ImageInput(pixels, row["pixels_sha256"], row["name"]),
        find_task(task).values(row["values"]),
        frozenset(row["slices"]),
    )
