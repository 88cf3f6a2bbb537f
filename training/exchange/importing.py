"""Corrections from a file into the store: our own Parquet and CSV, and INSIGHT's released rows.

Every row is checked first; then all good ones are kept in one transaction, or none. Bad ones are
reported by their place with the reason.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from inference.checks import check_text
from inference.errors import UserError
from training.evaluation.insight import MAX_ROWS
from training.evaluation.insight import READERS as ROWS
from training.exchange.entries import MAX_NAME, Entry, Pictures, entry
from training.exchange.folders import unpacked
from training.exchange.table import read as read_csv
from training.store.adding import insert
from training.store.feedback import Feedback
from training.store.group_commit import write
from training.store.media import store_file
from training.store.rows import one

READERS = {**ROWS, ".csv": read_csv}  # by a file's ending
_CORRECTION = (
    "insert into corrections (id, task, media, prediction, kind, payload, before, author, client,"
    " created) values (?, ?, ?, null, ?, ?, ?, ?, ?, ?)"
)
_REVIEW = (
    "insert into reviews (id, correction, verdict, comment, reviewer, created)"
    " values (?, ?, ?, ?, ?, ?)"
)
_VERDICTS = {"accepted": "accept", "rejected": "reject"}


@dataclass(frozen=True)
class Problem:
    """A row that was not taken. place: "row 3", with the file's name where there are several."""

    place: str
    reason: str


@dataclass(frozen=True)
class Imported:
    """added, pictures: new corrections and the images that they are of (of a dry run: that would
    be new). known: were there already, untouched."""

    added: int
    known: int
    pictures: int
    problems: tuple[Problem, ...]


def import_file(
    feedback: Feedback, path: Path, author: str, *, keep_people: bool = True, dry_run: bool = False
) -> Imported:
    """Import a file, a folder or a zip.

    path: .json, .jsonl, .parquet or .csv; images that are not inside are looked up beside it.
    author: who imports, and the author of rows that name none. keep_people: believe the authors,
    reviews and times in the file. dry_run: check only. Raises UserError (field "file"): nothing in
    it can be read; nothing could be kept.
    """
    check_text(author, "author", MAX_NAME)
    problems: list[Problem] = []
    with unpacked(path) as place, tempfile.TemporaryDirectory(prefix="sightline-") as staging:
        entries = list(_entries(place, Path(staging), author, keep_people, problems))
        fresh, known = _new(feedback, entries, problems)
        if fresh and not dry_run:
            added = _keep(feedback, fresh)
            known += len(fresh) - len(added)
            fresh = added
    pictures = len({e.picture.sha256 for e in fresh})
    return Imported(len(fresh), known, pictures, tuple(problems))


# ---- reading ---------------------------------------------------------------------------------


def _entries(
    place: Path, staging: Path, importer: str, keep_people: bool, problems: list[Problem]
) -> Iterator[Entry]:
    files = data_files(place)
    for file in files:
        pictures = Pictures(file.parent, staging)
        for count, found in enumerate(READERS[file.suffix.lower()](file), 1):
            if count > MAX_ROWS:
                raise UserError("Too many rows", expected=f"at most {MAX_ROWS}", field="file")
            where = f"row {found.number}"
            try:
                yield entry(found, pictures, importer, keep_people)
            except UserError as error:
                where = f"{file.name} {where}" if len(files) > 1 else where
                problems.append(Problem(where, str(error)))


def data_files(place: Path) -> list[Path]:
    """The file itself, or what a folder holds: all its Parquet files, else the first list. Raises
    UserError: there is none that is known."""
    if not place.is_dir():
        found = [place] if place.suffix.lower() in READERS else []
    else:
        inside = [p for p in place.rglob("*") if p.suffix.lower() in READERS and p.is_file()]
        shown = [p for p in inside if not any(x[0] == "." for x in p.relative_to(place).parts)]
        lists = sorted(shown, key=lambda p: (len(p.parts), p))
        found = [p for p in lists if p.suffix.lower() == ".parquet"] or lists[:1]
    if not found:
        raise UserError(
            "No list of corrections that can be read",
            expected=f"a file ending in {', '.join(READERS)}, or a folder or zip with one",
            got=place.name,
            field="file",
        )
    return found


# ---- keeping ---------------------------------------------------------------------------------


def _new(
    feedback: Feedback, entries: list[Entry], problems: list[Problem]
) -> tuple[list[Entry], int]:
    """Those that the store does not have. An id that stands for something else is a problem."""
    there = {c.id: (c.media, c.author, c.payload) for c in feedback.corrections()}
    fresh, known = [], 0
    for item in entries:
        facts = (item.picture.sha256, item.author, item.fix)
        if item.id not in there:
            there[item.id] = facts
            fresh.append(item)
        elif there[item.id] == facts:
            known += 1
        else:
            reason = "its id belongs to another correction; nothing was changed"
            problems.append(Problem(f"id {item.id}", reason))
    return fresh, known


def _keep(feedback: Feedback, fresh: list[Entry]) -> list[Entry]:
    """All or nothing; those that nobody else has imported meanwhile. An image's file without a
    row may stay behind a failure; it is found again by its hash."""
    files = {e.picture.sha256: e.picture for e in fresh}
    stored = {key: store_file(feedback.home, p.path, key) for key, p in files.items()}

    def work(db: Database) -> list[Entry]:
        there = "select 1 from corrections where id = ?"
        added = [item for item in fresh if one(db, there, [item.id]) is None]
        for item in added:
            _, file, size = stored[item.picture.sha256]
            if not (feedback.home.media / file).is_file():
                raise UserError(
                    "An image was deleted during the import", hint="Import the file again"
                )
            _keep_media(db, item, file, size)
            _keep_correction(db, item)
        return added

    return write(feedback.home, work)


def _keep_media(db: Database, item: Entry, file: str, size: int) -> None:
    key = item.picture.sha256
    row = {
        "hash": key,
        "kind": item.picture.kind,
        "duration_s": item.picture.duration_s,
        "file": file,
        "width": item.picture.size_wh[0],
        "height": item.picture.size_wh[1],
        "bytes": size,
        "name": item.name,
        "created": item.created,
        "pixels_sha256": item.picture.pixels_sha256,
    }
    insert(db, "media", row, "or ignore")
    have = one(db, "select slices from media where hash = ?", [key])
    before = json.loads(have["slices"]) if have else []
    slices = sorted({*before, *item.slices})
    if slices != before:
        text = json.dumps(slices, ensure_ascii=False)
        db.execute("update media set slices = ? where hash = ?", [text, key])


def _keep_correction(db: Database, item: Entry) -> None:
    said = json.dumps(item.fix.to_json(), ensure_ascii=False)
    before = None if item.before is None else json.dumps(item.before, ensure_ascii=False)
    values = [
        item.id,
        item.fix.task,
        item.picture.sha256,
        item.fix.verdict,
        said,
        before,
        item.author,
    ]
    db.execute(_CORRECTION, [*values, json.dumps({"imported": True}), item.created])
    if item.status in _VERDICTS:
        decided = [secrets.token_hex(12), item.id, _VERDICTS[item.status]]
        db.execute(_REVIEW, [*decided, item.comment, item.reviewer, item.reviewed])
    if item.status == "withdrawn":
        db.execute(
            "insert into withdrawals values (?, ?, ?)", [item.id, item.author, item.reviewed]
        )
