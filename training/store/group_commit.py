"""Many waiting writers, one transaction, one fsync.

An fsync takes milliseconds, so a transaction for each correction would hold a crowd up. Who comes
first in a process takes the work of everybody who waits, runs each in a savepoint of its own and
commits once; each is confirmed only after that commit. One bad piece of work spoils no other.
Between processes SQLite's own write lock keeps the data safe; but it makes waiters sleep and look
again, up to 0.1 s at a time, so those of this module also queue at a lock file that wakes them.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from sqlite_utils import Database

from training.store.database import explained, file_id, open_database
from training.store.home import Home

T = TypeVar("T")
Work = Callable[[Database], Any]
SAVE, BACK, KEEP = "SAVEPOINT work", "ROLLBACK TO work", "RELEASE work"


def write(home: Home, work: Callable[[Database], T]) -> T:
    """Run `work(db)` in a transaction that holds the write lock; its result once it is committed.

    `work` may run in another caller's thread. It must not commit, and must not call `write`.

    Raises:
        UserError: the database could not be written; nothing of this work was kept.
        Exception: whatever `work` raised; the same.
    """
    # Not inherited by a forked child: SQLite's connections do not survive a fork.
    key = (os.getpid(), home.database)
    committer = _committers.setdefault(key, _Committer(home))
    return cast(T, committer.run(work))


class _Item:
    def __init__(self, work: Work) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False


class _Committer:
    """The writers of one process to one database. Keeps its connection: opening one and closing
    the last one costs more than a commit."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._turn = threading.Condition()
        self._waiting: list[_Item] = []
        self._busy = False
        self._db: Database | None = None
        self._file: tuple[int, int] | None = None
        self._lock: IO[str] | None = None

    def run(self, work: Work) -> Any:
        item = _Item(work)
        with self._turn:
            self._waiting.append(item)
            while self._busy and not item.done:
                self._turn.wait()
            if not item.done:
                self._busy = True
                batch, self._waiting = self._waiting, []
        if not item.done:
            self._lead(batch)
        if item.error is not None:
            raise item.error
        return item.result

    def _lead(self, batch: list[_Item]) -> None:
        try:
            self._commit(batch)
        except BaseException as error:
            for item in batch:
                item.error = item.error or error
        finally:
            with self._turn:
                for item in batch:
                    item.done = True
                self._busy = False
                self._turn.notify_all()

    def _commit(self, batch: list[_Item]) -> None:
        try:
            db = self._connection()
            with self._queue():
                db.execute("BEGIN IMMEDIATE")
                for item in batch:
                    _attempt(db, item)
                db.conn.commit()
        except BaseException as error:
            self._close()
            if isinstance(error, (sqlite3.Error, OSError)):
                raise explained(self._home, error) from error
            raise
        for item in batch:
            if isinstance(item.error, sqlite3.DatabaseError):
                item.error = explained(self._home, item.error)

    @contextmanager
    def _queue(self) -> Iterator[None]:
        """A place in the queue of all processes."""
        assert self._lock is not None
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _connection(self) -> Database:
        """The open one, unless the file was replaced or removed under it."""
        if self._db is not None and self._file != file_id(self._home.database):
            self._close()
        if self._db is None:
            self._db = open_database(self._home, any_thread=True)
            self._file = file_id(self._home.database)
            self._lock = (self._home.root / "write.lock").open("w")
        return self._db

    def _close(self) -> None:
        """Rolls back what was not committed."""
        db, self._db = self._db, None
        lock, self._lock = self._lock, None
        for held in (db, lock):
            if held is not None:
                held.close()


def _attempt(db: Database, item: _Item) -> None:
    """One piece of work. Raises only where the whole transaction is lost."""
    db.execute(SAVE)
    try:
        item.result = item.work(db)
    except Exception as error:
        if not db.conn.in_transaction:  # SQLite rolled everything back by itself
            raise
        db.execute(BACK)
        item.error = error
    db.execute(KEEP)


_committers: dict[tuple[int, Path], _Committer] = {}
