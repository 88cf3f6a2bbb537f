"""One worker on a tiny model: fixtures in conftest.py, and what reads its job's row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.jobs.config import WorkerConfig
from training.snapshots.types import Snapshot
from training.store.database import connect
from training.store.home import Home


def with_job(home: Home, made: Snapshot, name: str = "j1") -> str:
    with connect(home) as db:
        db.execute(
            "insert into jobs (id, task, snapshot, state, runner, config, folder, author, created)"
            " values (?, 'hazard', ?, 'running', 'local', '{}', 'j1', 'ann', 'now')",
            [name, made.hash],
        )
    return name


def row_of(home: Home) -> dict[str, Any]:
    with connect(home) as db:
        return next(iter(db.query("select * from jobs where id = 'j1'")))


Train = Callable[..., tuple[int, WorkerConfig]]
