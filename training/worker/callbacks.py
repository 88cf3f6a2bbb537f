"""What happens between two steps: reports, validation, and the end of a run before its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil
import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.jobs.progress import METRICS, Progress
from training.worker.stopping import Stop

Validate = Callable[[int], None]


class Reporting(TrainerCallback):
    """Steps and figures into the database."""

    def __init__(self, progress: Progress, stop: Stop, batch: int) -> None:
        self.progress, self.stop, self.batch = progress, stop, batch
        self._since = (0, time.monotonic())
        self._first = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._since = (state.global_step, time.monotonic())
        self._first = state.global_step
        self._begun = time.monotonic()
        self.progress.step(state.global_step, state.max_steps)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.progress.step(state.global_step, state.max_steps)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        figures = {k: v for k, v in logs.items() if k in METRICS}
        self.progress.metrics(state.global_step, {**figures, **self._speed(state)})

    def _speed(self, state: TrainerState) -> dict[str, float]:
        (step, then), now = self._since, time.monotonic()
        self._since = (state.global_step, now)
        done = state.global_step - self._first
        left = (now - self._begun) / max(done, 1) * (state.max_steps - state.global_step)
        if self.stop.limit_s:
            left = min(left, max(self.stop.limit_s - self.stop.seconds, 0.0))
        return {
            "samples_per_s": (state.global_step - step) * self.batch / max(now - then, 1e-9),
            "memory_mb": memory_mb(),
            "eta_s": left,
        }


class Watching(TrainerCallback):
    """Validates after each epoch; stops between two steps when asked to or when time is over."""

    def __init__(self, stop: Stop, validate: Validate) -> None:
        self.stop, self.validate = stop, validate
        self._epoch_steps = 0

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        train_dataloader: Any = None,
        **_: Any,
    ) -> None:
        batches = len(train_dataloader)
        self._epoch_steps = max(1, -(-batches // args.gradient_accumulation_steps))
        if state.global_step == 0:
            self.validate(0)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        asked, over = _any(self.stop.requested), _any(self.stop.time_over)
        last = not asked and (state.global_step >= state.max_steps or over)
        # At an epoch's end also when asked to stop: a resumed run does not come by here again.
        if state.global_step % self._epoch_steps == 0 or last:
            self.validate(state.global_step)
        if asked or over:
            control.should_save = asked
            control.should_training_stop = True


def _any(flag: bool) -> bool:
    """Whether it is set in any process: all must leave the loop at the same step."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return flag
    if distributed.get_world_size() == 1:
        return flag
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    shared = torch.tensor([int(flag)], device=device)
    distributed.all_reduce(shared, op=distributed.ReduceOp.MAX)
    return bool(shared.item())


def memory_mb() -> float:
    """Highest GPU memory of this process in MB; without a GPU its resident memory now."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 1e6
    return float(psutil.Process().memory_info().rss) / 1e6
