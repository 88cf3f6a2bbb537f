"""Asks a loaded model, for evaluation: every side of one picture in one mixed batch.

No attention is captured. Knows the model's parts, not the figures made of the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference import registry
from inference.adapters import validate_adapter
from inference.backbones.base import Backbone, ModelImage
from inference.backbones.generation import Generated, generate
from inference.backbones.loading import load_backbone
from inference.backbones.tracing import answer_logprobs
from inference.errors import UserError
from inference.fields import Point, Value
from inference.hub import local_folder
from inference.loaded_adapters import LoadedAdapter, LoadedAdapters, backbone_info
from inference.schema import PatchGrid
from training.evaluation.scoring import Response
from training.evaluation.sets import EvalCase

BASE = "base"
MAX_NEW_TOKENS = 64
DECODES = ("soft_argmax", "window")


class ModelAsker:
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
        view = self.backbone.preprocess(case.image.pixels)
        answers: dict[str, Response] = {}
        for names in self._batches():
            answers |= self._ask(case, view, names)
        return {name: answers[name] for name in self.adapters}

    def _batches(self) -> list[list[str]]:
        alone = [n for n, a in self.adapters.items() if a is not None and a.entry.targets_vision]
        return [[n for n in self.adapters if n not in alone], *([n] for n in alone)]

    def _turn(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Inside, row i is the side names[i]."""
        chosen = [self.adapters[name] for name in names]
        slots = [a.slot if a else None for a in chosen]
        whole = chosen[0] is not None and chosen[0].entry.targets_vision
        return self.bank.whole(slots[0]) if whole else self.bank.rows(slots)

    def _ask(self, case: EvalCase, view: ModelImage, names: list[str]) -> dict[str, Response]:
        first = self.adapters[names[0]]
        seen_by = first.slot if first is not None and first.entry.targets_vision else None
        with self.bank.whole(seen_by):
            features = self.backbone.encode(view)
        prompt = self.backbone.tokenize(view, self.task.prompt)
        with self._turn(names):
            made = generate(
                self.backbone, view, features, prompt, len(names), max_new_tokens=MAX_NEW_TOKENS
            )
        references = {n: self._reference(n, case.truth, view) for n in names}
        losses = self._losses(view, features, prompt, references)
        return {
            name: self._answer(name, row, made, prompt, view, references[name], losses[name])
            for row, name in enumerate(names)
        }

    def _frame(self, name: str) -> str:
        """The coordinate frame of the side's text."""
        adapter = self.adapters[name]
        card = adapter.entry.card if adapter else None
        return (card.coordinate_frame if card else None) or self.backbone.spec.frame

    def _reference(self, name: str, truth: Mapping[str, Value], view: ModelImage) -> str:
        text: str = self.task.target_text(
            truth, view.grid.image_wh, self._frame(name), view.resized_wh
        )
        return text

    def _losses(
        self, view: ModelImage, features: Any, prompt: list[int], references: dict[str, str]
    ) -> dict[str, float]:
        """Mean negative log-likelihood a token of each side's reference, teacher forced. The end
        token counts as in training: a side that would not stop did not learn the answer. Sides
        with one reference run as one batch."""
        losses: dict[str, float] = {}
        for text in dict.fromkeys(references.values()):
            names = [n for n, t in references.items() if t == text]
            ids = self.backbone.tokenizer(text, add_special_tokens=False).input_ids
            ids = [*ids, *self.backbone.eos_ids[:1]]
            with self._turn(names):
                chances = answer_logprobs(self.backbone, view, features, prompt, ids, len(names))
            losses |= dict(zip(names, (-np.mean(chances, axis=1)).tolist(), strict=True))
        return losses

    def _answer(
        self,
        name: str,
        row: int,
        made: Generated,
        prompt: list[int],
        view: ModelImage,
        reference: str,
        nll: float,
    ) -> Response:
        ids = made.answers[row].ids
        text = self.backbone.tokenizer.decode(ids, skip_special_tokens=True).strip()
        parsed = self.task.parse(text, view.grid.image_wh, self._frame(name), view.resized_wh)
        ways: dict[str, Mapping[str, Value]] = {"text": parsed.values}
        adapter, default = self.adapters[name], "text"
        if adapter is not None and adapter.head is not None:
            default = str(adapter.head.config.get("decode", "soft_argmax"))
            image = torch.tensor([prompt], device=self.backbone.device)
            image = image == self.backbone.image_token_id
            states, size = made.prompt_states[row : row + 1], (view.grid.rows, view.grid.cols)
            for way in DECODES:
                out = adapter.head(states, image, ~image, size, way)
                point = _on_image(out.point01[0].tolist(), view.grid)
                ways[way] = {**parsed.values, self.task.points[0]: point}
        return Response(text, reference, nll, ways, default)


def _on_image(point01: Sequence[float], grid: PatchGrid) -> Point:
    """From 0..1 over the grid's area to original pixels, never outside the picture."""
    x1, y1, x2, y2 = grid.area_px
    width, height = grid.image_wh
    x, y = x1 + point01[0] * (x2 - x1), y1 + point01[1] * (y2 - y1)
    return Point(min(max(x, 0.0), width), min(max(y, 0.0), height), source="head")
