"""The one SQLite database: its tables, its migrations, and how it is opened.

A `Database` is never shared between threads: open a fresh one for each call to read. Events that a
person waits for are written through training.store.group_commit.
"""

from __future__ import annotations

import fcntl
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database, Migrations

from inference.errors import UserError
from training.store.home import Home

log = logging.getLogger(__name__)
BUSY_MS = 30_000
migrations = Migrations("sightline")
_prepared: dict[Path, tuple[int, int]] = {}

FEEDBACK = """
CREATE TABLE media (
    hash TEXT PRIMARY KEY,               -- sha256 of the uploaded bytes
    kind TEXT NOT NULL,                  -- image | clip
    file TEXT NOT NULL,                  -- name below Home.media
    width INTEGER NOT NULL, height INTEGER NOT NULL,
    bytes INTEGER NOT NULL, duration_s REAL,
    slices TEXT NOT NULL DEFAULT '[]',   -- JSON list
    name TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL
);
CREATE TABLE predictions (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    media TEXT NOT NULL REFERENCES media(hash),
    backbone TEXT NOT NULL, backbone_sha256 TEXT,
    adapter TEXT, adapter_version TEXT,  -- name, and hash of its weights
    prompt TEXT NOT NULL,
    base TEXT NOT NULL, finetuned TEXT,  -- JSON: what each side said
    settings TEXT NOT NULL DEFAULT '{}', -- JSON: what reopens the page as it was
    latency_s REAL,
    created TEXT NOT NULL
);
CREATE INDEX predictions_media ON predictions(media, task);
CREATE TABLE corrections (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    media TEXT NOT NULL REFERENCES media(hash),
    prediction TEXT REFERENCES predictions(id),
    kind TEXT NOT NULL,                  -- verdict: right | wrong | none
    payload TEXT NOT NULL,               -- JSON, validated by task
    before TEXT,                         -- JSON: what the shown side had
    author TEXT NOT NULL, client TEXT NOT NULL DEFAULT '{}',
    created TEXT NOT NULL
);
CREATE INDEX corrections_media ON corrections(media, task);
CREATE INDEX corrections_author ON corrections(author);
CREATE TABLE withdrawals (
    correction TEXT PRIMARY KEY REFERENCES corrections(id),
    author TEXT NOT NULL, created TEXT NOT NULL
);
CREATE TABLE reviews (
    id TEXT PRIMARY KEY,
    correction TEXT NOT NULL REFERENCES corrections(id),
    verdict TEXT NOT NULL CHECK (verdict IN ('accept', 'reject', 'comment', 'reopen')),
    comment TEXT NOT NULL DEFAULT '',
    reviewer TEXT NOT NULL, created TEXT NOT NULL
);
CREATE INDEX reviews_correction ON reviews(correction);
"""

TRAINING = """
CREATE TABLE snapshots (
    hash TEXT PRIMARY KEY,               -- of its manifest
    task TEXT NOT NULL, folder TEXT NOT NULL,
    manifest TEXT NOT NULL,              -- JSON
    author TEXT NOT NULL, created TEXT NOT NULL
);
CREATE TABLE snapshot_corrections (
    snapshot TEXT NOT NULL REFERENCES snapshots(hash),
    correction TEXT NOT NULL REFERENCES corrections(id),
    split TEXT NOT NULL,                 -- train | validation
    PRIMARY KEY (snapshot, correction)
);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL, snapshot TEXT NOT NULL REFERENCES snapshots(hash),
    state TEXT NOT NULL,                 -- queued running cancelling cancelled failed done
    runner TEXT NOT NULL,                -- local | hub
    config TEXT NOT NULL,                -- JSON
    folder TEXT NOT NULL,
    parent TEXT REFERENCES jobs(id),     -- the job that this one retries
    pid INTEGER, process_started REAL, remote TEXT,
    step INTEGER NOT NULL DEFAULT 0, steps INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL, created TEXT NOT NULL, started TEXT, ended TEXT
);
CREATE TABLE job_metrics (
    job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    step INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, time REAL NOT NULL,
    PRIMARY KEY (job, name, step)
);
CREATE TABLE adapters (
    name TEXT PRIMARY KEY,
    task TEXT NOT NULL, folder TEXT NOT NULL, version TEXT NOT NULL, -- hash of its weights
    job TEXT REFERENCES jobs(id), snapshot TEXT REFERENCES snapshots(hash),
    parent TEXT, created TEXT NOT NULL
);
CREATE TABLE evaluations (
    id TEXT PRIMARY KEY,
    job TEXT REFERENCES jobs(id) ON DELETE CASCADE,
    adapter TEXT NOT NULL, name TEXT NOT NULL,  -- heldout | corrected
    result TEXT NOT NULL,                -- JSON
    created TEXT NOT NULL
);
CREATE TABLE promotions (
    id INTEGER PRIMARY KEY,
    task TEXT NOT NULL, adapter TEXT NOT NULL, previous TEXT,
    rule TEXT NOT NULL,                  -- JSON: what was compared, and the outcome
    overridden TEXT NOT NULL DEFAULT '', -- the reason, where the rule said no
    author TEXT NOT NULL, created TEXT NOT NULL
);
"""


