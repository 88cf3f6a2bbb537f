"""Copies of the database and its media in another folder, and the way back.

A copy is taken with SQLite's backup API (copying the file of a database in write-ahead mode loses
what is in the log), checked, and given its name only when it is complete, after the media that it
refers to. So every file called sightline-*.db is a good backup, whatever was interrupted. Nothing
is opened as a database inside the backup folder: that may be a mounted bucket, which only takes
whole files.

Adapters, snapshots and jobs' folders are not in a backup; their rows are.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inference.errors import UserError
from training.store.database import explained, open_database, preparing
from training.store.home import Home
from training.store.media import PARTIAL, copy_durably, sync_folder

KEEP = 10  # copies; SIGHTLINE_BACKUPS_KEEP
PREFIX, SUFFIX = "sightline-", ".db"
LOG_SUFFIXES = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Backup:
    """One complete copy. path: the database file. created: ISO time, UTC. bytes: of the database
    alone."""

    path: Path
    created: str
    bytes: int


def backups(home: Home) -> list[Backup]:
    """Newest first."""
    found = sorted(home.backups.glob(f"{PREFIX}*{SUFFIX}"), reverse=True)
    return [Backup(path, _moment(path), path.stat().st_size) for path in found]


def backup(home: Home, keep: int | None = None) -> Backup:
    """Take a copy now, with the media that are not there yet; drop all but the last `keep`. Raises
    UserError: there is no database, it is damaged, or the folder cannot be written. The copies that
    were there are then untouched."""
    if not home.database.is_file():
        raise UserError("There is nothing to back up", expected=f"a database at {home.database}")
    keep = _keep() if keep is None else keep
    try:
        (home.backups / "media").mkdir(parents=True, exist_ok=True)
        with _scratch(home) as copy:
            files = _copy_database(home, copy)
            _copy_media(home.media, home.backups / "media", files)
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            place = home.backups / f"{PREFIX}{stamp}{SUFFIX}"
            copy_durably(copy, place)
        _prune(home, max(1, keep), files)
    except OSError as error:
        raise UserError(
            "The backup could not be written",
            expected=f"a folder that can be written at {home.backups}",
            got=str(error),
            hint="Free some space or point SIGHTLINE_BACKUPS at another folder; the earlier copies "
            "are as they were",
        ) from error
    return Backup(place, _moment(place), place.stat().st_size)


def restore(home: Home, name: str | None = None, *, replace: bool = False) -> Path:
    """Put a backup back as the live database, with its media; the backup that was used.

    name: its file's name; the newest good one where not given. replace: also where a live database
    is there, which is then kept beside it as sightline.db.before-<time>. Stop the app first. Raises
    UserError: there is no good backup, or a live database is there.
    """
    try:
        with preparing(home):
            if home.database.exists() and not replace:
                raise UserError(
                    "There is a live database",
                    expected=f"no file at {home.database}",
                    hint="Stop the app and add --replace to put it aside",
                )
            for chosen in _choose(home, name):
                with _scratch(home) as copy:
                    copy_durably(chosen.path, copy)
                    if (problem := _problem(copy)) is None:
                        _copy_media(home.backups / "media", home.media, _media_files(copy))
                        _swap(home, copy)
                        return chosen.path
                if name is not None:
                    raise UserError("The backup is damaged", got=f"{chosen.path.name}: {problem}")
    except OSError as error:
        raise explained(home, error) from error
    raise UserError(
        "There is no good backup",
        expected=f"a file {PREFIX}*{SUFFIX} in {home.backups}",
        hint="SIGHTLINE_BACKUPS names the folder",
    )


def restore_if_missing(home: Home) -> Path | None:
    """At start: the newest good backup where the live database is missing; None where it is there
    or there is no backup."""
    if home.database.exists() or not backups(home):
        return None
    try:
        return restore(home)
    except UserError:
        if home.database.exists():  # another process was faster
            return None
        raise


# ---- taking -----------------------------------------------------------------------------------


def _copy_database(home: Home, copy: Path) -> list[str]:
    """A checked copy in one file; the media files that it refers to."""
    db = open_database(home)
    try:
        with closing(sqlite3.connect(copy)) as target:
            db.conn.backup(target)
            # One file, without a log beside it.
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise explained(home, error) from error
    finally:
        db.close()
    if problem := _problem(copy):
        raise UserError(
            "The live database is damaged; the backups are left as they are",
            got=problem,
            hint="Restore the last one: python -m training.store.backup restore --replace",
        )
    return _media_files(copy)


def _problem(copy: Path) -> str | None:
    """What is wrong with a database file, or None."""
    try:
        with closing(sqlite3.connect(copy)) as db:
            found = [row[0] for row in db.execute("PRAGMA quick_check")]
            db.execute("select count(*) from corrections").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if found == ["ok"] else "; ".join(found)[:300]


def _media_files(copy: Path) -> list[str]:
    with closing(sqlite3.connect(copy)) as db:
        return [Path(row[0]).name for row in db.execute("select file from media")]


def _copy_media(source: Path, target: Path, files: list[str]) -> None:
    """Those that are not there yet; their names are hashes, so the same name is the same file.
    One that is missing at its source cannot be copied, and the others are what matters."""
    target.mkdir(parents=True, exist_ok=True)
    there = set(os.listdir(target))
    for file in files:
        if file not in there and (source / file).is_file():
            copy_durably(source / file, target / file)


def _prune(home: Home, keep: int, newest: list[str]) -> None:
    """Old copies, then media that no copy refers to any more, so that a person who was forgotten
    leaves the backups too. What an interrupted backup left is removed after a day."""
    for old in backups(home)[keep:]:
        old.path.unlink(missing_ok=True)
    folder = home.backups / "media"
    extra = {p.name for p in folder.iterdir() if not p.name.startswith(PARTIAL)} - set(newest)
    if extra:
        for one in backups(home)[1:]:
            with _scratch(home) as copy:
                copy_durably(one.path, copy)
                if _problem(copy) is not None:
                    return  # what a damaged copy needs is not known: delete nothing
                extra -= set(_media_files(copy))
        for file in extra:
            (folder / file).unlink(missing_ok=True)
    yesterday = datetime.now(UTC).timestamp() - 86_400
    for partial in (*home.backups.glob(f"{PARTIAL}*"), *folder.glob(f"{PARTIAL}*")):
        if partial.stat().st_mtime < yesterday:
            partial.unlink(missing_ok=True)


# ---- putting back -----------------------------------------------------------------------------


def _choose(home: Home, name: str | None) -> list[Backup]:
    """The named one, or all that there are, newest first."""
    found = backups(home)
    if name is None:
        return found
    chosen = [one for one in found if one.path.name == name]
    if not chosen:
        raise UserError(
            "There is no such backup",
            expected=", ".join(one.path.name for one in found) or f"a backup in {home.backups}",
            got=name[:100],
        )
    return chosen


def _swap(home: Home, copy: Path) -> None:
    """The old database's log must not meet the new file."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for suffix in reversed(LOG_SUFFIXES):
        old = home.database.with_name(home.database.name + suffix)
        if old.exists():
            old.rename(home.database.with_name(f"{home.database.name}.before-{stamp}{suffix}"))
    os.replace(copy, home.database)
    sync_folder(home.root)


@contextmanager
def _scratch(home: Home) -> Iterator[Path]:
    """A path on the local disk for a copy to work on; gone afterwards."""
    home.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=home.root) as folder:
        yield Path(folder) / "copy.db"


def _moment(path: Path) -> str:
    stamp = path.name[len(PREFIX) : -len(SUFFIX)]
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return stamp


def _keep() -> int:
    text = os.environ.get("SIGHTLINE_BACKUPS_KEEP", "") or str(KEEP)
    if not text.isdigit() or int(text) < 1:
        raise UserError("SIGHTLINE_BACKUPS_KEEP is wrong", expected="1 or more", got=text)
    return int(text)
