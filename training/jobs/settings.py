"""Every number that a training run depends on, with its meaning, unit and limits.

Defaults are INSIGHT's (Sec. IV-C). Knows no model and no torch: the page builds its form from
FIELDS, and the worker reads the same values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.errors import UserError
from inference.registry import task as find_task
from training.jobs.settings_fields import FieldSpec, choice, number, several, switch, whole

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ADAMW = ("adamw", "adamw_8bit", "paged_adamw_8bit")
ADAPTER, LOSS, OPTIMISER = "Adapter", "Losses", "Optimiser"
LENGTH, MODEL, DATA, MACHINE = "Length", "Model", "Data", "Machine"


@dataclass(frozen=True)
class TrainSettings:
    """One run's settings: of each the default, the limits, and what a form says of it. Checked when
    constructed. Raises UserError: a value is outside its limits; `field` names it."""

    # fmt: off
    start: str = choice("base", ("base", "current"), ADAPTER, "Start from",
        "base: fresh LoRA weights and a fresh head. current: go on from the adapter in use; its "
        "rank, layers and head must then be the ones set here.")
    rank: int = whole(8, 1, 256, ADAPTER, "LoRA rank r",
        "Width of the low-rank update of each layer.")
    alpha: float = number(16.0, 0.01, 1024, ADAPTER, "LoRA α",
        "The update is scaled by α / r before it is added.")
    dropout: float = number(0.05, 0, 0.9, ADAPTER, "LoRA dropout",
        "Share of the adapter's inputs set to zero in training.")
    target_modules: tuple[str, ...] = several(LAYERS[:4], LAYERS, ADAPTER, "Target layers",
        "Layers of the language model that get LoRA weights. The vision tower stays frozen.")
    head: str = choice("pooled", ("pooled", "patch", "none"), ADAPTER, "Heatmap head",
        "pooled: INSIGHT's, d -> d/2 -> 16x16 on mean-pooled states. patch: for each image token a"
        " score, and the way to the centre of what it shows. none: the point is trained as text "
        "alone.")
    head_dropout: float = number(0.0, 0, 0.9, ADAPTER, "Head dropout",
        "Share of the head's hidden values set to zero in training. 0 in the paper; with few "
        "corrections it keeps the head from learning them by heart.")
    train: str = choice("all", ("all", "head"), ADAPTER, "What is trained",
        "all: LoRA and the head. head: the head alone; the answers' text stays as it is.")
    lambda_text: float = number(1.0, 0, 1000, LOSS, "λ text",
        "Weight of the answer's cross-entropy (Eq. 1 and 5).")
    lambda_coord: float = number(0.1, 0, 1000, LOSS, "λ coordinates",
        "Weight of the squared distance of normalised points (Eq. 1 and 4). The paper sweeps "
        "0.0001 to 20.")
    lambda_map: float = number(0.0, 0, 1000, LOSS, "λ heatmap",
        "Weight of the heatmap's cross-entropy against the point's cell. 0 in the paper; it "
        "teaches from few images faster than the coordinates do.")
    lambda_shown: float = number(0.0, 0, 1000, LOSS, "λ shown point",
        "Weight of the distance, in cells of the heatmap, of the point that the page shows: around"
        " the heatmap's peak, where the paper takes the mean of the whole map. Of the losses, this"
        " one alone trains a patch head's ways to the centres. 0 in the paper.")
    lambda_keep: float = number(0.0, 0, 1000, LOSS, "λ keep",
        "Weight of staying near the heatmaps that the continued adapter makes of replayed images "
        "(Kullback-Leibler divergence), against forgetting. 0 in the paper; without an adapter to "
        "go on from it does nothing.")
    learning_rate: float = number(5e-4, 1e-8, 1.0, OPTIMISER, "Learning rate",
        "Its peak, after the warm-up.")
    schedule: str = choice("cosine", ("cosine", "linear", "constant"), OPTIMISER, "Schedule",
        "How the learning rate falls after the warm-up.")
    warmup: float = number(0.1, 0, 0.9, OPTIMISER, "Warm-up",
        "Share of all steps over which the learning rate rises from zero.")
    weight_decay: float = number(0.0, 0, 1, OPTIMISER, "Weight decay", "AdamW's λ_wd (Eq. 8).")
    max_grad_norm: float = number(1.0, 0.001, 1000, OPTIMISER, "Gradient clip",
        "Longest gradient that is let through.")
    optimiser: str = choice(ADAMW[2], ADAMW, OPTIMISER, "Optimiser",
        "AdamW; the 8-bit ones keep its state in 8 bits, the paged one may move it out of the "
        "GPU's memory.")
    epochs: float = number(3.0, 0.01, 1000, LENGTH, "Epochs", "Passes over the training examples.")
    max_steps: int = whole(0, 0, 10**7, LENGTH, "Max steps",
        "Optimiser steps after which training ends; 0: by epochs.")
    batch: int = whole(1, 1, 256, LENGTH, "Batch", "Examples in one pass, on each process.")
    accumulation: int = whole(1, 1, 1024, LENGTH, "Accumulation",
        "Passes whose gradients are added up to one step.")
    time_limit_minutes: float = number(0.0, 0, 100_000, LENGTH, "Time limit",
        "Training stops after this time and keeps what it has; 0: no limit.", unit="minutes")
    checkpoint_every: int = whole(200, 1, 10**6, LENGTH, "Checkpoint every",
        "Steps between two checkpoints from which a run can go on.", unit="steps")
    quantize: str = choice("nf4", ("none", "nf4"), MODEL, "Quantisation",
        "nf4: the frozen base in 4 bits (QLoRA).")
    precision: str = choice("bf16", ("fp32", "bf16"), MODEL, "Precision",
        "Type of the base's numbers. Adapter and head are always float32.")
    gradient_checkpointing: bool = switch(True, MODEL, "Gradient checkpointing",
        "Compute activations twice instead of keeping them: less memory, about 30 % slower.")
    max_pixels: int = whole(147_456, 0, 16_000_000, MODEL, "Max pixels",
        "Larger images are made smaller, keeping their shape; 0: the model's own limit. 147,456 is"
        " the paper's longer side of 512 at 16:9.", unit="pixels")
    replay_share: float = number(0.0, 0, 0.95, DATA, "Replay share",
        "Share of original training examples among all, against forgetting.")
    validation_share: float = number(0.1, 0, 0.5, DATA, "Validation share",
        "Share of the scenes kept for validation; no scene is in both parts.")
    views: int = whole(1, 1, 64, DATA, "Views",
        "Different crops of each corrected image, the whole image among them.")
    replay_views: int = whole(1, 1, 64, DATA, "Replay views",
        "The same for each replayed image: many scenes seen once keep more than few seen often.")
    mirror: bool = switch(False, DATA, "Mirror",
        "Show every second view mirrored left to right, its point too.")
    keep: str = choice("last", ("last", "best"), DATA, "Keep",
        "last: the weights at the end. best: those with the smallest error on the validation part,"
        " measured after each epoch.")
    interpolation: float = number(1.0, 0.05, 1.0, DATA, "Weight interpolation",
        "How far the saved weights go from those of the continued adapter to the trained ones: 1 "
        "is all the way, as in the papers; less learns less and forgets less (WiSE-FT, Wortsman et"
        " al. 2022). The curves show the trained weights. Without an adapter to go on from it does"
        " nothing.")
    cache_features: bool = switch(True, MACHINE, "Cache features",
        "Keep what the frozen vision tower makes of each image on disk, so that later epochs and "
        "runs need not compute it again.")
    seed: int = whole(42, 0, 2**31 - 1, DATA, "Seed", "Of order, dropout, crops and fresh weights.")
    processes: int = whole(1, 1, 64, MACHINE, "Processes",
        "One for each GPU; on a CPU they talk through gloo.")
    threads: int = whole(0, 0, 256, MACHINE, "Threads",
        "CPU threads of each process; 0: torch's choice.")
    deepspeed: bool = switch(False, MACHINE, "DeepSpeed ZeRO-2",
        "Shard optimiser state and gradients over the GPUs.")
    # fmt: on

    def __post_init__(self) -> None:
        for name, spec in FIELDS.items():
            object.__setattr__(self, name, spec.checked(name, getattr(self, name)))
        if self.train == "head" and self.head == "none":
            raise UserError(
                "There is no head to train alone",
                expected="the head pooled or patch, or train = all",
                got="head none",
                field="train",
            )
        if self.deepspeed and "8bit" in self.optimiser:
            raise UserError(
                "DeepSpeed ZeRO-2 shards the optimiser's state itself",
                expected="optimiser adamw with DeepSpeed",
                got=self.optimiser,
                field="optimiser",
            )

    def check_task(self, task: str) -> None:
        """Raises UserError (field "head") where a head would have no point to learn."""
        if self.head != "none" and not find_task(task).points:
            raise UserError(
                f"The task {task} has no point for a head to learn",
                expected="head none",
                got=self.head,
                field="head",
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_json` makes the same settings of them."""
        values = dataclasses.asdict(self)
        values["target_modules"] = list(self.target_modules)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainSettings:
        """Settings from plain values; what is missing keeps the default. Raises UserError: an
        unknown name, or a value outside its limits."""
        strange = sorted(set(values) - set(FIELDS))
        if strange:
            raise UserError(
                "Unknown setting",
                expected=f"one of {', '.join(FIELDS)}",
                got=", ".join(map(str, strange))[:200],
                field=str(strange[0]),
            )
        return cls(**dict(values))

    def changed_by(self, **values: Any) -> TrainSettings:
        """The same settings with some values replaced, checked again."""
        return self.from_json({**self.to_json(), **values})


