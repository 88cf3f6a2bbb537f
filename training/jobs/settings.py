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
from training.jobs.settings_fields import FIELDS, FieldSpec

__all__ = ["FIELDS", "PRESETS", "FieldSpec", "Preset", "TrainSettings", "changed"]


@dataclass(frozen=True)
class TrainSettings:
    """One run's settings. Checked when constructed; the meaning of each stands in FIELDS.

    Raises:
        UserError: a value is outside its limits; `field` names it.
    """

    start: str = "base"
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05
    target_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    head: str = "pooled"
    head_dropout: float = 0.0
    train: str = "all"
    lambda_text: float = 1.0
    lambda_coord: float = 0.1
    lambda_map: float = 0.0
    lambda_shown: float = 0.0
    lambda_keep: float = 0.0
    learning_rate: float = 5e-4
    schedule: str = "cosine"
    warmup: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    optimiser: str = "paged_adamw_8bit"
    epochs: float = 3.0
    max_steps: int = 0
    batch: int = 1
    accumulation: int = 1
    quantize: str = "nf4"
    precision: str = "bf16"
    gradient_checkpointing: bool = True
    max_pixels: int = 147_456
    replay_share: float = 0.0
    validation_share: float = 0.1
    views: int = 1
    replay_views: int = 1
    mirror: bool = False
    keep: str = "last"
    interpolation: float = 1.0
    seed: int = 42
    time_limit_minutes: float = 0.0
    checkpoint_every: int = 200
    cache_features: bool = True
    processes: int = 1
    threads: int = 0
    deepspeed: bool = False

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
        """Settings from plain values; what is missing keeps the default.

        Raises:
            UserError: an unknown name, or a value outside its limits.
        """
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
