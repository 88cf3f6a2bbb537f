"""transformers' Trainer for Pointing: only what is trained goes into checkpoints, both losses are
reported, and the run can be stopped between two steps."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate import DistributedType, PartialState
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from inference.errors import UserError
from training.jobs.settings import TrainSettings
from training.worker import checkpoints
from training.worker.items import Collate, Samples
from training.worker.model import Pointing

OPTIMISERS = {
    "adamw": "adamw_torch",
    "adamw_8bit": "adamw_bnb_8bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
}
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
LOGGED = 500  # points of each curve, at most about
TRACKERS = ("trackio", "wandb")
PROJECT = "sightline"  # in the trackers
PARTS = ("text_loss", "coord_loss", "map_loss", "shown_loss", "keep_loss")


def arguments(
    settings: TrainSettings, folder: Path, samples: int, *, cpu: bool, name: str
) -> TrainingArguments:
    """The Trainer's arguments. samples: training samples, for how often to log."""
    return TrainingArguments(
        output_dir=str(folder),
        run_name=name,
        project=PROJECT,
        per_device_train_batch_size=settings.batch,
        gradient_accumulation_steps=settings.accumulation,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=SCHEDULES[settings.schedule],
        warmup_steps=settings.warmup,  # below 1: a share of all steps
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim=OPTIMISERS[settings.optimiser],
        seed=settings.seed,
        data_seed=settings.seed,
        logging_steps=max(1, total_steps(settings, samples) // LOGGED),
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=settings.checkpoint_every,
        eval_strategy="no",
        report_to=_trackers(),
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        average_tokens_across_devices=False,
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and settings.processes > 1 else None,
        ddp_find_unused_parameters=False,
        deepspeed=zero2(settings) if settings.deepspeed else None,
    )


def total_steps(settings: TrainSettings, samples: int) -> int:
    """Optimiser steps of a run over that many samples."""
    if settings.max_steps:
        return settings.max_steps
    whole = settings.batch * settings.accumulation * settings.processes
    return max(1, math.ceil(settings.epochs * math.ceil(samples / whole)))


def zero2(settings: TrainSettings) -> dict[str, Any]:
    """DeepSpeed's configuration for ZeRO stage 2. Raises UserError (field "deepspeed"): the package
    is not installed, or the run was not started with it; the Trainer alone would go on without a
    word."""
    if find_spec("deepspeed") is None:
        raise UserError(
            "DeepSpeed is not installed", hint="pip install deepspeed", field="deepspeed"
        )
    how = PartialState().distributed_type
    if how != DistributedType.DEEPSPEED:
        raise UserError(
            "The run was not started with DeepSpeed",
            expected="a GPU, and accelerate launch --use_deepspeed",
            got=how.value,
            hint="Switch DeepSpeed off, or start with the command that the page shows",
            field="deepspeed",
        )
    return {
        "zero_optimization": {"stage": 2, "overlap_comm": True, "contiguous_gradients": True},
        "bf16": {"enabled": settings.precision == "bf16"},
        "gradient_clipping": settings.max_grad_norm,
        "gradient_accumulation_steps": settings.accumulation,
        "train_micro_batch_size_per_gpu": settings.batch,
    }


def _trackers() -> list[str]:
    """Further trackers, named in SIGHTLINE_TRACKING with commas. Raises UserError: one is unknown
    or not installed."""
    os.environ.setdefault("WANDB_PROJECT", PROJECT)  # wandb does not look at the arguments
    named = [t.strip() for t in os.environ.get("SIGHTLINE_TRACKING", "").split(",") if t.strip()]
    if strange := sorted(set(named) - set(TRACKERS)):
        raise UserError(
            "SIGHTLINE_TRACKING names an unknown tracker",
            expected=", ".join(TRACKERS),
            got=", ".join(strange),
        )
    if missing := [t for t in named if find_spec(t) is None]:
        raise UserError(
            "A tracker that SIGHTLINE_TRACKING names is not installed",
            got=", ".join(missing),
            hint=f"pip install {' '.join(missing)}",
        )
    return named


@dataclass
class Parts:
    """Both losses, added up between two reports."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    count: int = 0

    def add(self, output: dict[str, Tensor]) -> None:
        for name in PARTS:
            value = output[name].detach()
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        self.count += 1

    def taken(self) -> dict[str, float]:
        """Means since the last call."""
        means = {k: float(v) / self.count for k, v in self.sums.items()}
        self.sums, self.count = {}, 0
        return means


class InsightTrainer(Trainer):
    """Trains a Pointing on Samples. seconds: how long training has run, for the checkpoint."""

    def __init__(
        self,
        model: Pointing,
        args: TrainingArguments,
        samples: Samples,
        collate: Collate,
        callbacks: Sequence[TrainerCallback],
        mark: Any,
    ) -> None:
        super().__init__(
            model=model,
            args=args,
            train_dataset=samples,
            data_collator=collate,
            callbacks=list(callbacks),
        )
        self.remove_callback(PrinterCallback)
        # The loss is a mean over samples, not over the tokens of all accumulated batches.
        self.model_accepts_loss_kwargs = False
        self.parts = Parts()
        self._mark = mark

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        output = model(**inputs)
        loss = output["loss"]
        if not torch.isfinite(loss):
            raise UserError(
                f"The loss is not a number any more after step {self.state.global_step}",
                got=", ".join(f"{name} {float(output[name].detach()):g}" for name in PARTS),
                hint="Lower the learning rate or λ coordinates, or train in fp32",
                field="learning_rate",
            )
        self.parts.add(output)
        return (loss, output) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs and self.parts.count:
            means = torch.tensor(list(self.parts.taken().values()), device=self.args.device)
            if self.args.world_size > 1:  # every process is here at the same step
                means = self.accelerator.reduce(means, reduction="mean")
            logs |= dict(zip(PARTS, means.tolist(), strict=True))
        super().log(logs, start_time)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Only what is trained, by one process: the base is on disk already."""
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        model = self.accelerator.unwrap_model(self.model)
        checkpoints.save_weights(model.trainable(), folder / checkpoints.WEIGHTS)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        target = self.accelerator.unwrap_model(model or self.model)
        target.restore(checkpoints.load_weights(Path(resume_from_checkpoint) / checkpoints.WEIGHTS))

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            name = f"checkpoint-{self.state.global_step}"
            self._mark(Path(self.args.output_dir) / name)
