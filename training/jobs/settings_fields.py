"""The fields of TrainSettings as a form needs them: label, meaning, unit, limits, choices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from inference.errors import UserError

Kind = Literal["int", "float", "bool", "choice", "choices"]
LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class FieldSpec:
    """One setting.

    kind: "choice" is one of `choices`, "choices" a non-empty list of them. low, high: inclusive.
    unit: for the label, empty where a number stands for itself. group: heading in the form.
    """

    label: str
    meaning: str
    kind: Kind
    group: str
    unit: str = ""
    low: float = 0.0
    high: float = math.inf
    choices: tuple[str, ...] = ()

    @property
    def limits(self) -> str:
        """The limits in words."""
        if self.kind == "bool":
            return "yes or no"
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "choices":
            return f"one or more of {', '.join(self.choices)}, each once"
        whole = "a whole number" if self.kind == "int" else "a number"
        return f"{whole} from {self.low:g} to {self.high:g}{' ' + self.unit if self.unit else ''}"

    def checked(self, name: str, value: Any) -> Any:
        """The value in its own type.

        Raises:
            UserError: (field = name) it is of another type or outside the limits.
        """
        made = _CHECKS[self.kind](self, value)
        if made is None:
            raise UserError(
                f"{self.label} is not valid",
                expected=self.limits,
                got=repr(value)[:100],
                field=name,
            )
        return made


def _number(spec: FieldSpec, value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if spec.low <= value <= spec.high else None


def _whole(spec: FieldSpec, value: Any) -> int | None:
    """A form's slider hands 3.0 for 3."""
    number = _number(spec, value)
    return int(number) if number is not None and number == int(number) else None


