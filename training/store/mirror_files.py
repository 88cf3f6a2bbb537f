"""Events as JSON lines in a folder that a mirror uploads. Knows no network.

The database is the original; this is a second trace of it that people can read and that a dataset
repository can hold. Each event is written at least once (after a crash perhaps twice: take one line
for each event and id). Left out: images, file names, what a browser said about itself, and
names of people, who appear under a pseudonym that only this home can make.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.store.database import connect
from training.store.group_commit import write
from training.store.home import Home
from training.store.media import PARTIAL
from training.store.whole import whole

Row = Mapping[str, Any]
JSON_COLUMNS = ("base", "finetuned", "settings", "truth", "payload", "before", "slices")
# What is written of each table, in an order in which no line refers to a later one.
EVENTS: dict[str, tuple[str, ...]] = {
    "media": ("hash", "kind", "width", "height", "bytes", "duration_s", "slices", "created"),
    "predictions": (
        "id", "task", "media", "backbone", "backbone_sha256", "adapter", "adapter_version",
        "prompt", "base", "finetuned", "truth", "latency_s", "created",
    ),
    "corrections": (
        "id", "task", "media", "prediction", "kind", "payload", "before", "author", "created",
    ),
    "withdrawals": ("correction", "author", "created"),
    "reviews": ("id", "correction", "verdict", "comment", "reviewer", "created", "undoes"),
}  # fmt: skip


def folder_of(home: Home) -> Path:
    """What is uploaded: *.jsonl, one file for each run of the app."""
    return home.root / "mirror"


def append_new(home: Home, file: Path) -> int:
    """Add the events since the last call, of whatever run, to `file`; how many. They are on disk
    before they count as written. Raises UserError where the database cannot be used, else OSError.
    """
    with _alone(home):
        lines, upto = _new_lines(home)
        if lines:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as out:
                out.writelines(lines)
                out.flush()
                os.fsync(out.fileno())
            write(home, lambda db: _remember(db, upto))
    return len(lines)


def drop(home: Home, gone: Callable[[Row], bool]) -> int:
    """Take lines out of the files again, where a person was forgotten; how many. A mirror's next
    commit then replaces the files; older commits of the repository keep what they have."""
    if not folder_of(home).is_dir():
        return 0
    dropped = 0
    with _alone(home):
        for file in folder_of(home).glob("*.jsonl"):
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if not gone(json.loads(line))]
            if len(kept) < len(lines):
                with whole(file, durable=True) as fresh:
                    fresh.write_text("".join(kept), encoding="utf-8")
                dropped += len(lines) - len(kept)
    return dropped


def pseudonym(home: Home, author: str) -> str:
    """The same for the same person, without their name; made with a key that stays here."""
    digest = hmac.new(_key(home), author.encode(), hashlib.sha256).hexdigest()
    return f"person-{digest[:12]}"


def _new_lines(home: Home) -> tuple[list[str], dict[str, int]]:
    """The next lines of all tables, and up to which rowid they go."""
    lines: list[str] = []
    upto: dict[str, int] = {}
    with connect(home) as db:
        # One snapshot: a review never comes without its correction.
        db.execute("BEGIN")
        for table, columns in EVENTS.items():
            row = db.execute("select upto from mirrored where events = ?", [table]).fetchone()
            found = db.query(
                f"select rowid as at, {', '.join(columns)} from {table} where rowid > ?"
                " order by rowid",
                [row[0] if row else 0],
            )
            for event in found:
                upto[table] = event.pop("at")
                lines.append(_line(home, table, event))
        db.rollback()
    return lines, upto


def _line(home: Home, table: str, event: dict[str, Any]) -> str:
    for column in JSON_COLUMNS:
        if isinstance(event.get(column), str):
            event[column] = json.loads(event[column])
    for column in ("author", "reviewer"):
        if column in event:
            event[column] = pseudonym(home, event[column])
    return json.dumps({"event": table.rstrip("s"), **event}, ensure_ascii=False) + "\n"


def _remember(db: Any, upto: Mapping[str, int]) -> None:
    for table, rowid in upto.items():
        db.execute("insert or replace into mirrored values (?, ?)", [table, rowid])


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """One writer of these files at a time, between processes too."""
    with (home.root / "mirror.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _key(home: Home) -> bytes:
    path = home.root / "mirror.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        handle, partial = tempfile.mkstemp(prefix=PARTIAL, dir=home.root)
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_bytes(32))
        try:
            os.link(partial, path)  # fails where another process was faster: then theirs counts
        except FileExistsError:
            pass
        finally:
            os.unlink(partial)
        return path.read_bytes()
