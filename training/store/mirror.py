"""The store's events in a dataset repository of the Hugging Face hub, where one is configured.

SIGHTLINE_DATASET names it ("user/name"); it is made private where it does not exist. Uploads go
through huggingface_hub.CommitScheduler, which sees only JSON lines: the database in write-ahead
mode does not change its main file when it is written, so the scheduler would pass it over.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from huggingface_hub import CommitScheduler, HfApi

from inference.errors import UserError
from training.store.home import Home
from training.store.mirror_files import append_new, folder_of

MINUTES = 5.0
RETRY_S = 60.0  # after the hub could not be reached at the start
IN_REPOSITORY = "events"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def repository() -> str | None:
    """The configured dataset repository, or None. Raises UserError where it is no such name."""
    name = os.environ.get("SIGHTLINE_DATASET", "").strip()
    if name and not _REPOSITORY.fullmatch(name):
        raise UserError("SIGHTLINE_DATASET is wrong", expected="user/name", got=name[:100])
    return name or None


class Mirror:
    """Uploads new events every `minutes` and when Python exits. What cannot be uploaded now stays
    in the home and goes with a later one. `problem`: why the last attempt failed, or None."""

    def __init__(
        self,
        home: Home,
        repo_id: str,
        minutes: float = MINUTES,
        api: HfApi | None = None,
        tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
    ) -> None:
        self.home = home
        self.problem: str | None = None
        self._repo_id, self._minutes, self._api = repo_id, minutes, api
        self._tell = tell
        self._scheduler: _Scheduler | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._open, name="mirror", daemon=True)

    def start(self) -> Mirror:
        """Returns at once: the hub is asked in a thread of its own."""
        self._thread.start()
        return self

    def flush(self) -> Any:
        """Upload what is new now and wait for it; the commit, or None where nothing is new or the
        hub was not reached yet. Raises what the hub's client raises."""
        return self._scheduler.trigger().result() if self._scheduler else None

    def stop(self) -> None:
        self._over.set()
        if self._scheduler is not None:
            self._scheduler.stop()

    def _open(self) -> None:
        while not self._over.is_set():
            try:
                self._scheduler = _Scheduler(self)
                return
            except Exception as error:  # the network's and the hub's own
                self._failed(error)
                self._over.wait(RETRY_S)

    def _failed(self, error: Exception) -> None:
        problem = f"The mirror {self._repo_id} could not be written: {error}"
        if problem != self.problem:
            self._tell(problem)
        self.problem = problem


class _Scheduler(CommitScheduler):  # type: ignore[misc]
    """Writes the new events before each commit, under the scheduler's lock."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        # A name of its own for each run: an upload replaces a file of the same name.
        self._file: Path = folder_of(mirror.home) / f"events-{stamp}-{secrets.token_hex(3)}.jsonl"
        super().__init__(
            repo_id=mirror._repo_id,
            repo_type="dataset",
            folder_path=folder_of(mirror.home),
            path_in_repo=IN_REPOSITORY,
            allow_patterns=["*.jsonl"],
            every=mirror._minutes,
            private=True,
            hf_api=mirror._api,
        )

    def push_to_hub(self) -> Any:
        try:
            with self.lock:
                append_new(self._mirror.home, self._file)
            made = super().push_to_hub()
        except Exception as error:
            self._mirror._failed(error)
            raise
        self._mirror.problem = None
        return made
