"""The model that is trained: the frozen base with LoRA, and the head beside it; one forward pass
gives INSIGHT's losses (Eq. 1, 4, 5) and the points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from inference.backbones.base import Backbone, vision_features
from inference.errors import UserError
from inference.heads import (
    Head,
    HeadOutput,
    windowed_soft_argmax,
)
from training.jobs.settings import TrainSettings
from training.worker.items import KEPT_BYTES, moved
from training.worker.losses import (
    IGNORE_INDEX,
    answer_loss,
    coordinate_loss,
    insight_loss,
    keep_loss,
    map_loss,
    shown_loss,
)

Name = tuple[str | int, ...]
"""A view of an image and its token ids: all that a row's states depend on."""


@dataclass
class Encodings:
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
        self._kept: dict[Name, Tensor] = {}  # states, while the head alone is trained
        self._kept_bytes = 0

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
        images: list[dict[str, Any]],
        grids: list[tuple[int, int]],
        before: list[Tensor | None],
        names: list[Name],
    ) -> dict[str, Tensor]:
        """loss (Eq. 1 and the heatmaps'), text_loss (Eq. 5), coord_loss (Eq. 4), map_loss,
        shown_loss, keep_loss; without a head only the text's. points01: (batch, 2) as shown."""
        states = self._states(input_ids, attention_mask, images, names)
        answered = labels != IGNORE_INDEX
        rows = answered.nonzero()[:, 0]
        text = answer_loss(self.backbone.lm_head(states[answered]), labels[answered], rows)
        weights = self.settings
        if self.head is None:
            zero = text.new_zeros(())
            found = {"loss": weights.lambda_text * text, "text_loss": text}
            others = ("coord_loss", "map_loss", "shown_loss", "keep_loss")
            return {**found, **dict.fromkeys(others, zero)}
        out = self._maps(states, input_ids, prompt_mask, grids)
        plain = torch.cat([o.point01 for o in out])
        centres = self.head.scorer.cell_centres
        maps = torch.stack(
            [
                map_loss(o.probabilities, t[None], cell_centres=centres)
                for o, t in zip(out, target01, strict=True)
            ]
        ).mean()
        moved_by = [
            keep_loss(o.probabilities, b[None])
            for o, b in zip(out, before, strict=True)
            if b is not None
        ]
        keep = torch.stack(moved_by).sum() / len(out) if moved_by else maps.new_zeros(())
        coordinates = coordinate_loss(plain, target01)
        shown = self._shown(out)
        cells = torch.tensor([o.probabilities.shape[:0:-1] for o in out], device=shown.device)
        off = shown_loss(shown, target01, cells)
        loss = insight_loss(
            text, coordinates, lambda_text=weights.lambda_text, lambda_coord=weights.lambda_coord
        )
        return {
            "loss": loss
            + weights.lambda_map * maps
            + weights.lambda_shown * off
            + weights.lambda_keep * keep,
            "text_loss": text,
            "coord_loss": coordinates,
            "map_loss": maps,
            "shown_loss": off,
            "keep_loss": keep,
            "points01": shown.detach(),
        }

    def _states(
        self, ids: Tensor, mask: Tensor, images: list[dict[str, Any]], names: list[Name]
    ) -> Tensor:
        """(batch, length, d) after the final norm. Where the head alone is trained they never
        change: each row is computed once, by itself, so that a resumed run finds the same."""
        if self.settings.train != "head":
            return self._decoded(ids, mask, images)
        rows = []
        for i, (name, n) in enumerate(zip(names, mask.sum(1).tolist(), strict=True)):
            row = self._kept.get(name)
            if row is None:
                row = self._alone(ids[i : i + 1, :n], mask[i : i + 1, :n], images[i])
                if self._kept_bytes + row.nbytes <= KEPT_BYTES:
                    self._kept[name], self._kept_bytes = row, self._kept_bytes + row.nbytes
            rows.append(row.to(ids.device))
        return pad_sequence(rows, batch_first=True)

    @torch.no_grad()
    def _alone(self, ids: Tensor, mask: Tensor, image: dict[str, Any]) -> Tensor:
        """(length, d) of one row, without dropout, in the computer's memory."""
        was = self.causal.training
        self.causal.eval()
        try:
            return self._decoded(ids, mask, [image])[0].cpu()
        finally:
            self.causal.train(was)

    def _decoded(self, ids: Tensor, mask: Tensor, images: list[dict[str, Any]]) -> Tensor:
        """The same, through the language model now."""
        device = ids.device
        encoded = [self._encoded(p, device) for p in images]
        context = {
            k: torch.cat([p["context"][k].to(device) for p in images]) for k in images[0]["context"]
        }
        deep = [tuple(s[1][i] for s in encoded) for i in range(len(encoded[0][1]))]
        modality = "video" if "video_grid_thw" in context else "image"
        out = self.causal.model(
            input_ids=ids,
            attention_mask=mask,
            mm_encoder_outputs={modality: Encodings(tuple(s[0] for s in encoded), deep)},
            use_cache=False,
            **self.backbone.token_types(ids),
            **context,
        )
        states: Tensor = out.last_hidden_state
        return states

    def _encoded(self, image: dict[str, Any], device: torch.device) -> tuple[Tensor, list[Tensor]]:
        """Features of one image: kept ones, or by the frozen tower now."""
        if "features" in image:
            return image["features"].to(device), [t.to(device) for t in image["deep"]]
        with torch.no_grad():
            out = vision_features(self.causal, moved(image["pixels"], device))
        deep = getattr(out, "deepstack_features", None) or []
        return _flat(out.pooler_output), [_flat(layer) for layer in deep]

    def _maps(
        self, states: Tensor, ids: Tensor, prompt: Tensor, grids: list[tuple[int, int]]
    ) -> list[HeadOutput]:
        """Of each image, as a batch of one, its heatmap and plain soft-argmax. Images of one
        shape share a pass of the head."""
        assert self.head is not None
        image = self.backbone.is_media(ids) & prompt
        found: dict[int, HeadOutput] = {}
        for grid in dict.fromkeys(grids):
            same = [i for i, g in enumerate(grids) if g == grid]
            rows = torch.tensor(same, device=ids.device)
            out = self.head(
                states[rows],
                image[rows],
                prompt[rows] & ~image[rows],
                grid,
                decode="soft_argmax",
            )
            for k, i in enumerate(same):
                found[i] = out.only(k)
        return [found[i] for i in range(len(grids))]

    def _shown(self, out: list[HeadOutput]) -> Tensor:
        """(batch, 2): the points as they are shown."""
        assert self.head is not None
        if self.head.config.get("decode", "soft_argmax") != "window":
            return torch.cat([o.point01 for o in out])
        centres = self.head.scorer.cell_centres
        points = [
            windowed_soft_argmax(o.probabilities, o.offsets, cell_centres=centres) for o in out
        ]
        return torch.cat(points)

    @torch.no_grad()
    def heatmaps(self, inputs: dict[str, Any]) -> list[Tensor]:
        """The heatmap of each image of a batch, without dropout; the mode stays as it was."""
        was = self.training
        self.eval()
        try:
            ids, mask = inputs["input_ids"], inputs["attention_mask"]
            states = self._states(ids, mask, inputs["images"], inputs["names"])
            out = self._maps(states, ids, inputs["prompt_mask"], inputs["grids"])
        finally:
            self.train(was)
        return [o.probabilities[0] for o in out]

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


@torch.no_grad()
def interpolated(
    start: Mapping[str, Tensor], trained: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Weights that share of the way from the first to the second, of LoRA those of A and of B each
    (Wortsman et al., Robust Fine-Tuning of Zero-Shot Models, 2022, Eq. 1). What has no start stays
    as trained."""
    return {
        name: torch.lerp(start[name], tensor, share) if name in start else tensor
        for name, tensor in trained.items()
    }


def _flat(pooled: Tensor | tuple[Tensor, ...]) -> Tensor:
    return torch.cat([part.flatten(0, -2) for part in tuple(pooled)])
