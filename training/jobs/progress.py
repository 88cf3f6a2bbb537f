"""What a running worker tells the database: its stage, its step, its figures, and how it ended.

Figures are gathered and written together about once a second, so that a fast run is not slowed by
the disk. Knows nothing of models; no torch.
"""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import dataclass, field

from training.jobs.rows import change
from training.store.database import connect
from training.store.home import Home
from training.store.rows import writing

FLUSH_S = 1.0

# Stages that end a run. The supervisor may read them after the process is gone.
TRAINED, CANCELLED, FAILED = "trained", "cancelled", "failed"

# The beginning of the stage while a proof is made.
PROVING = "Proving"
# Of a proof, in job_metrics at step 0, so that each report replaces the last one: cases done, cases
# in all, seconds left.
PROOF_DONE, PROOF_CASES, PROOF_LEFT = PROOF = ("proof_done", "proof_cases", "proof_left_s")

# Names in job_metrics, with what they mean and their unit.
METRICS: dict[str, tuple[str, str]] = {
    "loss": ("Loss, weighted (Eq. 1)", ""),
    "text_loss": ("Text loss (Eq. 5)", "nats a token"),
    "coord_loss": ("Coordinate loss (Eq. 4)", "squared share of the image"),
    "map_loss": ("Heatmap loss", "nats"),
    "shown_loss": ("Distance of the shown point", "cells"),
    "keep_loss": ("Distance from the heatmaps before", "nats"),
    "learning_rate": ("Learning rate", ""),
    "grad_norm": ("Gradient norm", ""),
    "samples_per_s": ("Speed", "examples/s"),
    "memory_mb": ("Memory", "MB"),
    "eta_s": ("Time left", "s"),
    "epoch": ("Epoch", ""),
    "val_mean_px": ("Validation distance, mean", "px"),
    "val_mse_px2": ("Validation distance, squared", "px²"),
    "val_median_px": ("Validation distance, median", "px"),
    "val_corrected_px": ("Mean distance on corrected scenes", "px"),
    "val_replay_px": ("Mean distance on replayed scenes", "px"),
    "val_text_loss": ("Validation text loss", "nats a token"),
}


@dataclass
class Progress:
    """Reports of one run. job None: to the standard output alone.

    Several processes of one run: only one of them may hold a Progress with a job.
    """

    home: Home
    job: str | None
    flush_s: float = FLUSH_S
    quiet: bool = False
    _waiting: list[tuple[int, str, float, float]] = field(default_factory=list)
    _row: dict[str, object] = field(default_factory=dict)
    _flushed: float = 0.0

    def stage(self, text: str) -> None:
        """What the run is doing now, in words. Written at once."""
        self._say(f"stage: {text}")
        self._row["stage"] = text
        self.flush()

    def step(self, step: int, steps: int) -> None:
        self._row |= {"step": step, "steps": steps}
        self._flush_if_due()

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Figures of one step. What is not a finite number is left out."""
        kept = {k: float(v) for k, v in values.items() if math.isfinite(v)}
        now = time.time()
        self._waiting += [(step, name, value, now) for name, value in kept.items()]
        shown = {k: float(f"{v:.5g}") for k, v in kept.items()}
        self._say(json.dumps({"step": step, **shown}))
        self._flush_if_due()

    def proof(self, done: int, cases: int, left_s: float | None = None) -> None:
        """How many cases of the proof are measured; left_s: seconds, None while unknown."""
        left = {} if left_s is None else {PROOF_LEFT: left_s}
        self.metrics(0, {PROOF_DONE: done, PROOF_CASES: cases, **left})
        self.stage(f"{PROVING}: {done} of {cases} cases")

    def fail(self, reason: str, hint: str) -> None:
        """The run cannot go on, and why."""
        print(f"failed: {reason} {hint}", file=sys.stderr, flush=True)
        self._row |= {"reason": reason, "hint": hint}
        self.stage(FAILED)

    def _say(self, line: str) -> None:
        if not self.quiet:
            print(line, flush=True)

    def _flush_if_due(self) -> None:
        if time.monotonic() - self._flushed >= self.flush_s:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting, in one transaction."""
        self._flushed = time.monotonic()
        waiting, row = self._waiting, self._row
        self._waiting, self._row = [], {}
        if self.job is None or not (waiting or row):
            return
        with connect(self.home) as db, writing(db):
            if row:
                change(db, self.job, row)
            # A resumed run measures some steps a second time; a deleted job takes no figures.
            db.conn.executemany(
                "INSERT OR REPLACE INTO job_metrics (job, step, name, value, time) "
                "SELECT id, ?, ?, ?, ? FROM jobs WHERE id = ?",
                [(*entry, self.job) for entry in waiting],
            )
