"""Training jobs, read: rows, curves, logs, and what the worker is started with. No torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inference.errors import UserError
from training.jobs.config import WorkerConfig
from training.jobs.logs import tail
from training.jobs.progress import PROOF, PROOF_CASES, PROOF_DONE, PROOF_LEFT, PROVING
from training.jobs.rows import PROVE, STATES, JobRow, Series, as_row
from training.store.database import connect
from training.store.home import Home
from training.store.rows import marks, one


def job(home: Home, job_id: str) -> JobRow:
    """Raises UserError where there is none of that id."""
    with connect(home) as db:
        row = one(db, "select * from jobs where id = ?", [job_id])
    if row is None:
        raise UserError("There is no such job", got=job_id[:80], hint="It may have been deleted")
    return as_row(home, row)


def jobs(home: Home, states: Sequence[str] = STATES, limit: int = 200) -> list[JobRow]:
    """The newest first."""
    with connect(home) as db:
        rows = list(
            db.query(
                f"select * from jobs where state in ({marks(states)})"
                " order by created desc, id desc limit ?",
                [*states, limit],
            )
        )
    return [as_row(home, row) for row in rows]


def metrics(
    home: Home, job_id: str, names: Sequence[str] | None = None, since: int = -1
) -> dict[str, Series]:
    """By name, what the worker measured after step `since`."""
    only = f" and name in ({marks(names)})" if names is not None else ""
    with connect(home) as db:
        rows = list(
            db.query(
                "select name, step, value, time from job_metrics where job = ? and step > ?"
                f"{only} order by name, step",
                [job_id, since, *(names or ())],
            )
        )
    found: dict[str, list[tuple[int, float, float]]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append((row["step"], row["value"], row["time"]))
    return {
        name: Series(*(tuple(column) for column in zip(*points, strict=True)))  # type: ignore[arg-type]
        for name, points in found.items()
    }


@dataclass(frozen=True)
class HowFar:
    """A job's training and proof as one piece of work.

    fraction: 0..1, of the time where the rest is known, else of steps and cases. left_s: seconds,
    training_s: of the training alone, None while unknown. said: the counts in words.
    """

    fraction: float
    left_s: float | None
    training_s: float | None
    said: str


def how_far(home: Home, row: JobRow, cases: int, case_s: float | None = None) -> HowFar:
    """How far a running job is. cases: how many its proof will have, case_s: how many seconds each
    took in an earlier proof (None without one), both until the proof itself says."""
    proof = metrics(home, row.id, PROOF)
    proving, only_proof = row.stage.startswith(PROVING), row.config["only"] == PROVE
    done = 0
    if proving and proof:
        done, cases = int(proof[PROOF_DONE].values[-1]), int(proof[PROOF_CASES].values[-1])
    step, steps = (0, 0) if only_proof else (row.step, row.steps)
    training: float | None = 0.0
    if not (proving or only_proof):
        eta = metrics(home, row.id, ["eta_s"], since=max(0, step - 200)).get("eta_s")
        training = _rest(eta) if step else None
    left = _rest(proof.get(PROOF_LEFT)) if proving else None
    if left is None and case_s is not None:
        left = (cases - done) * case_s
    rest = None if training is None or left is None else training + left
    share = (step + done) / (steps + cases) if steps + cases else 0.0
    if rest is not None and row.started is not None:
        gone = max(time.time() - datetime.fromisoformat(row.started).timestamp(), 0.0)
        share = gone / max(gone + rest, 1e-9)
    counted = [f"step {step:,} of {steps:,}"] if steps else []
    counted.append(f"proof: {done:,} of {cases:,} cases")
    return HowFar(min(share, 1.0), rest, training, " · ".join(counted))


def _rest(said: Series | None) -> float | None:
    """Seconds left, as last said, less what has gone by since."""
    if said is None:
        return None
    return max(said.values[-1] - max(time.time() - said.times[-1], 0.0), 0.0)


def log_tail(home: Home, job_id: str, lines: int = 200, max_bytes: int = 64_000) -> str:
    """The last lines of the job's log. At most max_bytes are read, whatever its length; progress
    bars, which rewrite their line, show its last state."""
    return tail(job(home, job_id).log, lines, max_bytes)


def worker_config(home: Home, row: JobRow) -> WorkerConfig:
    """What the job's worker is started with."""
    parent = row.config["parent_adapter"]
    return WorkerConfig(
        job=row.id,
        home=home.root,
        snapshot=row.snapshot,
        settings=row.settings,
        base=row.config["base"],
        parent_adapter=Path(parent) if parent else None,
        output=row.output,
        name=row.name,
        checkpoints=row.checkpoints,
        resume=bool(row.config["resume"]),
        device=row.config["device"],
    )
