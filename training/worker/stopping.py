"""When a run must end early: a signal, or its time is over. No torch."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from types import FrameType

from inference.errors import Cancelled


@dataclass
class Stop:
    """requested: SIGTERM or SIGINT came. spent_s: seconds of earlier starts of the same run."""

    limit_s: float = 0.0
    spent_s: float = 0.0
    requested: bool = False
    _begun: float = field(default_factory=time.monotonic)

    def listen(self) -> Stop:
        """From now on SIGTERM and SIGINT ask the run to stop between two steps."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True

    def start_clock(self, spent_s: float = 0.0) -> None:
        """Training begins now: reading images before it does not count against the limit."""
        self.spent_s, self._begun = spent_s, time.monotonic()

    @property
    def seconds(self) -> float:
        """Of training, over all starts."""
        return self.spent_s + time.monotonic() - self._begun

    @property
    def time_over(self) -> bool:
        return bool(self.limit_s) and self.seconds >= self.limit_s

    def check(self) -> None:
        """Raise Cancelled where a stop was asked for and there is nothing to keep yet."""
        if self.requested:
            raise Cancelled
