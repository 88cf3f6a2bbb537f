"""What training starts from: fresh LoRA layers and a fresh head, or those of a parent adapter."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict

from inference.adapter_files import WEIGHTS
from inference.adapters import BackboneInfo, CheckedAdapter
from inference.backbones.base import Backbone
from inference.errors import UserError
from inference.heads import Head, build_head, load_head, usual_config
from inference.weights import read_weights
from training.jobs.settings import TrainSettings


def target_names(backbone: Backbone, layers: tuple[str, ...]) -> list[str]:
    """Full names of the language model's linear layers of those kinds; never the vision tower's,
    whose layers have the same names in some families. Raises UserError (field "target_modules"):
    the model has none of a kind."""
    place = next(n for n, m in backbone.model.named_modules() if m is backbone.decoder)
    names = [f"{place}.{n}" for n, _ in backbone.decoder.named_modules() if n]
    found = [n for n in names if n.rpartition(".")[2] in layers]
    if missing := [k for k in layers if not any(n.endswith(f".{k}") for n in found)]:
        raise UserError(
            "The model has no such layers", got=", ".join(missing), field="target_modules"
        )
    return found


def with_lora(backbone: Backbone, settings: TrainSettings) -> PeftModel:
    """Put fresh LoRA layers into the backbone's model; of it, only they are trained, or nothing
    where the settings train the head alone (then nothing is dropped from them either)."""
    alone = settings.train == "head"
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0 if alone else settings.dropout,
        target_modules=target_names(backbone, settings.target_modules),
        bias="none",
        task_type="CAUSAL_LM",
    )
    tuned = get_peft_model(backbone.model, config)
    if alone:
        tuned.requires_grad_(False)
    return tuned


def continue_lora(tuned: PeftModel, parent: CheckedAdapter, settings: TrainSettings) -> None:
    """Start from the parent's weights. Raises UserError: the settings ask for another shape than
    the parent has; `field` names it."""
    layers = {n.rpartition(".")[2] for n in parent.settings["target_modules"]}
    wanted: dict[str, tuple[Any, Any]] = {
        "rank": (parent.settings["r"], settings.rank),
        "alpha": (float(parent.settings["lora_alpha"]), settings.alpha),
        "target_modules": (sorted(layers), sorted(settings.target_modules)),
    }
    for field, (has, asked) in wanted.items():
        if has != asked:
            raise UserError(
                f"The adapter {parent.entry.name} cannot be continued with this setting",
                expected=f"{field} = {has}, as it has",
                got=str(asked),
                hint="Or start from the base",
                field=field,
            )
    tensors = read_weights(parent.folder / WEIGHTS, parent.entry.name)
    state = {f"base_model.model.{parent.keys[k]}": t for k, t in tensors.items()}
    outcome = set_peft_model_state_dict(tuned, state)
    empty = [k for k in outcome.missing_keys if "lora_" in k]
    if outcome.unexpected_keys or empty:
        raise UserError(
            f"The adapter {parent.entry.name} does not fit the layers that are to be trained",
            got=f"{len(empty)} places empty, {len(outcome.unexpected_keys)} weights left",
            hint="Or start from the base",
            field="target_modules",
        )


def make_head(
    settings: TrainSettings,
    info: BackboneInfo,
    parent: CheckedAdapter | None,
    device: torch.device,
) -> Head | None:
    """The parent's head, or a fresh one. Raises UserError (field "head"): the parent has another
    head."""
    if settings.head == "none":
        return None
    head = _head(settings, info, parent, device)
    head.scorer.dropout.p = settings.head_dropout
    return head


def _head(
    settings: TrainSettings,
    info: BackboneInfo,
    parent: CheckedAdapter | None,
    device: torch.device,
) -> Head:
    if parent is not None and parent.entry.has_head:
        head = load_head(parent.folder, info.sha256, str(device))
        if head.config["architecture"] != settings.head:
            raise UserError(
                f"The adapter {parent.entry.name} has another head",
                expected=str(head.config["architecture"]),
                got=settings.head,
                field="head",
            )
        return head.train().requires_grad_(True)
    return build_head(usual_config(settings.head, info.hidden_size)).to(device)
