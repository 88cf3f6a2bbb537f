"""What a training job is: its row, its curves; and how its row is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from training.jobs.settings import TrainSettings
from training.store.home import Home
from training.store.rows import Row, marks, now

STATES = ("queued", "running", "cancelling", "cancelled", "failed", "done")
ACTIVE = ("running", "cancelling")
RESUMABLE = ("cancelled", "failed")
LOG, CONFIG, CHECKPOINTS, OUTPUT = "log.txt", "config.json", "checkpoints", "adapter"
PROVE = "prove"


@dataclass(frozen=True)
class JobRow:
    """One job.

    config: {"settings", "base", "parent_adapter", "name", "device", "resume", "only"}.
    state: queued, running, cancelling, cancelled, failed or done. stage: what it does now, in
    words. reason and hint: what went wrong, and what to do. step of steps: optimiser steps.
    pid and process_started: its process (seconds since 1970). remote: its id at the hub.
    created, started, ended: ISO 8601, UTC.
    """

    id: str
    task: str
    snapshot: str
    state: str
    runner: str
    config: Mapping[str, Any]
    folder: Path
    parent: str | None
    pid: int | None
    process_started: float | None
    remote: str | None
    step: int
    steps: int
    stage: str
    reason: str
    hint: str
    author: str
    created: str
    started: str | None
    ended: str | None

    @property
    def settings(self) -> TrainSettings:
        """The hyperparameters that it was submitted with."""
        return TrainSettings.from_json(self.config["settings"])

    @property
    def name(self) -> str:
        """The name of the adapter that it makes."""
        return str(self.config["name"])

    @property
    def active(self) -> bool:
        """A process works on it."""
        return self.state in ACTIVE

    @property
    def log(self) -> Path:
        return self.folder / LOG

    @property
    def config_file(self) -> Path:
        """What the worker is started with; written when the job starts."""
        return self.folder / CONFIG

    @property
    def checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS

    @property
    def output(self) -> Path:
        """Where the worker writes the adapter, before it is moved to the others as a whole."""
        return self.folder / OUTPUT


@dataclass(frozen=True)
class Series:
    """One metric of a job in the order of its steps. times: seconds since 1970."""

    steps: tuple[int, ...]
    values: tuple[float, ...]
    times: tuple[float, ...]


def as_row(home: Home, row: Row) -> JobRow:
    """From a row of the table `jobs`."""
    changed = {"config": json.loads(row["config"]), "folder": home.jobs / row["folder"]}
    return JobRow(**{**row, **changed})


def change(
    db: Database,
    job_id: str,
    values: Mapping[str, Any],
    states: Sequence[str] = STATES,
    **seen: Any,
) -> bool:
    """Write columns of a job's row if its state is one of `states` and it still holds what was
    seen; whether it did. The columns' names never come from outside."""
    sets = ", ".join(f"{name} = ?" for name in values)
    still = "".join(f" and {name} is ?" for name in seen)
    sql = f"update jobs set {sets} where id = ? and state in ({marks(states)}){still}"
    given = [*values.values(), job_id, *states, *seen.values()]
    return bool(db.execute(sql, given).rowcount)


def ended(state: str, reason: str = "", hint: str = "") -> dict[str, Any]:
    """The columns of a job that nobody works on any more."""
    return {
        "state": state,
        "stage": "",
        "reason": reason,
        "hint": hint,
        "ended": now(),
        "pid": None,
        "process_started": None,
    }
