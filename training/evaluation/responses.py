"""A loaded model's answers for evaluation: every side of one image in one mixed batch, as the page
runs them. No attention is captured. Knows the model's parts, not the metrics of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference import registry
from inference.adapters import validate_adapter
from inference.backbones.base import Backbone, ModelInput
from inference.backbones.generation import Generated, generate
from inference.backbones.loading import load_backbone
from inference.backbones.tracing import answer_logprobs
from inference.errors import UserError
from inference.fields import Point, Value
from inference.hub import local_folder
from inference.loaded_adapters import LoadedAdapter, LoadedAdapters, backbone_info
from inference.pair import Batch
from inference.schema import PatchGrid
from training.evaluation.scoring import Response
from training.evaluation.sets import EvalCase

BASE = "base"
MAX_NEW_TOKENS = 64
DECODES = ("soft_argmax", "window")


class ModelSides:
    """Callable: an EvalCase -> each side's Response, "base" first, then the adapters by name.

    One load of the base, all adapters beside it. Adapters that change the vision tower cannot
    share its output: each of those is a batch of its own. Not for use by several threads.
    """

    def __init__(
        self,
        model: str,
        adapters: Sequence[Path | str],
        *,
        task: str,
        quantize: str = "none",
        device: str = "auto",
    ) -> None:
        self.task = registry.task(task)
        base = local_folder(model, field="model")
        self.backbone: Backbone = load_backbone(base, quantize=quantize, device=device)
        loaded = LoadedAdapters(self.backbone, backbone_info(self.backbone, base, model))
        self.bank = loaded.bank
        self.adapters: dict[str, LoadedAdapter | None] = {BASE: None}
        for source in adapters:
            folder = local_folder(str(source), field="adapter")
            checked = validate_adapter(folder, loaded.info)
            name = checked.entry.name
            if name in self.adapters:
                raise UserError("Two sides have one name", got=name, field="adapter")
            loaded.load(checked, str(source))
            self.adapters[name] = loaded.get(name)

    @torch.inference_mode()
    def __call__(self, case: EvalCase) -> dict[str, Response]:
        view = self.backbone.preprocess(case.image.pixels, case.image.times_s)
        answers: dict[str, Response] = {}
        for batch in self._batches():
            answers |= self._answers(case, view, batch)
        return {name: answers[name] for name in self.adapters}

    def _batches(self) -> list[Batch]:
        """As the page runs its sides."""
        alone = {n: a for n, a in self.adapters.items() if a is not None and a.entry.targets_vision}
        shared = {n: a for n, a in self.adapters.items() if n not in alone}
        return [
            Batch(tuple(shared), tuple(shared.values()), False),  # type: ignore[arg-type]
            *(Batch((name,), (a,), True) for name, a in alone.items()),  # type: ignore[arg-type]
        ]

    def _answers(self, case: EvalCase, view: ModelInput, batch: Batch) -> dict[str, Response]:
        with batch.vision(self.bank):
            features = self.backbone.encode(view)
        prompt = self.backbone.tokenize(view, self.task.prompt)
        with batch.language(self.bank):
            made = generate(
                self.backbone,
                view,
                features,
                prompt,
                len(batch.sides),
                max_new_tokens=MAX_NEW_TOKENS,
            )
        wh = view.grid.image_wh
        references = [
            self.task.target_text(case.truth, wh, self._frame(a), view.resized_wh)
            for a in batch.adapters
        ]
        losses = self._losses(view, features, prompt, batch, references)
        return {
            name: self._answer(row, batch.adapters[row], made, prompt, view, reference, loss)
            for row, (name, reference, loss) in enumerate(
                zip(batch.sides, references, losses, strict=True)
            )
        }

    def _frame(self, adapter: LoadedAdapter | None) -> str:
        """The coordinate frame of the side's text."""
        card = adapter.entry.card if adapter else None
        return (card.coordinate_frame if card else None) or self.backbone.spec.frame

    def _losses(
        self,
        view: ModelInput,
        features: Any,
        prompt: list[int],
        batch: Batch,
        references: list[str],
    ) -> list[float]:
        """Mean negative log-likelihood a token of each side's reference, teacher forced. The end
        token counts as in training: a side that would not stop did not learn the answer. Sides
        with one reference run as one batch."""
        losses: dict[int, float] = {}
        for text in dict.fromkeys(references):
            rows = [i for i, t in enumerate(references) if t == text]
            some = replace(
                batch,
                sides=tuple(batch.sides[i] for i in rows),
                adapters=tuple(batch.adapters[i] for i in rows),
            )
            ids = self.backbone.tokenizer(text, add_special_tokens=False).input_ids
            ids = [*ids, *self.backbone.eos_ids[:1]]
            with some.language(self.bank):
                chances = answer_logprobs(self.backbone, view, features, prompt, ids, len(rows))
            losses |= dict(zip(rows, (-np.mean(chances, axis=1)).tolist(), strict=True))
        return [losses[i] for i in range(len(references))]

    def _answer(
        self,
        row: int,
        adapter: LoadedAdapter | None,
        made: Generated,
        prompt: list[int],
        view: ModelInput,
        reference: str,
        nll: float,
    ) -> Response:
        ids = made.answers[row].ids
        text = self.backbone.tokenizer.decode(ids, skip_special_tokens=True).strip()
        parsed = self.task.parse(text, view.grid.image_wh, self._frame(adapter), view.resized_wh)
        ways: dict[str, Mapping[str, Value]] = {"text": parsed.values}
        default = "text"
        if adapter is not None and adapter.head is not None and not view.times_s:
            default = str(adapter.head.config.get("decode", "soft_argmax"))
            image = self.backbone.is_media(torch.tensor([prompt], device=self.backbone.device))
            states, size = made.prompt_states[row : row + 1], (view.grid.rows, view.grid.cols)
            for way in DECODES:
                out = adapter.head(states, image, ~image, size, way)
                point = _on_image(out.point01[0].tolist(), view.grid)
                ways[way] = {**parsed.values, self.task.points[0]: point}
        return Response(text, reference, nll, ways, default)


def _on_image(point01: Sequence[float], grid: PatchGrid) -> Point:
    """From 0..1 over the grid's area to original pixels, never outside the image."""
    x1, y1, x2, y2 = grid.area_px
    width, height = grid.image_wh
    x, y = x1 + point01[0] * (x2 - x1), y1 + point01[1] * (y2 - y1)
    return Point(min(max(x, 0.0), width), min(max(y, 0.0), height), source="head")