STORE = """
ALTER TABLE predictions ADD COLUMN truth TEXT;   -- JSON: the truth where it is known
ALTER TABLE reviews ADD COLUMN undoes TEXT REFERENCES reviews(id);
CREATE TABLE mirrored (
    events TEXT PRIMARY KEY,             -- name of a table
    upto INTEGER NOT NULL                -- rowid of the last event that was written
);
CREATE INDEX snapshot_corrections_correction ON snapshot_corrections(correction);
"""


# What is derived from a case's events, so that the queue is filtered, ordered and paged in SQL.
# Each event marks its case as stale; `case_rows.refresh` derives it again before it is read.
CASE_STATES = """
CREATE TABLE case_states (
    task TEXT NOT NULL, media TEXT NOT NULL,
    status TEXT, disagreement REAL, risk REAL,
    newest TEXT,                         -- when its last correction was made
    stale INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (task, media)
) WITHOUT ROWID;
CREATE INDEX case_states_stale ON case_states(stale) WHERE stale = 1;
INSERT INTO case_states (task, media) SELECT DISTINCT task, media FROM corrections;
"""
_OF_CORRECTION = "SELECT task, media FROM corrections WHERE id = {row}.correction"
MARKS = {
    "corrections": "INSERT INTO case_states (task, media) SELECT {row}.task, {row}.media WHERE true"
    " ON CONFLICT DO UPDATE SET stale = 1",
    "reviews": f"UPDATE case_states SET stale = 1 WHERE (task, media) IN ({_OF_CORRECTION})",
    "withdrawals": f"UPDATE case_states SET stale = 1 WHERE (task, media) IN ({_OF_CORRECTION})",
    "predictions": "UPDATE case_states SET stale = 1"
    " WHERE task = {row}.task AND media = {row}.media",
}


@migrations(name="001_feedback")
def _feedback(db: Database) -> None:
    _run(db, FEEDBACK)


@migrations(name="002_training")
def _training(db: Database) -> None:
    _run(db, TRAINING)


@migrations(name="003_store")
def _store(db: Database) -> None:
    _run(db, STORE)


@migrations(name="004_case_states")
def _case_states(db: Database) -> None:
    _run(db, CASE_STATES)
    for table, mark in MARKS.items():
        for event, row in (("INSERT", "new"), ("DELETE", "old")):
            db.execute(
                f"CREATE TRIGGER {table}_{event.lower()}_stale AFTER {event} ON {table}"
                f" BEGIN {mark.format(row=row)}; END"
            )
    db.execute(
        "CREATE TRIGGER media_slices_stale AFTER UPDATE OF slices ON media"
        " BEGIN UPDATE case_states SET stale = 1 WHERE media = new.hash; END"
    )


@migrations(name="005_fields")
def _fields(db: Database) -> None:
    """Values by field, where before there were the hazard task's own names."""
    db.execute("alter table media add column pixels_sha256 text")  # of the RGB values
    for name, read in FIELDS_OF.items():
        table, column = name.split(".")
        rows = db.execute(
            f"select rowid, {column} from {table} where task = 'hazard' and {column} is not null"
        ).fetchall()
        db.conn.executemany(
            f"update {table} set {column} = ? where rowid = ?",
            [(json.dumps(read(json.loads(text))), rowid) for rowid, text in rows],
        )
    db.execute("update corrections set kind = 'none' where kind = 'no_hazard'")
    db.execute("update case_states set stale = 1")


def _point(xy: Any, box: Any = None, **more: Any) -> dict[str, Any]:
    """{"point": ...}, or {} where there is none."""
    if not xy:
        return {}
    drawn = {"box_px": box} if box else {}
    return {"point": {"x_px": xy[0], "y_px": xy[1], **drawn, **more}}


