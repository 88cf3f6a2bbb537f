"""Where a job trains: here, or on the hub's machines. One protocol, chosen by name.

Runs inside the job's own process (`training.jobs.stages`). Knows no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from inference.registry import Spec
from training.jobs.rows import JobRow
from training.store.home import Home

LOCAL, HUB = "local", "hub"


@dataclass(frozen=True)
class Outcome:
    """How a training ended. state: trained, cancelled or failed (`training.jobs.progress`)."""

    state: str
    reason: str = ""
    hint: str = ""


class Runner(Protocol):
    """Trains one job: on success the adapter lies in `row.output`. Progress goes into the row and
    the metrics while it runs, all output into `row.log`."""

    def train(self, home: Home, row: JobRow, stop: Callable[[], bool]) -> Outcome:
        """Returns once nothing of the training runs any more. stop: turns true when the job is to
        write a checkpoint and end."""
        ...


@dataclass(frozen=True)
class RunnerSpec(Spec):
    """about: where it trains, in one sentence."""

    about: str


RUNNERS: dict[str, RunnerSpec] = {
    LOCAL: RunnerSpec(
        "This machine",
        "training.jobs.local_runner:LocalRunner",
        "Trains here, detached from the page.",
    ),
    HUB: RunnerSpec(
        "Hugging Face Jobs",
        "training.jobs.hub_runner:HubRunner",
        "Sends the snapshot to a private repository and trains on a machine of the hub.",
    ),
}


def why_not_here() -> str | None:
    """Why this machine cannot train, in words; None where it can. On ZeroGPU a GPU exists only
    inside a short call, in a process of its own."""
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("", "0", "false"):
        return "This Space runs on ZeroGPU, which lends its GPU for seconds only."
    return None


def default_runner() -> str:
    """The runner to offer first."""
    return HUB if why_not_here() else LOCAL
