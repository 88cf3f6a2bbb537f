"""Deleting one person: the only thing in the store that is not an addition.

Gone are their corrections with all reviews and withdrawals of them, the images that only their
corrections used with the predictions about them, and the copies of those images in snapshots
(such a snapshot can then not be trained on again). Reviews that they gave of other people's
corrections stay, without name and comment, so that nobody else's case changes its state; where they
are named as who made a snapshot, a job or a promotion, the name goes too.

Not reached from here: backups that were taken before (they age out), and what an adapter learned.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from inference.errors import UserError
from training.store import mirror_files
from training.store.database import connect
from training.store.group_commit import write
from training.store.home import Home

FORGOTTEN = "forgotten"
THEIRS = "(select id from corrections where author = ?)"
ALONE = """
select distinct c.media as hash, m.file as file
from corrections c join media m on m.hash = c.media
where c.author = :who
  and not exists (select 1 from corrections o where o.media = c.media and o.author <> :who)
"""
HELD = f"""
select snapshot, count(*) as n from snapshot_corrections
where correction in {THEIRS} group by snapshot
"""
LISTED = "(select value from json_each(?))"
DAY_S = 86_400
NAMED_IN = ("snapshots", "jobs", "promotions")


@dataclass(frozen=True)
class _Deleted:
    """ids: of the corrections. files: of media, by hash. held: how many corrections a snapshot
    has, by its hash."""

    counts: dict[str, int]
    ids: frozenset[str]
    files: dict[str, str]
    held: dict[str, int]


def forget(home: Home, author: str) -> dict[str, int]:
    """Counts of what was deleted, by what it is, with keys for each snapshot that held some of it:
    "corrections in snapshot 0a1b2c3d4e5f", "images in snapshot 0a1b2c3d4e5f". Raises UserError:
    nobody of that name is there, or nothing could be written."""
    gone = write(home, lambda db: _delete_rows(db, author))
    write(home, lambda db: _delete_files(home, db, gone.files))
    _scrub(home)
    counts = dict(gone.counts)
    counts["lines of the mirror"] = mirror_files.drop(home, _lines_of(home, author, gone))
    for snapshot, corrections in gone.held.items():
        counts[f"corrections in snapshot {snapshot[:12]}"] = corrections
        copies = _delete_copies(home.snapshots / snapshot, gone.files)
        counts[f"images in snapshot {snapshot[:12]}"] = copies
    return counts


def _delete_rows(db: Database, author: str) -> _Deleted:
    db.execute("PRAGMA secure_delete=ON")  # zeros, not only free space
    ids = frozenset(row["id"] for row in db.query(THEIRS[1:-1], [author]))
    reviewed = _count(db, "reviews where reviewer = ?", author)
    if not ids and not reviewed:
        raise UserError("Nobody of that name corrected anything", got=author[:80], field="author")
    files = {row["hash"]: row["file"] for row in db.query(ALONE, {"who": author})}
    held = db.query(HELD, [author])
    found = _Deleted({}, ids, files, {row["snapshot"]: int(row["n"]) for row in held})
    found.counts["corrections"] = len(ids)
    found.counts["reviews"] = _count(db, f"reviews where correction in {THEIRS}", author)
    # An undo refers to the review that it undoes.
    db.execute(f"update reviews set undoes = null where correction in {THEIRS}", [author])
    for table in ("reviews", "withdrawals", "snapshot_corrections"):
        db.execute(f"delete from {table} where correction in {THEIRS}", [author])
    db.execute("delete from corrections where author = ?", [author])
    hashes = json.dumps(list(files))
    found.counts["predictions"] = _count(db, f"predictions where media in {LISTED}", hashes)
    db.execute(f"delete from predictions where media in {LISTED}", [hashes])
    db.execute(f"delete from media where hash in {LISTED}", [hashes])
    found.counts["images"] = len(files)
    _unname(db, author)
    for table in mirror_files.EVENTS:  # row numbers are given again, and must not be passed over
        db.execute(
            f"update mirrored set upto = min(upto, (select coalesce(max(rowid), 0) from {table}))"
            " where events = ?",
            [table],
        )
    return found


def _scrub(home: Home) -> None:
    """Old pages out of the write-ahead log as well. Where readers are in the way, the next
    checkpoint does it."""
    with connect(home) as db:
        db.execute("PRAGMA busy_timeout=1000")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _unname(db: Database, author: str) -> None:
    db.execute(
        "update reviews set reviewer = ?, comment = '' where reviewer = ?", [FORGOTTEN, author]
    )
    for table in NAMED_IN:
        db.execute(f"update {table} set author = ? where author = ?", [FORGOTTEN, author])


def _count(db: Database, what: str, *values: str) -> int:
    return int(next(iter(db.execute(f"select count(*) from {what}", list(values))))[0])


def _delete_files(home: Home, db: Database, files: Mapping[str, str]) -> None:
    """Those, and old ones that no row names (an addition or deletion was cut off). Inside a
    writing transaction, so that nobody adds the same image in between."""
    named = {row["file"] for row in db.query("select file from media")}
    yesterday = time.time() - DAY_S
    for path in home.media.iterdir():
        if path.name in named:
            continue
        if path.name in files.values() or path.stat().st_mtime < yesterday:
            path.unlink(missing_ok=True)


def _lines_of(home: Home, author: str, gone: _Deleted) -> Callable[[Mapping[str, Any]], bool]:
    """Tells the mirror's lines that came from the person."""
    name = mirror_files.pseudonym(home, author)

    def theirs(line: Mapping[str, Any]) -> bool:
        return (
            name in (line.get("author"), line.get("reviewer"))
            or not gone.ids.isdisjoint((line.get("id"), line.get("correction")))
            or line.get("hash", line.get("media")) in gone.files
        )

    return theirs


def _delete_copies(snapshot: Path, hashes: Container[str]) -> int:
    """Copies are named by the hash of their bytes, wherever they lie in the folder."""
    copies = [p for p in snapshot.rglob("*") if p.stem in hashes and p.is_file()]
    for copy in copies:
        copy.unlink(missing_ok=True)
    return len(copies)
