"""Homes, snapshots and waiting, for the tests of jobs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.jobs.settings import TrainSettings
from training.jobs.supervisor import Supervisor
from training.store.database import connect
from training.store.home import Home, find_home

SNAPSHOT = "a" * 16
STAND_IN = Path(__file__).with_name("job_stand_in.py")
PROGRAM = [sys.executable, str(STAND_IN)]
SETTINGS = TrainSettings(quantize="none", optimiser="adamw", precision="fp32")


def make_home(root: Path, **behaviour: Any) -> Home:
    """A home with one snapshot's row; behaviour: of the stand-in worker."""
    home = find_home(root)
    with connect(home) as db:
        db.execute(
            "insert or ignore into snapshots values (?, 'hazard', 'x', '{}', 'ann', 'then')",
            [SNAPSHOT],
        )
    behave(home, **behaviour)
    return home


def behave(home: Home, **behaviour: Any) -> None:
    """How the stand-in worker behaves from now on."""
    fresh = home.root / "behaviour.new"
    fresh.write_text(json.dumps(behaviour))
    fresh.replace(home.root / "behaviour.json")


def submit(home: Home, name: str | None = None, **settings: Any) -> str:
    return jobs.submit(home, SNAPSHOT, SETTINGS.changed_by(**settings), "ann", name=name)


def supervisor(home: Home, **options: Any) -> Supervisor:
    return Supervisor(home, PROGRAM, **{"tick_s": 0.05, "grace_s": 1.5, **options})


def until(condition: Callable[[], Any], what: str = "", seconds: float = 90.0) -> Any:
    """Wait until the condition holds; returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what or condition}"
        time.sleep(0.02)
    return found


def wait_for(home: Home, job_id: str, *states: str) -> JobRow:
    def there() -> JobRow | None:
        row = jobs.job(home, job_id)
        return row if row.state in states else None

    row: JobRow = until(there, f"{job_id} to be {states}: {jobs.job(home, job_id)}")
    return row


def wait_for_step(home: Home, job_id: str, step: int) -> JobRow:
    until(lambda: jobs.job(home, job_id).step >= step, f"step {step}")
    return jobs.job(home, job_id)


def worker_pid(job_id: str) -> int:
    """The process that trains."""
    from training.jobs import processes

    def found() -> list[int]:
        return [p.pid for p in processes.marked(job_id) if "worker" in p.cmdline()]

    return int(until(found, "a worker")[0])
