"""Trains on this machine: accelerate's launcher as a child of the job's process, watched."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from training.jobs import control as jobs
from training.jobs import failures, processes
from training.jobs.config import launch_command
from training.jobs.logs import tail
from training.jobs.progress import CANCELLED, FAILED, TRAINED
from training.jobs.rows import JobRow
from training.jobs.runners import Outcome
from training.store.home import Home

GRACE_S = 90.0  # between asking for a checkpoint and killing
POLL_S = 0.2
LEAST_FREE_BYTES = 200_000_000
MakeCommand = Callable[[JobRow], Sequence[str]]


def launch(row: JobRow) -> list[str]:
    """What starts the worker."""
    return launch_command(row.settings, row.config_file, cpu=row.config["device"] == "cpu")


class LocalRunner:
    """command: what starts the worker of a job (tests put a stand-in)."""

    def __init__(self, command: MakeCommand = launch, grace_s: float = GRACE_S) -> None:
        self._command = command
        self._grace_s = grace_s

    def train(self, home: Home, row: JobRow, stop: Callable[[], bool]) -> Outcome:
        """Train until the end, or until stop() turns true and the worker has written its
        checkpoint."""
        free = shutil.disk_usage(home.root).free
        if free < LEAST_FREE_BYTES:
            return Outcome(
                FAILED,
                f"Only {free / 1e6:.0f} MB are free where checkpoints are written.",
                "Free some space, for instance by deleting old jobs, then press Resume.",
            )
        jobs.worker_config(home, row).write(row.config_file)
        start = row.log.stat().st_size if row.log.exists() else 0
        code = run_watched(home, row, self._command(row), stop, self._grace_s)
        return self._outcome(home, row.id, code, start)

    def _outcome(self, home: Home, job_id: str, code: int, start: int) -> Outcome:
        """The worker's own word first, then what the system tells of its end."""
        row = jobs.job(home, job_id)
        if (code == 0 or row.stage == TRAINED) and (row.output / "adapter_config.json").is_file():
            return Outcome(TRAINED)
        if row.stage == FAILED and row.reason:
            return Outcome(FAILED, row.reason, row.hint)
        if row.state == "cancelling":
            return Outcome(CANCELLED)
        if row.stage == CANCELLED:
            failure = failures.stopped(row, signal.SIGTERM)
        else:
            failure = failures.explain(row, code, tail(row.log, 10_000, start=start))
        return Outcome(FAILED, failure.reason, failure.hint)


def run_watched(
    home: Home, row: JobRow, command: Sequence[str], stop: Callable[[], bool], grace_s: float
) -> int:
    """Run a command with the job's mark, its output appended to the job's log; returns its exit
    code once all processes with the mark are gone. Once stop() is true they are asked to end, and
    killed after grace_s."""
    env = processes.clean_environment(home, row.id)
    with row.log.open("ab") as out:
        child = subprocess.Popen(
            list(command),
            cwd=processes.ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        while child.poll() is None and not stop():
            time.sleep(POLL_S)
    finally:
        _end_all(row.id, child, grace_s)
    return child.wait()


def _end_all(job_id: str, child: subprocess.Popen[bytes], grace_s: float) -> None:
    """A launcher may go before its workers, which still write: whatever ended it, all processes
    with the mark are asked to end, waited for, and killed in the end."""
    asked, deadline = False, time.monotonic() + grace_s
    while (left := processes.marked(job_id)) or child.poll() is None:
        if not asked:
            processes.send(left, signal.SIGTERM)
            asked = True
        elif time.monotonic() > deadline:
            processes.send(left, signal.SIGKILL)
        time.sleep(POLL_S)