def _fix(old: dict[str, Any]) -> dict[str, Any]:
    values = _point(old.get("point_px"), old.get("box_px"))
    if old.get("hazard_kind"):
        values["hazard_kind"] = {"value": old["hazard_kind"]}
    if old.get("rationale"):
        values["reason"] = {"text": old["rationale"]}
    verdict = {"no_hazard": "none"}.get(old["verdict"], old["verdict"])
    return {"verdict": verdict, "values": values, "five_second": old.get("five_second", False)}


def _side(old: dict[str, Any]) -> dict[str, Any]:
    gone = ("point_px", "point_source", "reason")
    values = _point(old.get("point_px"), source=old.get("point_source") or "text")
    missing = {} if values else {"point": old.get("reason") or ""}
    kept = {k: v for k, v in old.items() if k not in gone}
    return {**kept, "values": values, "missing": missing}


FIELDS_OF: dict[str, Callable[[Any], dict[str, Any]]] = {
    "corrections.payload": _fix,
    "corrections.before": _side,
    "predictions.base": _side,
    "predictions.finetuned": _side,
    "predictions.truth": lambda old: _point(old, source="truth"),
}


def _run(db: Database, script: str) -> None:
    """Statement by statement: `executescript` would commit the migration's transaction."""
    lines = (line.split("--")[0] for line in script.splitlines())
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            db.execute(statement)


@contextmanager
def connect(home: Home) -> Iterator[Database]:
    """A fresh connection to the migrated database, with foreign keys on; closed afterwards.

    `synchronous=FULL`: what a transaction confirmed survives a power cut, not only a kill.

    Raises:
        UserError: the database cannot be opened or written (no space, read-only, not a database).
    """
    db = open_database(home)
    try:
        yield db
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise explained(home, error) from error
    finally:
        db.close()


def open_database(home: Home, *, any_thread: bool = False) -> Database:
    """Like `connect`, for one who closes it. any_thread: the caller sees to it that only one
    thread at a time uses it."""
    try:
        _prepare(home)
        return _open(home, any_thread)
    except (sqlite3.Error, OSError) as error:
        raise explained(home, error) from error


def file_id(path: Path) -> tuple[int, int] | None:
    """Tells a file from another one that took its place; None where there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


@contextmanager
def preparing(home: Home) -> Iterator[None]:
    """Held by who makes, migrates or puts back the database file; between processes too."""
    home.root.mkdir(parents=True, exist_ok=True)
    with (home.root / "migrations.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _open(home: Home, any_thread: bool = False) -> Database:
    conn = sqlite3.connect(home.database, timeout=BUSY_MS / 1000, check_same_thread=not any_thread)
    db = Database(conn)
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    return db


def _prepare(home: Home) -> None:
    """Write-ahead log and migrations, once for each process and file. Under a lock of its own:
    SQLite does not wait when two connections switch the journal at once."""
    there = file_id(home.database)
    if there is not None and _prepared.get(home.database) == there:
        return
    with preparing(home):
        db = _open(home)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            _refuse_newer(home, db)
            if migrations.pending(db):
                migrations.apply(db)
        finally:
            db.close()
    made = file_id(home.database)
    if made is not None:
        _prepared[home.database] = made


def _refuse_newer(home: Home, db: Database) -> None:
    known = {m.name for m in migrations.pending(db)} | {m.name for m in migrations.applied(db)}
    ours = {m.name for m in migrations._migrations}
    if newer := sorted(known - ours):
        raise UserError(
            "The database was made by a newer Sightline",
            expected=f"migrations up to {max(ours)}",
            got=", ".join(newer),
            hint="Update Sightline, or point SIGHTLINE_HOME at another folder",
        )


SPACE = "Free some space and try again; nothing that was confirmed is lost"
FOLDER = "Point SIGHTLINE_HOME at a folder that this user may write"
RESTORE = "Restore the last backup: python -m training.store.backup restore --replace"
HINTS = {
    "database or disk is full": SPACE,
    "No space left": SPACE,
    "Disk quota": SPACE,
    "File too large": SPACE,
    "disk I/O error": "Is the disk full or gone? Nothing that was confirmed is lost",
    "readonly": FOLDER,
    "Read-only": FOLDER,
    "Permission denied": FOLDER,
    "unable to open": FOLDER,
    "not a database": RESTORE,
    "malformed": RESTORE,
    "locked": "Another program holds the database; try again",
}


def explained(home: Home, error: Exception) -> UserError:
    """What went wrong with the database or a file beside it, and what to do. Visitors read it, so
    where the file lies is in the log alone."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    log.warning("%s: %s", home.database, error)
    return UserError(
        "The database could not be used",
        expected="a database that can be read and written",
        got=text,
        hint=next((hint for part, hint in HINTS.items() if part in text), RESTORE),
    )
