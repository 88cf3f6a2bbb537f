"""Predictions in progress: started in a thread, followed by a page, stopped by a button.

A run outlives the request that started it, so a refresh finds it again; a run that nobody
follows any more is stopped, so a closed browser does not keep the model busy. Knows no gradio.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from inference.errors import Cancelled, UserError, unexpected
from ui.shell.services import Progress

log = logging.getLogger(__name__)

ABANDONED_S = 20.0
"""A run that no page has asked after for so long is stopped."""

Work = Callable[[Progress, Callable[[], bool]], Any]


@dataclass(frozen=True)
class Snapshot:
    """How far a run is. fraction: 0..1; elapsed_s, left_s: seconds (None while unknown)."""

    stage: str
    fraction: float
    elapsed_s: float
    left_s: float | None


@dataclass
class Run:
    """One piece of work in its own thread. `result` or `error` is set once `done` is.

    task: what it is to do, for whoever starts it. Neither task nor result holds pixels or
    attention: those belong to `ui.shell.results.Results`, a run has the id.
    """

    id: str
    task: Any = None
    started_s: float = field(default_factory=time.monotonic)
    seen_s: float = field(default_factory=time.monotonic)
    stage: str = "Starting"
    fraction: float = 0.0
    result: Any = None
    error: UserError | Cancelled | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    superseded: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    _started: threading.Lock = field(default_factory=threading.Lock)

    @property
    def working(self) -> bool:
        return self._started.locked() and not self.done.is_set()

    def claimed(self) -> bool:
        """False for the first caller, who is to start the run; True for all others."""
        return not self._started.acquire(blocking=False)

    def progress(self, stage: str, fraction: float) -> None:
        self.stage, self.fraction = stage, min(1.0, max(0.0, fraction))

    def cancelled(self) -> bool:
        """True when the user pressed Cancel, or when nobody follows any more."""
        return self.stop.is_set() or time.monotonic() - self.seen_s > ABANDONED_S

    def snapshot(self) -> Snapshot:
        elapsed = time.monotonic() - self.started_s
        known = self.fraction > 0.05 and elapsed > 1.0
        left = elapsed * (1 - self.fraction) / self.fraction if known else None
        return Snapshot(self.stage, self.fraction, elapsed, left)

    def follow(self, every_s: float = 0.15) -> Iterator[Snapshot]:
        """Yields until the run is done or asked to stop (the model may take a moment longer).
        Following is what keeps a run alive."""
        while not (self.done.is_set() or self.stop.is_set()):
            self.seen_s = time.monotonic()
            yield self.snapshot()
            self.done.wait(every_s)

    def _work(self, work: Work) -> None:
        try:
            if self.cancelled():
                raise Cancelled
            self.result = work(self.progress, self.cancelled)
        except (UserError, Cancelled) as error:
            self.error = copy(error)  # without its traceback, which holds all that the work held
        except Exception as error:
            log.exception("a run failed")
            self.error = unexpected("The server met an unexpected error", error)
        finally:
            self.done.set()


class Runs:
    """The runs of one app: those at work, the last few that ended, and the last few that wait to
    be started (a page may have gone before its turn came)."""

    def __init__(self, ended: int = 64, waiting: int = 256) -> None:
        self._ended, self._waiting = ended, waiting
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def new(self) -> Run:
        """A run that has not started; its id can go to the page at once."""
        run = Run(secrets.token_urlsafe(12))
        with self._lock:
            self._runs[run.id] = run
            rest = [old for old in self._runs.values() if not old.working]
            ended = [old for old in rest if old.done.is_set()]
            waiting = [old for old in rest if not old.done.is_set()]
            for old in ended[: -self._ended] + waiting[: -self._waiting]:
                del self._runs[old.id]
        return run

    def get(self, run_id: str | None) -> Run | None:
        with self._lock:
            return self._runs.get(run_id) if run_id else None

    def start(self, run: Run, work: Work) -> None:
        """Does `work(progress, cancelled)` in a thread."""
        run.started_s = run.seen_s = time.monotonic()
        threading.Thread(target=run._work, args=(work,), daemon=True, name="look").start()

    def supersede(self, run_id: str | None) -> None:
        """Stops a run because its page asks for another; nobody needs to be told."""
        run = self.get(run_id)
        if run is not None:
            run.superseded = True
            run.stop.set()

    def cancel(self, run_id: str | None) -> bool:
        """Asks a run to stop. False when it is not known or already over."""
        run = self.get(run_id)
        if run is None or run.done.is_set():
            return False
        run.stop.set()
        return True
