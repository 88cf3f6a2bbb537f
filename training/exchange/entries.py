"""A row found in a file becomes a correction that may be kept, or a reason why not.

Nothing in the row is believed: the image is decoded under inference.media's limits, the payload
is checked as if a page had sent it, and the point must lie in the image. Knows no database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inference.checks import check_choice, check_text
from inference.correction import Fix
from inference.errors import UserError
from inference.fields import Point, Value, values_to_json
from inference.inputs import MediaKind, media_kind
from inference.media import MAX_BYTES, load_media
from inference.registry import task as find_task
from inference.tasks.base import Task
from training.evaluation.insight import Found, from_messages, inside
from training.exchange.fields import MODEL, from_cells
from training.exchange.rows import DEFAULT_TASK, Fields
from training.store.cases import STATUSES
from training.store.correcting import check_inside

MAX_NAME = 200  # characters, as the store allows
MAX_MEDIA_NAME = 1000
MAX_SLICES = 50
OLD_VERDICTS = {"no_hazard": "none"}  # of files that earlier versions wrote


@dataclass(frozen=True)
class Picture:
    """A decoded image or clip that lies in a file, ours for the time of the import."""

    path: Path
    sha256: str
    size_wh: tuple[int, int]
    pixels_sha256: str
    kind: MediaKind
    duration_s: float | None


@dataclass(frozen=True)
class Entry:
    """A correction to be kept. before: what the judged model had said, or None."""

    id: str
    picture: Picture
    fix: Fix
    author: str
    status: str
    reviewer: str
    comment: str
    reviewed: str
    created: str
    before: Mapping[str, Any] | None
    slices: Sequence[str]
    name: str


class Pictures:
    """Decodes each image once. folder: where paths are looked up; nothing outside it is read.
    staging: where images that came as bytes are put."""

    def __init__(self, folder: Path, staging: Path) -> None:
        self._folder, self._staging = folder, staging
        self._known: dict[Path, Picture] = {}

    def get(self, value: str | bytes) -> Picture:
        """Raises UserError."""
        path = self._put(value) if isinstance(value, bytes) else inside(self._folder, value)
        if path not in self._known:
            image = load_media(path)
            self._known[path] = Picture(
                path,
                image.content_hash,
                image.size_wh,
                image.pixels_sha256,
                media_kind(image),
                image.times_s[-1] if image.times_s else None,
            )
        return self._known[path]

    def _put(self, data: bytes) -> Path:
        if len(data) > MAX_BYTES:
            expected = f"at most {MAX_BYTES // 1_000_000} MB"
            got = f"{len(data) / 1e6:.0f} MB"
            raise UserError("The file is too large", expected=expected, got=got, field="image")
        path = self._staging / hashlib.sha256(data).hexdigest()
        if not path.exists():
            path.write_bytes(data)
        return path


def entry(found: Found, pictures: Pictures, importer: str, keep_people: bool = True) -> Entry:
    """importer: a person's name. keep_people: believe the file's authors, reviews and times; else
    all is the importer's own and open. Raises UserError: the reason why the row is not taken."""
    if found.problem or found.picture is None:
        raise UserError(found.problem or "No image")
    picture = pictures.get(found.picture)
    cells: Fields = found.fields
    task = find_task(_text(cells, "task", MAX_NAME) or DEFAULT_TASK)
    task.check_media(picture.kind)
    values = from_cells(task, cells)
    if found.messages is not None and not cells.get("verdict"):
        values = {**from_messages(task, found.messages, picture.size_wh), **values}
    fix = _fix(task, cells, values)
    for name, value in fix.values.items():
        if isinstance(value, Point):
            check_inside(value, picture.size_wh, name)
    believed: Fields = cells if keep_people else {}
    author = _text(believed, "author", MAX_NAME)
    author = author if author.strip() else importer
    status = _text(believed, "status", MAX_NAME) or "open"
    check_choice(status, STATUSES, "status")
    created = _moment(believed, "created")
    shown = Path(found.picture).name if isinstance(found.picture, str) else ""
    return Entry(
        id=_id(believed) or derived_id(picture.sha256, author, fix),
        picture=picture,
        fix=fix,
        author=author,
        status=status,
        reviewer=_text(believed, "reviewer", MAX_NAME) or importer,
        comment=_text(believed, "comment"),
        reviewed=_moment(believed, "reviewed") or created,
        created=created,
        before=_before(task, cells),
        slices=_slices(cells),
        name=_text(cells, "name", MAX_MEDIA_NAME) or shown[:MAX_NAME],
    )


def _fix(task: Task, cells: Fields, values: Mapping[str, Value]) -> Fix:
    verdict: Any = cells.get("verdict") or ("wrong" if task.main in values else None)
    if verdict is None:
        raise UserError("Neither an answer nor a verdict", field=task.main)
    verdict = OLD_VERDICTS.get(verdict, verdict) if isinstance(verdict, str) else verdict
    return Fix(task.name, verdict, values, cells.get("five_second") or False)


def derived_id(sha256: str, author: str, fix: Fix) -> str:
    """For rows without an id: the same row imported again is the same correction."""
    said = json.dumps([fix.task, sha256, author, fix.to_json()], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def _id(fields: Fields) -> str:
    text = _text(fields, "id", 64)
    if text and not (text.isascii() and text.isalnum()):
        raise UserError("Not an id", expected="letters and digits", got=ascii(text), field="id")
    return text


def _text(fields: Fields, name: str, longest: int | None = None) -> str:
    value = fields.get(name)
    text = "" if value is None else value
    return check_text(text, name, longest) if longest else check_text(text, name)


def _moment(fields: Fields, name: str) -> str:
    """ISO 8601 in UTC to the microsecond, as the store orders by; now where none is given."""
    text = _text(fields, name, 64)
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        expected = "a date and time as 2026-11-21T10:00:00+00:00"
        raise UserError("Not a time", expected=expected, got=text, field=name) from error


def _before(task: Task, fields: Fields) -> dict[str, Any] | None:
    cells, label = from_cells(task, fields, MODEL), _text(fields, "adapter", MAX_NAME)
    values = {name: replace(value, source="text") for name, value in cells.items()}
    if not values and not label:
        return None
    return {"label": label, "text": "", "values": values_to_json(values)}


def _slices(fields: Fields) -> list[str]:
    value = fields.get("slices") or []
    if not isinstance(value, (list, tuple)) or len(value) > MAX_SLICES:
        expected = f"a list of at most {MAX_SLICES} names"
        raise UserError("Not a list of slices", expected=expected, field="slices")
    return [check_text(item, "slices", MAX_NAME) for item in value]