def _choices(spec: FieldSpec, value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not value or len(set(map(str, value))) != len(value):
        return None
    return tuple(value) if all(v in spec.choices for v in value) else None


_CHECKS = {
    "int": _whole,
    "float": _number,
    "bool": lambda spec, value: value if isinstance(value, bool) else None,
    "choice": lambda spec, value: value if value in spec.choices else None,
    "choices": _choices,
}


def _int(group: str, label: str, meaning: str, low: int, high: int, unit: str = "") -> FieldSpec:
    return FieldSpec(label, meaning, "int", group, unit, low, high)


def _float(
    group: str, label: str, meaning: str, low: float, high: float, unit: str = ""
) -> FieldSpec:
    return FieldSpec(label, meaning, "float", group, unit, low, high)


def _bool(group: str, label: str, meaning: str) -> FieldSpec:
    return FieldSpec(label, meaning, "bool", group)


def _choice(group: str, label: str, meaning: str, *choices: str) -> FieldSpec:
    return FieldSpec(label, meaning, "choice", group, choices=choices)


ADAPTER, LOSS, OPTIMISER = "Adapter", "Losses", "Optimiser"
LENGTH, MODEL, DATA, MACHINE = "Length", "Model", "Data", "Machine"

FIELDS: dict[str, FieldSpec] = {
    "start": _choice(
        ADAPTER,
        "Start from",
        "base: fresh LoRA weights and a fresh head. current: go on from the adapter in use; its "
        "rank, layers and head must then be the ones set here.",
        "base",
        "current",
    ),
    "rank": _int(ADAPTER, "LoRA rank r", "Width of the low-rank update of each layer.", 1, 256),
    "alpha": _float(
        ADAPTER, "LoRA α", "The update is scaled by α / r before it is added.", 0.01, 1024
    ),
    "dropout": _float(
        ADAPTER,
        "LoRA dropout",
        "Share of the adapter's inputs set to zero in training.",
        0,
        0.9,
    ),
    "target_modules": FieldSpec(
        "Target layers",
        "Layers of the language model that get LoRA weights. The vision tower stays frozen.",
        "choices",
        ADAPTER,
        choices=LAYERS,
    ),
    "head": _choice(
        ADAPTER,
        "Heatmap head",
        "pooled: INSIGHT's, d -> d/2 -> 16x16 on mean-pooled states. patch: for each image token a "
        "score, and the way to the centre of what it shows. none: the point is trained as text "
        "alone.",
        "pooled",
        "patch",
        "none",
    ),
    "head_dropout": _float(
        ADAPTER,
        "Head dropout",
        "Share of the head's hidden values set to zero in training. 0 in the paper; with few "
        "corrections it keeps the head from learning them by heart.",
        0,
        0.9,
    ),
    "train": _choice(
        ADAPTER,
        "What is trained",
        "all: LoRA and the head. head: the head alone; the answers' text stays as it is.",
        "all",
        "head",
    ),
    "lambda_text": _float(
        LOSS, "λ text", "Weight of the answer's cross-entropy (Eq. 1 and 5).", 0, 1000
    ),
    "lambda_coord": _float(
        LOSS,
        "λ coordinates",
        "Weight of the squared distance of normalised points (Eq. 1 and 4). The paper sweeps "
        "0.0001 to 20.",
        0,
        1000,
    ),
    "lambda_map": _float(
        LOSS,
        "λ heatmap",
        "Weight of the heatmap's cross-entropy against the point's cell. 0 in the paper; it "
        "teaches from few pictures faster than the coordinates do.",
        0,
        1000,
    ),
    "lambda_shown": _float(
        LOSS,
        "λ shown point",
        "Weight of the distance, in cells of the heatmap, of the point that the page shows: around "
        "the heatmap's peak, where the paper takes the mean of the whole map. Of the losses, this "
        "one alone trains a patch head's ways to the centres. 0 in the paper.",
        0,
        1000,
    ),
    "lambda_keep": _float(
        LOSS,
        "λ keep",
        "Weight of staying near the heatmaps that the continued adapter makes of replayed "
        "pictures (Kullback-Leibler divergence), against forgetting. 0 in the paper; without an "
        "adapter to go on from it does nothing.",
        0,
        1000,
    ),
    "learning_rate": _float(OPTIMISER, "Learning rate", "Its peak, after the warm-up.", 1e-8, 1.0),
    "schedule": _choice(
        OPTIMISER,
        "Schedule",
        "How the learning rate falls after the warm-up.",
        "cosine",
        "linear",
        "constant",
    ),
    "warmup": _float(
        OPTIMISER,
        "Warm-up",
        "Share of all steps over which the learning rate rises from zero.",
        0,
        0.9,
    ),
    "weight_decay": _float(OPTIMISER, "Weight decay", "AdamW's λ_wd (Eq. 8).", 0, 1),
    "max_grad_norm": _float(
        OPTIMISER, "Gradient clip", "Longest gradient that is let through.", 0.001, 1000
    ),
    "optimiser": _choice(
        OPTIMISER,
        "Optimiser",
        "AdamW; the 8-bit ones keep its state in 8 bits, the paged one may move it out of the "
        "GPU's memory.",
        "adamw",
        "adamw_8bit",
        "paged_adamw_8bit",
    ),
    "epochs": _float(LENGTH, "Epochs", "Passes over the training examples.", 0.01, 1000),
    "max_steps": _int(
        LENGTH, "Most steps", "Optimiser steps after which training ends; 0: by epochs.", 0, 10**7
    ),
    "batch": _int(LENGTH, "Batch", "Examples in one pass, on each process.", 1, 256),
    "accumulation": _int(
        LENGTH, "Accumulation", "Passes whose gradients are added up to one step.", 1, 1024
    ),
    "time_limit_minutes": _float(
        LENGTH,
        "Time limit",
        "Training stops after this time and keeps what it has; 0: no limit.",
        0,
        100_000,
        "minutes",
    ),
    "checkpoint_every": _int(
        LENGTH,
        "Checkpoint every",
        "Steps between two checkpoints from which a run can go on.",
        1,
        10**6,
        "steps",
    ),
    "quantize": _choice(
        MODEL, "Quantisation", "nf4: the frozen base in 4 bits (QLoRA).", "none", "nf4"
    ),
    "precision": _choice(
        MODEL,
        "Precision",
        "Type of the base's numbers. Adapter and head are always float32.",
        "fp32",
        "bf16",
    ),
    "gradient_checkpointing": _bool(
        MODEL,
        "Gradient checkpointing",
        "Compute activations twice instead of keeping them: less memory, about 30 % slower.",
    ),
    "max_pixels": _int(
        MODEL,
        "Most pixels",
        "Larger pictures are made smaller, keeping their shape; 0: the model's own limit. "
        "147,456 is the paper's longer side of 512 at 16:9.",
        0,
        16_000_000,
        "pixels",
    ),
    "replay_share": _float(
        DATA,
        "Replay share",
        "Share of original training examples among all, against forgetting.",
        0,
        0.95,
    ),
    "validation_share": _float(
        DATA,
        "Validation share",
        "Share of the scenes kept for validation; no scene is in both parts.",
        0,
        0.5,
    ),
    "views": _int(
        DATA,
        "Views",
        "Different crops of each corrected picture, the whole picture among them.",
        1,
        64,
    ),
    "replay_views": _int(
        DATA,
        "Replay views",
        "The same for each replayed picture: many scenes seen once keep more than few seen often.",
        1,
        64,
    ),
    "mirror": _bool(
        DATA, "Mirror", "Show every second view mirrored left to right, its point too."
    ),
    "keep": _choice(
        DATA,
        "Keep",
        "last: the weights at the end. best: those with the smallest error on the validation "
        "part, measured after each epoch.",
        "last",
        "best",
    ),
    "interpolation": _float(
        DATA,
        "Weight interpolation",
        "How far the saved weights go from those of the continued adapter to the trained ones: "
        "1 is all the way, as in the papers; less learns less and forgets less (WiSE-FT, Wortsman "
        "et al. 2022). The curves show the trained weights. Without an adapter to go on from it "
        "does nothing.",
        0.05,
        1.0,
    ),
    "cache_features": _bool(
        MACHINE,
        "Cache features",
        "Keep what the frozen vision tower makes of each picture on disk, so that later epochs "
        "and runs need not compute it again.",
    ),
    "seed": _int(DATA, "Seed", "Of order, dropout, crops and fresh weights.", 0, 2**31 - 1),
    "processes": _int(
        MACHINE, "Processes", "One for each GPU; on a CPU they talk through gloo.", 1, 64
    ),
    "threads": _int(MACHINE, "Threads", "CPU threads of each process; 0: torch's choice.", 0, 256),
    "deepspeed": _bool(
        MACHINE, "DeepSpeed ZeRO-2", "Shard optimiser state and gradients over the GPUs."
    ),
}
