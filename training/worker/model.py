"""The model that is trained: the frozen base with LoRA, and the head beside it; one forward pass
gives INSIGHT's losses (Eq. 1, 4, 5) and the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor, nn

from inference.adapters import BackboneInfo, CheckedAdapter
from inference.backbones.base import Backbone
from inference.errors import UserError
from inference.heads import Head, HeadOutput, build_head, load_head
from training.losses import (
    IGNORE_INDEX,
    answer_loss,
    coordinate_loss,
    insight_loss,
    map_loss,
)
from training.settings import TrainSettings
from training.worker.items import moved

# How a head's point is shown; both are trained on the paper's plain soft-argmax (Eq. 3). The plain
# mean of a patch map falls between two candidates; a pooled map's peak means nothing (dev/LOG.md).
SHOWN = {"patch": "window", "pooled": "soft_argmax"}


@dataclass
class Pictures:
    """The vision tower's output for a batch, in the shape that transformers' models read."""

    pooler_output: tuple[Tensor, ...]
    deepstack_features: list[tuple[Tensor, ...]]


class Pointing(nn.Module):
    """The base with its adapter, and the head."""

    def __init__(self, backbone: Backbone, head: Head | None, settings: TrainSettings) -> None:
        super().__init__()
        self.causal = backbone.model
        self.head = head
        self._backbone = (backbone,)  # in a tuple, so that torch does not take it for a module
        self.settings = settings

    @property
    def backbone(self) -> Backbone:
        return self._backbone[0]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        prompt_mask: Tensor,
        target01: Tensor,
        to_px: Tensor,
        pictures: list[dict[str, Any]],
        grids: list[tuple[int, int]],
    ) -> dict[str, Tensor]:
        """loss (Eq. 1 and the heatmap's), text_loss (Eq. 5), coord_loss (Eq. 4), map_loss; without
        a head only the text's. points01: (batch, 2) as shown."""
        states = self._states(input_ids, attention_mask, pictures)
        answered = labels != IGNORE_INDEX
        rows = answered.nonzero()[:, 0]
        text = answer_loss(self.backbone.lm_head(states[answered]), labels[answered], rows)
        weights = self.settings
        if self.head is None:
            zero = text.new_zeros(())
            found = {"loss": weights.lambda_text * text, "text_loss": text}
            return {**found, "coord_loss": zero, "map_loss": zero}
        plain, shown, maps = self._points(states, input_ids, prompt_mask, grids, target01)
        coordinates = coordinate_loss(plain, target01)
        loss = insight_loss(
            text, coordinates, lambda_text=weights.lambda_text, lambda_coord=weights.lambda_coord
        )
        return {
            "loss": loss + weights.lambda_map * maps,
            "text_loss": text,
            "coord_loss": coordinates,
            "map_loss": maps,
            "points01": shown.detach(),
        }

    def _states(self, ids: Tensor, mask: Tensor, pictures: list[dict[str, Any]]) -> Tensor:
        """(batch, length, d) after the final norm."""
        device = ids.device
        seen = [self._seen(p, device) for p in pictures]
        context = {
            k: torch.cat([p["context"][k].to(device) for p in pictures])
            for k in pictures[0]["context"]
        }
        deep = [tuple(s[1][i] for s in seen) for i in range(len(seen[0][1]))]
        out = self.causal.model(
            input_ids=ids,
            attention_mask=mask,
            mm_encoder_outputs={"image": Pictures(tuple(s[0] for s in seen), deep)},
            use_cache=False,
            **self.backbone.token_types(ids),
            **context,
        )
        states: Tensor = out.last_hidden_state
        return states

    def _seen(self, picture: dict[str, Any], device: torch.device) -> tuple[Tensor, list[Tensor]]:
        """Features of one picture: kept ones, or by the frozen tower now."""
        if "features" in picture:
            return picture["features"].to(device), [t.to(device) for t in picture["deep"]]
        with torch.no_grad():
            out = self.causal.get_image_features(
                **moved(picture["pixels"], device), return_dict=True
            )
        deep = getattr(out, "deepstack_features", None) or []
        return _flat(out.pooler_output), [_flat(layer) for layer in deep]

    def _points(
        self,
        states: Tensor,
        ids: Tensor,
        prompt: Tensor,
        grids: list[tuple[int, int]],
        target01: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(batch, 2) by the plain soft-argmax, and as it is shown; the heatmap's loss. Pictures of
        one shape share a pass of the head."""
        assert self.head is not None
        image = (ids == self.backbone.image_token_id) & prompt
        plain = states.new_zeros((len(ids), 2), dtype=torch.float32)
        shown, maps = plain.clone(), plain.new_zeros(())
        centres = self.head.scorer.cell_centres
        for grid in dict.fromkeys(grids):
            rows = torch.tensor([i for i, g in enumerate(grids) if g == grid], device=ids.device)
            asked = (states[rows], image[rows], prompt[rows] & ~image[rows], grid)
            out = self._head(*asked, decode="soft_argmax")
            plain = plain.index_copy(0, rows, out.point01)
            lost = map_loss(out.probabilities, target01[rows], cell_centres=centres)
            maps = maps + lost * (len(rows) / len(ids))
            with torch.no_grad():
                shown = shown.index_copy(0, rows, self._head(*asked).point01)
        return plain, shown, maps

    def _head(self, *asked: Any, **options: Any) -> HeadOutput:
        assert self.head is not None
        out: HeadOutput = self.head(*asked, **options)
        return out

    def trainable(self) -> dict[str, Tensor]:
        """What training changes, by name: LoRA weights and the head."""
        return {n: p for n, p in self.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Put trained weights back.

        Raises:
            UserError: they are of another run.
        """
        own = self.trainable()
        if own.keys() != state.keys() or any(own[k].shape != state[k].shape for k in own):
            raise UserError(
                "The checkpoint is of a run with another adapter",
                hint="Start the run anew instead of resuming it",
            )
        for name, parameter in own.items():
            parameter.copy_(state[name])


def _flat(pooled: Tensor | tuple[Tensor, ...]) -> Tensor:
    return torch.cat([part.flatten(0, -2) for part in tuple(pooled)])


def target_names(backbone: Backbone, layers: tuple[str, ...]) -> list[str]:
    """Full names of the language model's linear layers of those kinds; never the vision tower's,
    whose layers have the same names in some families.

    Raises:
        UserError: (field "target_modules") the model has none of a kind.
    """
    place = next(n for n, m in backbone.model.named_modules() if m is backbone.decoder)
    names = [f"{place}.{n}" for n, _ in backbone.decoder.named_modules() if n]
    found = [n for n in names if n.rpartition(".")[2] in layers]
    if missing := [k for k in layers if not any(n.endswith(f".{k}") for n in found)]:
        raise UserError(
            "The model has no such layers", got=", ".join(missing), field="target_modules"
        )
    return found


def with_lora(backbone: Backbone, settings: TrainSettings) -> PeftModel:
    """Put fresh LoRA layers into the backbone's model; only they are trained."""
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=target_names(backbone, settings.target_modules),
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(backbone.model, config)


def continue_lora(tuned: PeftModel, parent: CheckedAdapter, settings: TrainSettings) -> None:
    """Start from the parent's weights.

    Raises:
        UserError: the settings ask for another shape than the parent has; `field` names it.
    """
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
    tensors = load_file(parent.folder / "adapter_model.safetensors")
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
    """The parent's head, or a fresh one.

    Raises:
        UserError: (field "head") the parent has another head.
    """
    if settings.head == "none":
        return None
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
    grid = [16, 16] if settings.head == "pooled" else None
    config = {"architecture": settings.head, "hidden_size": info.hidden_size, "grid": grid}
    return build_head({**config, "decode": SHOWN[settings.head]}).to(device)
