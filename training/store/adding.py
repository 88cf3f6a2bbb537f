"""Adding what was looked at: media and what a model said of it. Used by training.store.feedback."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from inference.checks import check_text
from inference.errors import UserError, unknown
from inference.fields import Value, values_to_json
from inference.inputs import ClipInput, Media, media_kind
from inference.media import load_media
from inference.schema import ModelInfo, PairPrediction, SidePrediction
from training.store.case_rows import media_of, to_json
from training.store.group_commit import write
from training.store.home import Home
from training.store.media import store_file
from training.store.rows import Row, marks, now, one

KINDS = ("image", "clip")
MAX_NAME = 1000  # characters of a file's name
MAX_SLICE = 100
MAX_JSON = 100_000  # characters of settings, or of what a client says about itself


@dataclass(frozen=True)
class Answers:
    """What a model said. base, finetuned: as in `cases.StoredPrediction`. truth: values by field,
    where they are known."""

    task: str
    backbone: str
    prompt: str
    base: Mapping[str, Any]
    finetuned: Mapping[str, Any] | None = None
    adapter: str | None = None
    adapter_version: str | None = None
    backbone_sha256: str | None = None
    latency_s: float | None = None
    truth: Mapping[str, Value] = field(default_factory=dict)

    def id(self, media: str) -> str:
        """The same answer to the same image always has the same id, also where another machine
        rounds otherwise."""
        facts = {k: v for k, v in vars(self).items() if k not in ("latency_s", "truth")}
        for side in ("base", "finetuned"):
            facts[side] = _essence(facts[side])
        text = json.dumps({**facts, "media": media}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class NewMedia:
    """A file to keep. kind, size_wh, duration_s: None: read from the file. expected: the hash it
    must have. pixels_sha256: of its RGB values, where they are known."""

    path: Path
    kind: str | None = None
    size_wh: tuple[int, int] | None = None
    duration_s: float | None = None
    slices: tuple[str, ...] = ()
    name: str = ""
    expected: str | None = None
    pixels_sha256: str | None = None


class _Gone(Exception):
    """The file was deleted before its row was written."""


def of_media(new: NewMedia, media: Media) -> NewMedia:
    """With what the decoded file says of itself."""
    return replace(
        new,
        kind=media_kind(media),
        size_wh=media.size_wh,
        duration_s=media.duration_s if isinstance(media, ClipInput) else None,
        pixels_sha256=media.pixels_sha256,
    )


def add_media(home: Home, new: NewMedia) -> str:
    """The content hash. Raises UserError."""
    names = [check_text(s, "slices", MAX_SLICE) for s in new.slices]
    check_text(new.name, "name", MAX_NAME)
    if new.kind is None or new.size_wh is None:
        new = of_media(new, load_media(new.path))
    if new.kind not in KINDS:
        raise unknown("kind of media", str(new.kind), KINDS, "image")
    assert new.size_wh is not None
    while True:
        digest, file, size = store_file(home, new.path, new.expected)
        row = {
            "hash": digest,
            "kind": new.kind,
            "file": file,
            "width": new.size_wh[0],
            "height": new.size_wh[1],
            "bytes": size,
            "duration_s": new.duration_s,
            "name": new.name,
            "created": now(),
            "pixels_sha256": new.pixels_sha256,
        }

        def work(db: Database, row: Mapping[str, Any] = row) -> str:
            if not (home.media / row["file"]).is_file():
                raise _Gone
            insert(db, "media", row, "or ignore")
            _add_slices(db, row["hash"], names)
            return str(row["hash"])

        try:
            return write(home, work)
        except _Gone:  # a person was forgotten between the file and this row
            continue


def add_answers(home: Home, media: str, answers: Answers, settings: Mapping[str, Any]) -> str:
    """The prediction's id. Raises UserError."""
    key = answers.id(media)
    values = {
        "id": key,
        "task": answers.task,
        "media": media,
        "backbone": answers.backbone,
        "backbone_sha256": answers.backbone_sha256,
        "adapter": answers.adapter,
        "adapter_version": answers.adapter_version,
        "prompt": answers.prompt,
        "base": to_json(answers.base),
        "finetuned": None if answers.finetuned is None else to_json(answers.finetuned),
        "settings": checked_json(settings, "settings"),
        "latency_s": answers.latency_s,
        "created": now(),
        "truth": to_json(values_to_json(answers.truth)) if answers.truth else None,
    }

    def work(db: Database) -> str:
        media_row(db, media)
        insert(db, "predictions", values, "or ignore")
        return key

    return write(home, work)


def answers_of(
    pair: PairPrediction,
    info: ModelInfo,
    adapter_version: str | None,
    truth: Mapping[str, Value],
) -> Answers:
    """What is kept of a pair: texts and points, no maps (they can be made again)."""
    return Answers(
        task=pair.request.task,
        backbone=info.id,
        prompt=pair.request.prompt,
        base=_side(pair.base),
        finetuned=None if pair.finetuned is None else _side(pair.finetuned),
        adapter=pair.request.adapter,
        adapter_version=adapter_version,
        backbone_sha256=info.sha256,
        latency_s=pair.seconds.get("total"),
        truth=truth,
    )


def _essence(side: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if side is None:
        return None
    values = {
        name: {k: _rounded(k, v) for k, v in value.items()}
        for name, value in side.get("values", {}).items()
    }
    return {k: v for k, v in side.items() if k != "logprob"} | {"values": values}


def _rounded(name: str, value: Any) -> Any:
    """Pixels to whole ones, other fractions to three digits."""
    if isinstance(value, float):
        return round(value) if name.endswith("_px") else round(value, 3)
    return value


def _side(side: SidePrediction) -> dict[str, Any]:
    logprobs = [t.logprob for t in side.tokens if not t.is_special and math.isfinite(t.logprob)]
    return {
        "label": side.label,
        "text": side.text,
        "values": values_to_json(side.values),
        "missing": {k: why for k, why in side.parsed.missing.items() if k not in side.values},
        "logprob": sum(logprobs) if logprobs else None,
    }


# ---- for the others that write ---------------------------------------------------------------


def insert(db: Database, table: str, values: Mapping[str, Any], how: str = "") -> None:
    """By column names, so that a later migration may add columns."""
    columns = ", ".join(values)
    db.execute(
        f"insert {how} into {table} ({columns}) values ({marks(list(values))})",
        list(values.values()),
    )


def checked_json(value: Mapping[str, Any], field: str) -> str:
    """A JSON object as text. Raises UserError."""
    try:
        text = to_json(dict(value))
    except (TypeError, ValueError) as error:
        raise UserError("Not JSON", got=str(error)[:200], field=field) from error
    return check_text(text, field, MAX_JSON)


def media_row(db: Database, media: str) -> Row:
    """Raises UserError where it is not kept."""
    row = one(db, "select * from media where hash = ?", [media])
    if row is None:
        raise UserError("The image is not kept", got=str(media)[:70], field="image")
    return row


def _add_slices(db: Database, media: str, names: Sequence[str]) -> None:
    have = media_of(media_row(db, media)).slices
    wanted = sorted({*have, *names})
    if tuple(wanted) != have:
        db.execute("update media set slices = ? where hash = ?", [to_json(wanted), media])
