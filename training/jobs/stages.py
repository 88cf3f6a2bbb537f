"""`python -m training.jobs.stages HOME JOB`: one job from start to end, train and then prove, as a
process of its own. The page may close and the app may stop meanwhile.

It holds the job's lock while it lives, and writes into the row how each stage ended. Started by
`training.jobs.supervisor`. Knows no torch: both stages are processes below it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from inference.adapters import validate_adapter
from inference.errors import UserError
from inference.registry import resolve
from training.adapters import lineage
from training.jobs import control as jobs
from training.jobs import failures, processes
from training.jobs.local_runner import run_watched
from training.jobs.logs import tail
from training.jobs.progress import CANCELLED, FAILED, PROOF, PROVING, TRAINED
from training.jobs.rows import ACTIVE, PROVE, JobRow, change, ended
from training.jobs.runners import RUNNERS, Outcome, Runner
from training.store.database import connect
from training.store.home import Home
from training.store.rows import marks, now, one

LOCK = "lock"
PROOF_GRACE_S = 5.0
CHECK_S = 0.5  # how often the row is asked whether somebody cancelled
DONE = "done"

MakeRunner = Callable[[str], Runner]
MakeProof = Callable[[Home, str], Sequence[str]]


def usual_runner(name: str) -> Runner:
    made: Runner = resolve(RUNNERS[name].entry)()
    return made


def usual_proof(home: Home, job_id: str) -> list[str]:
    return processes.python("training.proof.run", job_id, "--home", str(home.root))


def main(
    argv: Sequence[str] | None = None,
    make_runner: MakeRunner = usual_runner,
    make_proof: MakeProof = usual_proof,
) -> int:
    """Work on the job, if it is to run and nobody else works on it."""
    root, job_id = sys.argv[1:] if argv is None else argv
    home = Home(Path(root))
    row = jobs.job(home, job_id)
    with processes.held(row.folder / LOCK, wait_s=2.0) as ours:
        if not ours or not _claim(home, job_id):
            return 0
        watch = Watch(home, job_id)
        print(f"---- {now()} job {job_id}, process {os.getpid()}", flush=True)
        try:
            outcome = _work(home, job_id, watch, make_runner, make_proof)
        except Exception as error:
            outcome = _broken(home, job_id, error)
        _finish(home, job_id, outcome)
    return 0 if outcome.state == DONE else 1


class Watch:
    """Callable: whether the job is to stop. The page asks through the row, everybody else through
    a signal, which this process only remembers."""

    def __init__(self, home: Home, job_id: str) -> None:
        self._home, self._job_id = home, job_id
        self._checked, self._cancelled = 0.0, False
        self.signal: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._remember)

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number

    def __call__(self) -> bool:
        if time.monotonic() - self._checked > CHECK_S and not self._cancelled:
            self._checked = time.monotonic()
            try:
                self._cancelled = jobs.job(self._home, self._job_id).state == "cancelling"
            except UserError as error:  # a database that is busy or full passes
                print(f"The row could not be read: {error}", file=sys.stderr, flush=True)
        return self._cancelled or self.signal is not None


def _claim(home: Home, job_id: str) -> bool:
    """Write this process into the row, unless another was first or the job is not to run."""
    with connect(home) as db:
        ours = {"pid": os.getpid(), "process_started": processes.own_start()}
        return change(db, job_id, ours, ACTIVE, pid=None)


def _work(
    home: Home, job_id: str, watch: Watch, make_runner: MakeRunner, make_proof: MakeProof
) -> Outcome:
    row = jobs.job(home, job_id)
    if not _made(home, job_id):
        outcome = make_runner(row.runner).train(home, row, watch)
        if outcome.state != TRAINED:
            return _unless_signalled(home, job_id, watch, outcome)
        adopt(home, jobs.job(home, job_id))
    elif row.config["only"] != PROVE:
        print("The adapter is already trained; going on with the proof.", flush=True)
    if watch():
        return _unless_signalled(home, job_id, watch, Outcome(CANCELLED))
    return _prove(home, job_id, watch, make_proof(home, job_id))


def _made(home: Home, job_id: str) -> bool:
    """Whether the job's adapter is in its place."""
    with connect(home) as db:
        return one(db, "select name from adapters where job = ?", [job_id]) is not None


def adopt(home: Home, row: JobRow) -> None:
    """Move the finished adapter among the others, as a whole, and register it. Raises UserError:
    what the worker wrote is not an adapter that could be loaded."""
    place = home.adapters / row.name
    if row.output.is_dir():
        validate_adapter(row.output)
        if place.exists():
            raise UserError("There is already an adapter of that name", got=row.name)
        os.rename(row.output, place)
    parent = row.config["parent_adapter"]
    lineage.register(
        home,
        name=row.name,
        task=row.task,
        job=row.id,
        snapshot=row.snapshot,
        parent=lineage.name_of(Path(parent)) if parent else None,
    )


def _prove(home: Home, job_id: str, watch: Watch, command: Sequence[str]) -> Outcome:
    with connect(home) as db:
        change(db, job_id, {"stage": PROVING})
        # What an earlier proof of this job said about itself no longer holds.
        names = f"name in ({marks(PROOF)})"
        db.execute(f"delete from job_metrics where job = ? and {names}", [job_id, *PROOF])
    row = jobs.job(home, job_id)
    start = row.log.stat().st_size if row.log.exists() else 0
    code = run_watched(home, row, command, watch, PROOF_GRACE_S)
    if code == 0:
        return Outcome(DONE)
    row = jobs.job(home, job_id)
    if watch():
        return _unless_signalled(home, job_id, watch, Outcome(CANCELLED))
    if row.reason:
        return Outcome(FAILED, row.reason, row.hint)
    failure = failures.explain_proof(row, code, tail(row.log, 10_000, start=start))
    return Outcome(FAILED, failure.reason, failure.hint)


def _unless_signalled(home: Home, job_id: str, watch: Watch, outcome: Outcome) -> Outcome:
    """A job that was ended by a signal from outside was not cancelled by anybody on the page."""
    row = jobs.job(home, job_id)
    if watch.signal is None or row.state == "cancelling" or outcome.reason:
        return outcome
    failure = failures.stopped(row, watch.signal)
    return Outcome(FAILED, failure.reason, failure.hint)


def _broken(home: Home, job_id: str, error: Exception) -> Outcome:
    """Something here failed, not the worker."""
    print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    if isinstance(error, UserError):
        return Outcome(FAILED, str(error), error.hint or "See the log.")
    failure = failures.explain(jobs.job(home, job_id), None, f"{type(error).__name__}: {error}")
    return Outcome(FAILED, failure.reason, failure.hint)


def _finish(home: Home, job_id: str, outcome: Outcome) -> None:
    """The end of the row. A full disk is given a minute; after that the supervisor finds the job
    without a process and says so."""
    for wait in (0.0, 1.0, 5.0, 20.0, 30.0):
        time.sleep(wait)
        try:
            with connect(home) as db:
                change(db, job_id, ended(outcome.state, outcome.reason, outcome.hint))
            return
        except UserError as error:
            print(f"The end could not be written: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
