"""What keeps the store safe while an app runs: a backup put back where the database is missing,
backups by the clock and at exit, and the mirror where one is configured."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.backup import BackupThread, restore_if_missing
from training.home import Home

if TYPE_CHECKING:
    from training.mirror import Mirror


@dataclass(frozen=True)
class Safekeeping:
    """What runs. mirror: None where SIGHTLINE_DATASET is not set."""

    backups: BackupThread
    mirror: Mirror | None

    def stop(self) -> None:
        self.backups.stop()
        if self.mirror is not None:
            self.mirror.stop()


def _print(text: str) -> None:
    print(text, file=sys.stderr)


def keep_safe(home: Home, tell: Callable[[str], None] = _print) -> Safekeeping:
    """Start it all; call before anything opens the database. Waits for a restore, for nothing else.

    Raises:
        UserError: there are backups but none is good; a setting is wrong.
    """
    restored = restore_if_missing(home)
    if restored is not None:
        tell(f"The database was missing; restored {restored}")
    mirror = None
    if os.environ.get("SIGHTLINE_DATASET", "").strip():
        from training.mirror import Mirror, repository  # the hub's client is needed only here

        named = repository()
        assert named is not None
        mirror = Mirror(home, named, tell=tell).start()
    return Safekeeping(BackupThread(home, tell=tell).start(), mirror)
