"""Training jobs as rows: submitted, cancelled, resumed, proven again, deleted, and read.

Only the database and the job's folder are touched; processes belong to `stages` (a job while it
runs) and `supervisor` (which job runs). Knows no torch.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from inference.errors import UserError, unknown
from training.adapters.folders import adapter_folder
from training.adapters.promotion import in_use
from training.jobs.reads import job, jobs, log_tail, metrics, worker_config  # noqa: F401
from training.jobs.rows import ACTIVE, PROVE, RESUMABLE, change, ended
from training.jobs.runners import LOCAL, RUNNERS, why_not_here
from training.jobs.settings import TrainSettings
from training.store.database import connect
from training.store.home import Home
from training.store.rows import marks, now, one, writing

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED_MODEL = ROOT / "examples" / "models" / "sightline-tiny"  # a path, not an import


# ---- making and ending ------------------------------------------------------------------------


def submit(
    home: Home,
    snapshot_hash: str,
    settings: TrainSettings | Mapping[str, Any],
    author: str,
    runner: str = "local",
    parent: str | None = None,
    *,
    base: str | Path | None = None,
    name: str | None = None,
    device: str = "auto",
) -> str:
    """Put a job into the queue; returns its id.

    parent: the job that this one tries again with other settings. base: folder or hub id of the
    base model (default: the embedded one). name: of the adapter to make (default: task and job).
    Settings that start from the current adapter take the one that is in use now. Raises UserError:
    `field` names what is wrong: the snapshot, the runner, a setting, the name.
    """
    if runner not in RUNNERS:
        raise unknown("runner", runner, RUNNERS, "runner")
    if runner == LOCAL and (reason := why_not_here()) is not None:
        raise UserError("This machine cannot train", got=reason, hint="Use the hub", field="runner")
    if not isinstance(settings, TrainSettings):
        settings = TrainSettings.from_json(settings)
    job_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    with connect(home) as db, writing(db):
        snapshot = one(db, "select task from snapshots where hash = ?", [snapshot_hash])
        if snapshot is None:
            raise UserError(
                "There is no such snapshot",
                expected="the hash of a snapshot that was frozen here",
                got=snapshot_hash[:80],
                field="snapshot",
            )
        task = snapshot["task"]
        settings.check_task(task)
        config = {
            "settings": settings.to_json(),
            "base": str(base or EMBEDDED_MODEL),
            "parent_adapter": None,
            "name": _free_name(db, home, name, f"{task}-{job_id}"),
            "device": device,
            "resume": False,
            "only": "",
        }
        if settings.start == "current" and (current := in_use(home, task, db)) is not None:
            config["parent_adapter"] = str(adapter_folder(home, current))
        db.execute(
            "insert into jobs (id, task, snapshot, state, runner, config, folder, parent, author,"
            " created) values (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)",
            [
                *(job_id, task, snapshot_hash, runner, json.dumps(config), job_id, parent),
                *(author, now()),
            ],
        )
        (home.jobs / job_id).mkdir(parents=True)
    return job_id


def cancel(home: Home, job_id: str) -> str:
    """Take a job out of the queue, or ask a running one to write a checkpoint and stop; returns the
    new state. The job's own process sees the row and ends the worker. Raises UserError: the job has
    already ended."""
    with connect(home) as db:
        if change(db, job_id, {"state": "cancelled", "ended": now()}, ["queued"]):
            return "cancelled"
        if change(db, job_id, {"state": "cancelling"}, ACTIVE):
            return "cancelling"
    raise _not_now(home, job_id, "be cancelled", "one that is queued or running")


def resume(home: Home, job_id: str) -> None:
    """Queue a cancelled or failed job again: it goes on from its last checkpoint, or from the start
    where it wrote none. Raises UserError: it is not cancelled or failed."""
    with connect(home) as db, writing(db):
        if not change(db, job_id, _queued(), RESUMABLE):
            raise _not_now(home, job_id, "go on", "one that was cancelled or failed")
        _set_config(db, job_id, resume=True, only="")


def prove_again(home: Home, job_id: str) -> None:
    """Queue the proof alone of a job that made an adapter, for instance since another adapter is in
    use by now. Raises UserError: it made none, or works on it."""
    with connect(home) as db, writing(db):
        if one(db, "select name from adapters where job = ?", [job_id]) is None:
            raise _not_now(home, job_id, "be proven again", "one that made an adapter")
        if not change(db, job_id, _queued(), ("done", *RESUMABLE)):
            raise _not_now(home, job_id, "be proven again", "one that has ended")
        _set_config(db, job_id, only=PROVE)


def delete(home: Home, job_id: str) -> None:
    """Remove a job that does not run: row, metrics, log and checkpoints. An adapter that it made
    stays, with its figures. Raises UserError: a process works on it."""
    row = job(home, job_id)
    with connect(home) as db, writing(db):
        db.execute("update jobs set parent = null where parent = ?", [job_id])
        made = one(db, "select name from adapters where job = ?", [job_id])
        if made is not None:
            db.execute("update evaluations set job = null where job = ?", [job_id])
            db.execute("update adapters set job = null where job = ?", [job_id])
        gone = db.execute(
            f"delete from jobs where id = ? and state not in ({marks(ACTIVE)})", [job_id, *ACTIVE]
        )
        if gone.rowcount == 0:
            raise UserError(
                "The job is running", expected="a job that has ended", hint="Cancel it first"
            )
    shutil.rmtree(row.folder, ignore_errors=True)


# ---- rows --------------------------------------------------------------------------------------


def _queued() -> dict[str, Any]:
    """A job that waits again: no process, no end, no old complaint."""
    return {**ended("queued"), "ended": None}


def _set_config(db: Database, job_id: str, **values: Any) -> None:
    row = one(db, "select config from jobs where id = ?", [job_id])
    assert row is not None
    change(db, job_id, {"config": json.dumps({**json.loads(row["config"]), **values})})


def _not_now(home: Home, job_id: str, what: str, expected: str) -> UserError:
    state = job(home, job_id).state
    return UserError(f"This job cannot {what}", expected=expected, got=f"one that is {state}")


def _free_name(db: Database, home: Home, name: str | None, usual: str) -> str:
    chosen = name or usual
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", chosen):
        raise UserError(
            "The adapter's name is not valid",
            expected="at most 80 letters, digits, - and _, the first a letter or digit",
            got=chosen[:100],
            field="name",
        )
    wanted = one(db, "select id from jobs where json_extract(config, '$.name') = ?", [chosen])
    if wanted is not None or adapter_folder(home, chosen) is not None:
        raise UserError(
            "There is already an adapter or a job of that name",
            expected="a name that is free",
            got=chosen,
            field="name",
        )
    return chosen
