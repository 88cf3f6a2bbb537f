"""PEFT's adapter_config.json: which of its settings are taken, and which are refused.

Only what is known to be right in a mixed batch is passed on; everything else must have its
neutral value, so that a newer PEFT's new setting is never ignored without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from inference.errors import UserError

MAX_RANK = 1024
_PLAIN_NAME = re.compile(r"[\w.]+")

# Settings that say nothing about how the adapter computes, or that are derived from the weights.
_IGNORED = {
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "megatron_config",
    "megatron_core",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "rank_pattern",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
}
_USED = {"alpha_pattern", "bias", "fan_in_fan_out", "init_lora_weights", "lora_alpha", "use_rslora"}
_WHY = {
    "use_dora": "DoRA cannot run beside the base in one batch",
    "modules_to_save": "modules_to_save replaces parts of the base, which would change both sides; "
    "keep a head as head.safetensors instead",
    "trainable_token_indices": "it changes the base's embeddings",
    "layer_replication": "it changes the base's depth",
    "target_parameters": "only linear layers are supported",
    "lora_bias": "it adds biases beside the LoRA weights",
}
_PLAIN_STARTS = (True, False, None, "gaussian", "eva", "orthogonal", "lora_ga")


def lora_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """LoraConfig arguments, without target_modules and rank_pattern.

    Raises:
        UserError: (field "adapter") another kind of adapter, or a setting that is not supported.
    """
    if config.get("peft_type") != "LORA":
        raise _refuse("Only LoRA adapters are supported", "LORA", config.get("peft_type"))
    for key, value in config.items():
        if key not in _IGNORED and key not in _USED and value:
            why = _WHY.get(key, "it is not known here")
            raise UserError(
                f"The adapter's setting {key} is not supported: {why}",
                got=f"{key} = {value!r}"[:200],
                field="adapter",
            )
    if config.get("bias", "none") != "none":
        raise _refuse("The adapter trains biases of the base", "bias = none", config["bias"])
    start = config.get("init_lora_weights", True)
    if not (isinstance(start, bool) or start in _PLAIN_STARTS):
        raise _refuse(
            "The adapter changed the base's own weights at its start", "plain LoRA", start
        )
    return {
        "r": _rank(config.get("r")),
        "lora_alpha": _alpha(config.get("lora_alpha", 8)),
        "alpha_pattern": _pattern(config.get("alpha_pattern") or {}),
        "use_rslora": bool(config.get("use_rslora", False)),
        "fan_in_fan_out": bool(config.get("fan_in_fan_out", False)),
        "lora_dropout": 0.0,
    }


def _refuse(message: str, expected: str, got: object) -> UserError:
    return UserError(message, expected=expected, got=repr(got)[:100], field="adapter")


def _rank(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_RANK:
        raise _refuse("The adapter's rank is not valid", f"r from 1 to {MAX_RANK}", value)
    return value


def _alpha(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise _refuse("The adapter's lora_alpha is not valid", "a positive number", value)
    return value


def _pattern(value: object) -> dict[str, float]:
    """PEFT takes the keys for regular expressions; only plain names are let through."""
    if not isinstance(value, dict):
        raise _refuse("The adapter's alpha_pattern is not valid", "names and numbers", value)
    for name in value:
        if not _PLAIN_NAME.fullmatch(name):
            raise _refuse("The adapter's alpha_pattern is not valid", "plain names", name)
    return {name: _alpha(alpha) for name, alpha in value.items()}
