"""Small things that every module with SQL needs: one row, the time, a transaction that writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

Row = dict[str, Any]


def one(db: Database, sql: str, values: Sequence[Any] = ()) -> Row | None:
    """The first row, or None."""
    found: Row | None = next(iter(db.query(sql, list(values))), None)
    return found


@contextmanager
def writing(db: Database) -> Iterator[None]:
    """A transaction that takes the write lock at once. One that only reads at first can find, when
    it comes to write, that another process wrote in between, and SQLite then fails it at once
    instead of waiting."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def now() -> str:
    """ISO 8601, UTC, to the microsecond, so that order by text is order by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def marks(values: Sequence[Any]) -> str:
    """Question marks for `in (...)`."""
    return ", ".join("?" * len(values))