FIELDS: dict[str, FieldSpec] = {
    f.name: f.metadata["spec"] for f in dataclasses.fields(TrainSettings)
}


@dataclass(frozen=True)
class Preset:
    """label and about: for the page. tasks: whose form offers it."""

    label: str
    about: str
    settings: TrainSettings
    tasks: tuple[str, ...] = ("hazard",)


PRESETS: dict[str, Preset] = {
    "insight": Preset(
        "INSIGHT (paper)",
        "The paper's recipe: 4-bit NF4 base, LoRA on q/k/v/o, pooled 16x16 head, paged AdamW "
        "8-bit, batch 1, 3 epochs. Meant for Qwen2-VL on a GPU; it also runs on a CPU, slowly.",
        TrainSettings(),
    ),
    "quick_fix": Preset(
        "Quick fix (CPU)",
        "Continues the adapter in use, on corrections mixed with replayed training scenes, "
        "in a few minutes on two CPU cores with the embedded model.",
        TrainSettings(
            start="current",
            head="patch",
            train="head",  # what LoRA learned of the rest is not lost (dev/LOG.md)
            lambda_coord=30.0,  # (dev/LOG.md)
            lambda_map=1.0,
            lambda_shown=3.0,
            lambda_keep=1.0,
            head_dropout=0.3,
            learning_rate=1e-3,
            optimiser="adamw",
            epochs=12,
            batch=16,
            quantize="none",
            precision="fp32",
            gradient_checkpointing=False,
            max_pixels=0,
            replay_share=0.842,
            validation_share=0.1,
            views=16,
            replay_views=2,
            mirror=True,
            interpolation=0.8,
            keep="last",  # a handful of validation scenes chooses by chance (dev/LOG.md)
            time_limit_minutes=5.0,
            checkpoint_every=100,
        ),
    ),
}


def changed(before: TrainSettings, after: TrainSettings) -> dict[str, tuple[Any, Any]]:
    """What differs between two settings: name -> (before, after)."""
    old, new = before.to_json(), after.to_json()
    return {name: (old[name], new[name]) for name in FIELDS if old[name] != new[name]}
