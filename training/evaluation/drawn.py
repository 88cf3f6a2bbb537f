"""Cases of a source, drawn once and stored: an image or clip each, with its answer in the list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from inference.errors import UserError
from inference.fields import values_to_json
from inference.fingerprint import file_sha256
from inference.inputs import ClipInput, ImageInput, Media
from inference.media import load_media
from inference.registry import task as find_task
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
            rows.append(_row(_write(folder, case.image), case))
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


def _write(folder: Path, media: Media) -> Path:
    """An image as PNG, a clip as MP4."""
    if isinstance(media, ClipInput):
        from inference.clips import write_clip  # PyAV, only where there is a clip

        path = folder / f"{media.name}.mp4"
        with whole(path) as fresh:
            write_clip(fresh, media.pixels, media.times_s, media.views)
        return path
    path = folder / f"{media.name}.png"
    with whole(path) as fresh:
        Image.fromarray(media.pixels).save(fresh, "PNG", compress_level=1)
    return path


def _row(path: Path, case: EvalCase) -> Row:
    clip = isinstance(case.image, ClipInput)  # its file is read with other pixels than were drawn
    return {
        "picture": path.name,
        "sha256": file_sha256(path),
        "pixels_sha256": load_media(path).pixels_sha256 if clip else case.image.content_hash,
        "size_wh": list(case.image.size_wh),
        "values": values_to_json(case.truth),
        "name": case.image.name,
        "slices": sorted(case.slices),
    }


def stored_case(folder: Path, task: str, row: Row) -> EvalCase:
    """The case again, its image or clip read."""
    media = replace(load_media(folder / row["picture"]), name=row["name"])
    if isinstance(media, ImageInput):
        media = replace(media, content_hash=row["pixels_sha256"])
    return EvalCase(media, find_task(task).values(row["values"]), frozenset(row["slices"]))
