"""What a worker far away printed, read into the job's log, row and curves: the same lines that
`training.jobs.progress` prints."""

from __future__ import annotations

import json
from collections.abc import Iterable

from training.jobs import control as jobs
from training.jobs.progress import Progress
from training.store.home import Home

STAGE, FAILURE = "stage: ", "failed: "
END_CHARS = 64_000


class Reports:
    """One job's. reason: what the worker gave for its failure. end: of the log, this start's."""

    def __init__(self, home: Home, job_id: str) -> None:
        self._row = jobs.job(home, job_id)
        self._progress = Progress(home, job_id, quiet=True)
        self._taken = 0
        self.reason = ""
        self.end = ""

    def take(self, lines: Iterable[str]) -> None:
        """All lines that the job printed so far; those that were taken before are passed over."""
        fresh = [line.rstrip("\r\n") for line in lines][self._taken :]
        self._taken += len(fresh)
        if not fresh:
            return
        with self._row.log.open("a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in fresh)
        self.end = (self.end + "\n".join(fresh) + "\n")[-END_CHARS:]
        for line in fresh:
            self._read(line)
        self._progress.flush()

    def _read(self, line: str) -> None:
        if line.startswith(STAGE):
            self._progress.stage(line.removeprefix(STAGE))
        elif line.startswith(FAILURE):
            self.reason = line.removeprefix(FAILURE)
        elif line.startswith('{"step"'):
            self._figures(line)

    def _figures(self, line: str) -> None:
        try:
            found = json.loads(line)
            step = int(found.pop("step"))
            values = {str(k): float(v) for k, v in found.items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            return  # a line that only looks like one
        self._progress.metrics(step, values)
        self._progress.step(step, self._steps(step, values))

    def _steps(self, step: int, values: dict[str, float]) -> int:
        """The number of steps is not printed, but how much of the epochs is over."""
        settings = self._row.settings
        if settings.max_steps:
            return settings.max_steps
        epoch = values.get("epoch", 0.0)
        return max(step, round(step * settings.epochs / epoch)) if epoch > 0 else self._row.steps
