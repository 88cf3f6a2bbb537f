"""Deleting one person: the only thing in the store that is not an addition.

Gone are their corrections with all reviews and withdrawals of them, the pictures that only their
corrections used with the predictions about them, and the copies of those pictures in snapshots
(such a snapshot can then not be trained on again). Reviews that they gave of other people's
corrections stay, without name and comment, so that nobody else's case changes its state; where they
are named as who made a snapshot, a job or a promotion, the name goes too.

Not reached from here: backups that were taken before (they age out), and what an adapter learned.
"""

from __future__ import annotations

import json
from pathlib import Path

from sqlite_utils import Database

from inference.errors import UserError
from training.database import connect
from training.group_commit import write
from training.home import Home
from training.rows import Row

FORGOTTEN = "forgotten"
THEIRS = "(select id from corrections where author = ?)"
ALONE = """
select distinct c.media as hash, m.file as file
from corrections c join media m on m.hash = c.media
where c.author = :who
  and not exists (select 1 from corrections o where o.media = c.media and o.author <> :who)
"""
LISTED = "(select value from json_each(?))"
NAMED_IN = ("snapshots", "jobs", "promotions")


def forget(home: Home, author: str) -> dict[str, int]:
    """Counts of what was deleted, by what it is, with a key for each snapshot that held some of
    it: "pictures in snapshot 0a1b2c3d4e5f".

    Raises:
        UserError: nobody of that name is there, or nothing could be written.
    """
    counts, media, held = write(home, lambda db: _delete_rows(db, author))
    write(home, lambda db: _delete_files(home, db, media))
    _scrub(home)
    hashes = {row["hash"] for row in media}
    for snapshot, corrections in held.items():
        counts[f"corrections in snapshot {snapshot[:12]}"] = corrections
        copies = _delete_copies(home.snapshots / snapshot, hashes)
        if copies:
            counts[f"pictures in snapshot {snapshot[:12]}"] = copies
    return counts


def _delete_rows(db: Database, author: str) -> tuple[dict[str, int], list[Row], dict[str, int]]:
    """Counts; media that nobody else's corrections use; snapshots with how many corrections."""
    db.execute("PRAGMA secure_delete=ON")  # zeros, not only free space
    media = list(db.query(ALONE, {"who": author}))
    held = db.query(
        "select snapshot, count(*) as n from snapshot_corrections"
        f" where correction in {THEIRS} group by snapshot",
        [author],
    )
    snapshots = {row["snapshot"]: int(row["n"]) for row in held}
    counts = {
        "corrections": _count(db, "corrections where author = ?", author),
        "reviews": _count(db, f"reviews where correction in {THEIRS}", author),
    }
    reviewed = _count(db, "reviews where reviewer = ?", author)
    if not counts["corrections"] and not reviewed:
        raise UserError("Nobody of that name corrected anything", got=author[:80], field="author")
    # An undo refers to the review that it undoes.
    db.execute(f"update reviews set undoes = null where correction in {THEIRS}", [author])
    for table in ("reviews", "withdrawals", "snapshot_corrections"):
        db.execute(f"delete from {table} where correction in {THEIRS}", [author])
    db.execute("delete from corrections where author = ?", [author])
    if media:
        hashes = json.dumps([row["hash"] for row in media])
        counts["predictions"] = _count(db, f"predictions where media in {LISTED}", hashes)
        db.execute(f"delete from predictions where media in {LISTED}", [hashes])
        db.execute(f"delete from media where hash in {LISTED}", [hashes])
        counts["pictures"] = len(media)
    _unname(db, author)
    return counts, media, snapshots


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


def _delete_files(home: Home, db: Database, media: list[Row]) -> None:
    """Inside a writing transaction, so that nobody adds the same picture in between."""
    for row in media:
        if _count(db, "media where hash = ?", row["hash"]) == 0:
            (home.media / row["file"]).unlink(missing_ok=True)


def _delete_copies(snapshot: Path, hashes: set[str]) -> int:
    """Copies are named by the hash of their bytes, wherever they lie in the folder."""
    copies = [p for p in snapshot.rglob("*") if p.stem in hashes and p.is_file()]
    for copy in copies:
        copy.unlink(missing_ok=True)
    return len(copies)
