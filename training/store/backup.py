"""Backups by the clock, at exit and by command.

    python -m training.store.backup now
    python -m training.store.backup list
    python -m training.store.backup restore [NAME] [--replace]

Into the folder SIGHTLINE_BACKUPS, every SIGHTLINE_BACKUP_MINUTES, the last SIGHTLINE_BACKUPS_KEEP
are kept. `restore_if_missing` belongs at an app's start, before anything opens the database.
"""

from __future__ import annotations

import argparse
import atexit
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from inference.errors import UserError
from training.store.backups import backup, backups, restore, restore_if_missing  # noqa: F401
from training.store.home import Home, find_home

MINUTES = 10.0  # SIGHTLINE_BACKUP_MINUTES


class BackupThread:
    """Takes a backup every `minutes` and when the process ends, if anything was written since.

    A failure is told once to `tell` and kept in `problem`; the next turn tries again.
    """

    def __init__(
        self,
        home: Home,
        minutes: float | None = None,
        tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
    ) -> None:
        self.home = home
        self.problem: str | None = None
        self._seconds = 60 * (minutes_wanted() if minutes is None else minutes)
        self._tell = tell
        self._saved: list[tuple[int, int] | None] | None = None
        self._one_at_a_time = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backup", daemon=True)

    def start(self) -> BackupThread:
        self._thread.start()
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """The last backup, then no more. Also called when Python exits; not on SIGKILL, nor on
        SIGTERM unless the app turns it into an exit."""
        if not self._over.is_set():
            self._over.set()
            self._save()
            atexit.unregister(self.stop)

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            self._save()

    def _save(self) -> None:
        with self._one_at_a_time:
            state = self._state()
            if state == self._saved or not self.home.database.exists():
                return
            try:
                backup(self.home)
                # The state before: what was written meanwhile is for the next turn.
                self._saved, self.problem = state, None
            except UserError as error:
                if str(error) != self.problem:
                    self._tell(str(error))
                self.problem = str(error)

    def _state(self) -> list[tuple[int, int] | None]:
        """Tells whether anything was written since: sizes and times of the database and its log."""
        return [_stamp(self.home.database.with_name(f"sightline.db{s}")) for s in ("", "-wal")]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def minutes_wanted() -> float:
    """SIGHTLINE_BACKUP_MINUTES, else MINUTES. Raises UserError where it is not a number above 0."""
    text = os.environ.get("SIGHTLINE_BACKUP_MINUTES", "") or str(MINUTES)
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 1e5:
        raise UserError("SIGHTLINE_BACKUP_MINUTES is wrong", expected="a number above 0", got=text)
    return minutes


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training.store.backup", description="Copies of the store, and the way back"
    )
    parser.add_argument("what", choices=("now", "list", "restore"))
    parser.add_argument("name", nargs="?", help="which backup to restore; the newest by default")
    parser.add_argument("--replace", action="store_true", help="put a live database aside")
    options = parser.parse_args(arguments)
    try:
        home = find_home()
        if options.what == "now":
            made = backup(home)
            print(f"{made.path} ({made.bytes:,} bytes)")
        elif options.what == "restore":
            print(f"Restored {restore(home, options.name, replace=options.replace)}")
        else:
            for one in backups(home):
                print(f"{one.created}  {one.bytes:>12,} bytes  {one.path.name}")
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
