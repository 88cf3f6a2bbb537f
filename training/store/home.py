"""Where everything that Sightline keeps lies on disk, outside every folder that is served."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from inference.errors import UserError


@dataclass(frozen=True)
class Home:
    """The folders below one root. The root is `SIGHTLINE_HOME`, or the user's data folder."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "sightline.db"

    @property
    def media(self) -> Path:
        """Pictures and clips by content hash."""
        return self.root / "media"

    @property
    def adapters(self) -> Path:
        """Trained adapters, one folder each."""
        return self.root / "adapters"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def backups(self) -> Path:
        return Path(os.environ.get("SIGHTLINE_BACKUPS") or self.root / "backups")


def find_home(root: Path | str | None = None) -> Home:
    """The home at `root`, else at SIGHTLINE_HOME, else the platform's place. Makes its folders.

    Raises UserError where they cannot be made.
    """
    chosen = root or os.environ.get("SIGHTLINE_HOME") or platformdirs.user_data_dir("sightline")
    home = Home(Path(chosen).expanduser().resolve())
    try:
        for folder in (home.media, home.adapters, home.snapshots, home.jobs):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            "Sightline's folder cannot be written",
            expected="a folder that this user may write, named by SIGHTLINE_HOME",
            got=f"{home.root}: {error.strerror}",
        ) from error
    return home
