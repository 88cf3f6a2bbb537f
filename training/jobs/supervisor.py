"""Starts the next job when none runs, and says what became of jobs whose process is gone.

Every app process has a supervisor thread, one of them at a time is in charge (a lock that dies with
its holder). The jobs themselves do not depend on it: it may go and come back at any moment.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from training.jobs import control as jobs
from training.jobs import failures, processes
from training.jobs.failures import Failure
from training.jobs.progress import FAILED
from training.jobs.rows import ACTIVE, JobRow, change, ended
from training.jobs.stages import LOCK
from training.store.database import connect
from training.store.home import Home
from training.store.rows import marks, now, one, writing

TICK_S = 1.0
CLAIM_S = 60.0  # a started job that has not reported by then never will
GRACE_S = 90.0
PROGRAM = (sys.executable, "-m", "training.jobs.stages")
TROUBLE = "supervisor.error"  # a file beside the jobs, so that every app of this home can read it


def trouble(home: Home) -> str:
    """The error that the last look at the queue ended with; empty where it ended well."""
    try:
        return (home.jobs / TROUBLE).read_text(encoding="utf-8")
    except OSError:
        return ""


class Supervisor:
    """One home's queue. program: what works on a job, called with the home and the job's id."""

    def __init__(
        self,
        home: Home,
        program: Sequence[str] = PROGRAM,
        tick_s: float = TICK_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._home = home
        self._program = list(program)
        self._tick_s, self._grace_s = tick_s, grace_s
        self._charge = ExitStack()
        self._in_charge = False
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._asked: dict[str, float] = {}  # job -> when its leftovers were asked to end
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: str | None = None  # as it stands in the file; None before the first look

    def start(self) -> Supervisor:
        """Run in the background. Jobs go on when this stops."""
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread and hand over to whoever else looks after this home."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._charge.close()
        self._in_charge = False

    def _run(self) -> None:
        while not self._stop.wait(self._tick_s):
            try:
                self.tick()
                self._tell("")
            except Exception as error:  # whatever it was, the next look tries again
                self._tell(f"{type(error).__name__}: {error}")

    def _tell(self, problem: str) -> None:
        """Into the log and the file for the page, each problem once."""
        if problem == self._trouble:
            return
        if problem:
            traceback.print_exc()
        try:
            if self._in_charge:
                (self._home.jobs / TROUBLE).write_text(problem, encoding="utf-8")
            elif not problem:
                return  # whoever only waits knows nothing of the queue
            self._trouble = problem
        except OSError as error:
            print(f"supervisor: {error}", file=sys.stderr, flush=True)

    def tick(self) -> None:
        """Look once: settle what ended unseen, then start what waits."""
        if not self._take_charge():
            return
        for child in self._children.values():
            child.poll()  # collects it if it ended
        active = jobs.jobs(self._home, ACTIVE)
        for row in active:
            if not self._runs(row):
                self._settle(row)
        if not active and (waiting := self._next()) is not None:
            self._launch(waiting)

    def _take_charge(self) -> bool:
        if not self._in_charge:
            held = processes.held(self._home.jobs / "supervisor.lock")
            self._in_charge = self._charge.enter_context(held)
            if not self._in_charge:
                self._charge.close()
        return self._in_charge

    def _runs(self, row: JobRow) -> bool:
        """Its process lives, or may still report."""
        if processes.is_held(row.folder / LOCK) or processes.alive(row.pid, row.process_started):
            return True
        if row.pid is not None:
            return False
        child = self._children.get(row.id)
        if child is not None:
            return child.poll() is None
        return _age_s(row.started) < CLAIM_S

    # ---- ended unseen ----------------------------------------------------------------------------

    def _settle(self, row: JobRow) -> None:
        """The job's process is gone. Its workers, if any live on, are ended first: nobody would
        watch them, and Resume must not start a second one beside them."""
        row = jobs.job(self._home, row.id)
        if not row.active or not self._leftovers_gone(row):
            return
        self._asked.pop(row.id, None)
        self._children.pop(row.id, None)
        if row.state == "cancelling":
            self._end(row, "cancelled", Failure("", ""))
        elif row.stage == FAILED and row.reason:
            self._end(row, "failed", Failure(row.reason, row.hint))
        elif row.pid is None:
            self._end(row, "failed", _never_began(row))
        else:
            self._end(row, "failed", failures.lost(row))

    def _leftovers_gone(self, row: JobRow) -> bool:
        left = processes.marked(row.id)
        if not left:
            return True
        asked = self._asked.get(row.id)
        if asked is None:
            self._asked[row.id] = time.monotonic()
            processes.send(left, signal.SIGTERM)
        elif time.monotonic() - asked > self._grace_s:
            processes.send(left, signal.SIGKILL)
        return False

    def _end(self, row: JobRow, state: str, failure: Failure) -> None:
        """Only if nothing has happened to the row in between."""
        values = ended(state, failure.reason, failure.hint)
        with connect(self._home) as db:
            change(db, row.id, values, [row.state], pid=row.pid)

    # ---- the queue -------------------------------------------------------------------------------

    def _next(self) -> JobRow | None:
        """Take the oldest waiting job, if none runs: in one transaction, whoever else looks."""
        with connect(self._home) as db, writing(db):
            running = f"select 1 from jobs where state in ({marks(ACTIVE)})"
            if one(db, running, ACTIVE) is not None:
                return None
            oldest = "select id from jobs where state = 'queued' order by created, id limit 1"
            row = one(db, oldest)
            if row is None:
                return None
            starting = {"state": "running", "started": now(), "pid": None, "stage": "Starting"}
            change(db, row["id"], starting)
        return jobs.job(self._home, row["id"])

    def _launch(self, row: JobRow) -> None:
        row.folder.mkdir(parents=True, exist_ok=True)
        command = [*self._program, str(self._home.root), row.id]
        env = processes.clean_environment(self._home)
        try:
            self._children[row.id] = processes.start_detached(command, row.log, env)
        except OSError as error:
            reason = f"The job could not be started: {error.strerror or error}."
            self._end(row, "failed", Failure(reason, "Mend that, then press Resume."))


def _never_began(row: JobRow) -> Failure:
    return Failure(
        "The job's process ended before it began, or the app was stopped in that very moment.",
        f"See the log. {failures.go_on(row)}",
    )


def _age_s(time_text: str | None) -> float:
    if time_text is None:
        return float("inf")
    return (datetime.now(UTC) - datetime.fromisoformat(time_text)).total_seconds()
