"""A row found in a file becomes a correction that may be kept, or a reason why not.

Nothing in the row is believed: the picture is decoded under inference.media's limits, the payload
is checked as if a page had sent it, and the point must lie in the picture. Knows no database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inference.checks import check_choice, check_text
from inference.correction import HazardFix, payload_from_json, payload_to_json
from inference.errors import UserError
from inference.media import MAX_BYTES, load_image
from training.exchange.folders import inside
from training.exchange.messages import from_messages
from training.exchange.rows import BOX, Fields, Found
from training.store.cases import STATUSES

TASK = "hazard"
MAX_NAME = 200  # characters, as the store allows
MAX_MEDIA_NAME = 1000
MAX_SLICES = 50


@dataclass(frozen=True)
class Picture:
    """A decoded picture that lies in a file, ours for the time of the import."""

    path: Path
    sha256: str
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """A correction to be kept. before: what the judged model had said, or None."""

    id: str
    picture: Picture
    fix: HazardFix
    author: str
    status: str
    reviewer: str
    comment: str
    reviewed: str
    created: str
    before: Mapping[str, Any] | None
    slices: Sequence[str]
    name: str


@dataclass(frozen=True)
class Person:
    """Who imports. keep_people: believe the file's authors, reviews and times; else all is this
    person's own and open."""

    name: str
    keep_people: bool = True


class Pictures:
    """Decodes each picture once. folder: where paths are looked up; nothing outside it is read.
    staging: where pictures that came as bytes are put."""

    def __init__(self, folder: Path, staging: Path) -> None:
        self._folder, self._staging = folder, staging
        self._known: dict[Path, Picture] = {}

    def get(self, value: str | bytes) -> Picture:
        """Raises UserError."""
        path = self._put(value) if isinstance(value, bytes) else inside(self._folder, value)
        if path not in self._known:
            image = load_image(path)
            self._known[path] = Picture(path, image.content_hash, image.size_wh)
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


def entry(found: Found, pictures: Pictures, person: Person) -> Entry:
    """Raises UserError: the reason why the row is not taken."""
    if found.problem or found.picture is None:
        raise UserError(found.problem or "No picture")
    picture = pictures.get(found.picture)
    fields: Fields = found.fields
    if found.messages is not None and not fields.get("verdict"):
        said = from_messages(found.messages, picture.size_wh)
        point = dict(zip(("x", "y"), said.point_px, strict=True))
        fields = {**fields, **point, "rationale": fields.get("rationale") or said.rationale}
    fix = _fix(fields)
    _check_inside(fix, picture.size_wh)
    shown = found.picture if isinstance(found.picture, str) else ""
    return _entry(fields, fix, picture, person, Path(shown).name)


def _fix(fields: Fields) -> HazardFix:
    point, box = _given(fields, ("x", "y")), _given(fields, BOX)
    verdict = fields.get("verdict") or ("wrong" if point or box else None)
    if verdict is None:
        raise UserError("Neither a point nor a verdict", field="point")
    payload = {
        "verdict": verdict,
        "point_px": point,
        "box_px": box,
        "hazard_kind": fields.get("hazard_kind") or None,
        "rationale": fields.get("rationale") or "",
        "five_second": fields.get("five_second") or False,
    }
    fix = payload_from_json(TASK, payload)
    assert isinstance(fix, HazardFix)
    return fix


def _given(fields: Fields, names: Sequence[str]) -> list[Any] | None:
    values = [fields.get(name) for name in names]
    return None if all(v is None for v in values) else values


def _check_inside(fix: HazardFix, size_wh: tuple[int, int]) -> None:
    corner = fix.box_px[2:] if fix.box_px else fix.point_px
    if corner and (corner[0] > size_wh[0] or corner[1] > size_wh[1]):
        raise UserError(
            "The point lies outside the picture",
            expected=f"within {size_wh[0]} x {size_wh[1]} pixels",
            got=", ".join(f"{v:g}" for v in corner),
            field="point",
        )


def _entry(fields: Fields, fix: HazardFix, picture: Picture, person: Person, name: str) -> Entry:
    believed: Fields = fields if person.keep_people else {}
    author = _text(believed, "author", MAX_NAME)
    author = author if author.strip() else person.name
    status = _text(believed, "status", MAX_NAME) or "open"
    check_choice(status, STATUSES, "status")
    created = _moment(believed, "created")
    return Entry(
        id=_id(believed) or derived_id(picture.sha256, author, fix),
        picture=picture,
        fix=fix,
        author=author,
        status=status,
        reviewer=_text(believed, "reviewer", MAX_NAME) or person.name,
        comment=_text(believed, "comment"),
        reviewed=_moment(believed, "reviewed") or created,
        created=created,
        before=_before(fields),
        slices=_slices(fields),
        name=_text(fields, "name", MAX_MEDIA_NAME) or name[:MAX_NAME],
    )


def derived_id(sha256: str, author: str, fix: HazardFix) -> str:
    """For rows without an id: the same row imported again is the same correction."""
    said = json.dumps([TASK, sha256, author, payload_to_json(fix)], sort_keys=True)
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


def _before(fields: Fields) -> dict[str, Any] | None:
    point = _given(fields, ("model_x", "model_y"))
    label = _text(fields, "adapter", MAX_NAME)
    if point is None and not label:
        return None
    # The checks of a point are the payload's own.
    checked = HazardFix("right", (point[0], point[1])).point_px if point else None
    return {"label": label, "text": "", "point_px": list(checked) if checked else None}


def _slices(fields: Fields) -> list[str]:
    value = fields.get("slices") or []
    if not isinstance(value, (list, tuple)) or len(value) > MAX_SLICES:
        expected = f"a list of at most {MAX_SLICES} names"
        raise UserError("Not a list of slices", expected=expected, field="slices")
    return [check_text(item, "slices", MAX_NAME) for item in value]
