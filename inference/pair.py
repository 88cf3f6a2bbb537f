"""The steps of one prediction over one image or clip, once the model's lock is held.

Rows that can share the vision tower's output run as one batch; an adapter that changes the vision
tower cannot share it, so then each side is a batch of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inference.backbones.base import Backbone, ModelInput
from inference.backbones.generation import Answer, Generated, generate
from inference.backbones.lora import AdapterBank
from inference.backbones.tracing import Forced, force, last_prompt_row
from inference.errors import Cancelled
from inference.fields import Point, check_answer
from inference.inputs import ClipInput, Media, media_kind
from inference.loaded_adapters import LoadedAdapter
from inference.schema import (
    AnswerToken,
    Heatmap,
    PairRequest,
    PatchGrid,
    Side,
    SidePrediction,
    Trace,
)
from inference.tasks.base import Task


@dataclass(frozen=True)
class Batch:
    """Sides that run together. shared: more than one adapter choice within the batch."""

    sides: tuple[Side, ...]
    adapters: tuple[LoadedAdapter | None, ...]
    whole_model: bool

    def language(self, bank: AdapterBank) -> AbstractContextManager[None]:
        slots = [a.slot if a else None for a in self.adapters]
        return bank.whole(slots[0]) if self.whole_model else bank.rows(slots)

    def vision(self, bank: AdapterBank) -> AbstractContextManager[None]:
        adapter = self.adapters[0] if self.whole_model else None
        return bank.whole(adapter.slot if adapter else None)


def batches(adapter: LoadedAdapter | None, only: Side | None = None) -> list[Batch]:
    """How the sides are run: together, unless the adapter changes the vision tower."""
    pairs: dict[Side, LoadedAdapter | None] = {"base": None}
    if adapter is not None:
        pairs["finetuned"] = adapter
    if only is not None:
        pairs = {only: pairs[only]}
    if adapter is not None and adapter.entry.targets_vision:
        return [Batch((side,), (a,), True) for side, a in pairs.items()]
    return [Batch(tuple(pairs), tuple(pairs.values()), False)]


@dataclass
class Run:
    """report: (stage in words, fraction). stop: whether the person cancelled."""

    backbone: Backbone
    bank: AdapterBank
    adapter: LoadedAdapter | None
    media: Media
    report: Callable[[str, float], None]
    stop: Callable[[], bool]
    seconds: dict[str, float] = field(default_factory=dict)

    def pair(
        self, task: Task, prompt: str, neutral: str, request: PairRequest
    ) -> dict[Side, SidePrediction]:
        """Each side's answer and trace.

        Raises:
            Cancelled: between two steps, or between two tokens.
        """
        plan = batches(self.adapter)
        view, features = self._encode(plan)
        prompt_ids = self.backbone.tokenize(view, prompt)
        generated = self._answer(plan, view, features, prompt_ids, request.max_new_tokens)
        answers = {s: a for b, g in generated for s, a in zip(b.sides, g.answers, strict=True)}
        forced = request.forced if request.forced in answers else "base"
        words = self._without_end(answers[forced].ids)
        traces = self._trace(generated, view, features, words, neutral)
        results: dict[Side, SidePrediction] = {}
        for batch, made in generated:
            for row, side in enumerate(batch.sides):
                head = self._head(batch.adapters[row], made, row, prompt_ids, view.grid)
                results[side] = self._side(task, side, answers[side], traces[side], view, head)
        return results

    @contextmanager
    def _timed(self, stage: str, fraction: float, key: str) -> Iterator[None]:
        if self.stop():
            raise Cancelled
        self.report(stage, fraction)
        started = time.perf_counter()
        yield
        self.seconds[key] = time.perf_counter() - started

    def _encode(self, plan: list[Batch]) -> tuple[ModelInput, list[Any]]:
        with self._timed(f"Encoding the {media_kind(self.media)}", 0.02, "vision"):
            view = self.backbone.preprocess(self.media.pixels, self.media.times_s)
            features = []
            for batch in plan:
                with batch.vision(self.bank):
                    features.append(self.backbone.encode(view))
            # The patches have been seen; the rest needs only where they lie.
            return replace(view, pixel_inputs={}), features

    def _answer(
        self,
        plan: list[Batch],
        view: ModelInput,
        features: list[Any],
        prompt_ids: list[int],
        n: int,
    ) -> list[tuple[Batch, Generated]]:
        made = []
        with self._timed("Writing the answers", 0.1, "answers"):
            for i, (batch, seen) in enumerate(zip(plan, features, strict=True)):

                def step(fraction: float, i: int = i) -> None:
                    done = (i + fraction) / len(plan)
                    self.report("Writing the answers", 0.1 + 0.7 * done)

                with batch.language(self.bank):
                    answers = generate(
                        self.backbone,
                        view,
                        seen,
                        prompt_ids,
                        len(batch.sides),
                        max_new_tokens=n,
                        step=step,
                        cancelled=self.stop,
                    )
                made.append((batch, answers))
        return made

    def _trace(
        self,
        generated: list[tuple[Batch, Generated]],
        view: ModelInput,
        features: list[Any],
        words: list[int],
        neutral: str,
    ) -> dict[Side, Trace]:
        tokens = self._texts(words)
        neutral_ids = self.backbone.tokenize(view, neutral)
        traces: dict[Side, Trace] = {}
        for i, ((batch, made), seen) in enumerate(zip(generated, features, strict=True)):
            begin, share = 0.8 + 0.2 * i / len(generated), 0.1 / len(generated)
            with (
                batch.language(self.bank),
                self._timed("Reading the attention", begin, f"trace {i + 1}"),
            ):
                forced = force(self.backbone, view, seen, made, words)
            with (
                batch.language(self.bank),
                self._timed("Neutral prompt", begin + share, f"neutral {i + 1}"),
            ):
                plain = last_prompt_row(self.backbone, view, seen, made, neutral_ids)
            for row, side in enumerate(batch.sides):
                traces[side] = _as_trace(side, tokens, view.grid, forced, plain, row)
        return traces

    def _texts(self, ids: list[int]) -> list[tuple[str, bool]]:
        special = set(self.backbone.tokenizer.all_special_ids)
        return [(self.backbone.tokenizer.decode([i]), i in special) for i in ids]

    def _without_end(self, ids: list[int]) -> list[int]:
        """Maps compare words; the end token says nothing of the image. An answer that is only an
        end token keeps it, since a trace needs at least one."""
        ends = set(self.backbone.eos_ids)
        return [i for i in ids if i not in ends] or ids

    def _side(
        self,
        task: Task,
        side: Side,
        answer: Answer,
        trace: Trace,
        view: ModelInput,
        head: tuple[Point, Heatmap] | None,
    ) -> SidePrediction:
        text = self.backbone.tokenizer.decode(answer.ids, skip_special_tokens=True).strip()
        adapter = self.adapter if side == "finetuned" else None
        card = adapter.entry.card if adapter else None
        frame = (card.coordinate_frame if card else None) or self.backbone.spec.frame
        texts = self._texts(answer.ids)
        return SidePrediction(
            side=side,
            label=adapter.entry.name if adapter else "Base",
            text=text,
            tokens=tuple(
                AnswerToken(t, p, special)
                for (t, special), p in zip(texts, answer.logprobs, strict=True)
            ),
            parsed=check_answer(
                task.fields, task.parse(text, view.grid.image_wh, frame, view.resized_wh)
            ),
            trace=trace,
            from_head={task.points[0]: head[0]} if head and task.points else {},
            head_map=head[1] if head else None,
        )

    def _head(
        self,
        adapter: LoadedAdapter | None,
        made: Generated,
        row: int,
        prompt_ids: list[int],
        grid: PatchGrid,
    ) -> tuple[Point, Heatmap] | None:
        if adapter is None or adapter.head is None or isinstance(self.media, ClipInput):
            return None
        image = self.backbone.is_media(torch.tensor([prompt_ids], device=made.prompt_states.device))
        states = made.prompt_states[row : row + 1]
        out = adapter.head(states, image, ~image, (grid.rows, grid.cols))
        x1, y1, x2, y2 = grid.area_px
        x01, y01 = out.point01[0].tolist()
        # The area may reach past the image where a model pads; a point never does.
        x = min(max(x1 + x01 * (x2 - x1), 0.0), float(grid.image_wh[0]))
        y = min(max(y1 + y01 * (y2 - y1), 0.0), float(grid.image_wh[1]))
        values = out.probabilities[0].float().cpu().numpy()
        rows, cols = values.shape
        cells = PatchGrid(rows, cols, grid.image_wh, grid.box_px)
        title = "Hazard probability from the adapter's head"
        return Point(x, y, source="head"), Heatmap(values, cells, title, "probability")


def _as_trace(
    side: Side,
    tokens: list[tuple[str, bool]],
    grid: PatchGrid,
    forced: Forced,
    plain: NDArray[np.floating[Any]],
    row: int,
) -> Trace:
    spoken = tuple(
        AnswerToken(text, float(p), special)
        for (text, special), p in zip(tokens, forced.logprobs[row], strict=True)
    )
    return Trace(
        side=side,
        tokens=spoken,
        grid=grid,
        attention=forced.attention[row],
        attention_neutral=plain[row],
        logit_lens=forced.lens[row],
    )
