"""One prediction, base beside fine-tuned, on one copy of the backbone.

Puts the steps in order: encode once, answer, force the same words on both sides, read the maps.
Every use of the model goes through one lock, since PEFT's layers are shared between threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from inference import registry
from inference.adapters import BackboneInfo, name_taken, validate_adapter
from inference.backbones.base import Backbone
from inference.backbones.loading import Quantize, load_backbone
from inference.backbones.tracing import answer_logprobs
from inference.errors import Cancelled, UserError, unknown
from inference.fingerprint import weights_sha256
from inference.hub import local_folder
from inference.inputs import ClipInput, Media, media_kind
from inference.loaded_adapters import LoadedAdapter, LoadedAdapters, backbone_info
from inference.pair import Run, batches
from inference.schema import SIDES, AdapterEntry, ModelInfo, PairPrediction, PairRequest, Side

Progress = Callable[[str, float], None]
MAX_NEW_TOKENS = 512
LOOK_UP_S = 0.2  # how often somebody who waits for the model looks whether they cancelled
HEAD_NOTE = (
    "The adapter's head reads single images: on a clip the answer comes from the text alone."
)
SEQUENTIAL_NOTE = (
    "This adapter also changes the vision tower, so the two sides ran one after the other."
)


class Predictor:
    """A loaded model with its adapters."""

    def __init__(self, backbone: Backbone, info: ModelInfo, folder: Path) -> None:
        self.info = info
        self._backbone = backbone
        self._lock = threading.RLock()
        self._adapters = LoadedAdapters(backbone, backbone_info(backbone, folder, info.id))

    @classmethod
    def load(
        cls,
        model: str | Path | None,
        *,
        quantize: Quantize = "none",
        device: str = "auto",
        dtype: str = "auto",
        embedded: bool = False,
    ) -> Predictor:
        """Load a model from a folder or a hub id.

        Raises:
            UserError: (field "model") it cannot be had.
        """
        if model is None:
            raise UserError("No model was named", expected="a folder or hub id", field="model")
        folder = local_folder(str(model), field="model")
        backbone = load_backbone(folder, quantize=quantize, device=device, dtype=dtype)
        weights = [*backbone.model.parameters(), *backbone.model.buffers()]
        size = sum(t.numel() * t.element_size() for t in weights)
        info = ModelInfo(
            id=Path(model).name if Path(model).is_dir() else str(model),
            family=backbone.family,
            device=str(backbone.device.type),
            dtype=str(backbone.model.dtype).removeprefix("torch."),
            quantize=quantize,
            embedded=embedded,
            loaded=True,
            memory_mb=size / 1e6,
            sha256=weights_sha256(folder),
        )
        return cls(backbone, info, folder)

    @property
    def backbone_info(self) -> BackboneInfo:
        """What adapters are checked against."""
        return self._adapters.info

    # Adapters ---------------------------------------------------------------------------------
    def adapters(self) -> list[AdapterEntry]:
        """The loaded adapters, in the order in which they came."""
        return self._adapters.entries()

    def load_adapter(
        self, source: str | Path, name: str | None = None, taken: Collection[str] = ()
    ) -> AdapterEntry:
        """Check and load an adapter from a folder or a hub id, beside those that are there. One of
        the same name is replaced after the new one is in place. taken: names of other adapters.

        Raises:
            UserError: (field "adapter") it does not fit or is not safe, or its name is taken;
                nothing has changed.
        """
        folder = local_folder(str(source), field="adapter")
        checked = validate_adapter(folder, self._adapters.info, name)
        if checked.entry.name in taken:
            raise name_taken(checked.entry.name)
        with self._lock:
            return self._adapters.load(checked, str(source))

    def unload_adapter(self, name: str) -> None:
        """Take an adapter off the model."""
        with self._lock:
            self._adapters.unload(name)

    @contextmanager
    def _turn(self, stop: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """The model is ours inside. Somebody who waits behind others can still cancel."""
        while not self._lock.acquire(timeout=LOOK_UP_S):
            if stop():
                raise Cancelled
        try:
            if stop():
                raise Cancelled
            yield
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise UserError(
                "The GPU's memory is full",
                hint="Try a smaller image, a shorter clip or answer, or start with --quantize nf4",
                field="model",
            ) from error
        finally:
            self._lock.release()

    # Predictions --------------------------------------------------------------------------------
    def predict_pair(
        self,
        image: Media,
        request: PairRequest,
        *,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> PairPrediction:
        """Ask both sides (the base alone without an adapter) and trace them over the same words.

        Raises:
            UserError: the prompt, the task or the adapter's name is not valid.
            Cancelled: `cancelled` said so.
        """
        task = registry.task(request.task)
        prompt = task.validate_prompt(request.prompt or task.prompt)
        neutral = task.validate_prompt(request.neutral_prompt or task.neutral_prompt)
        _check(request)
        task.check_media(media_kind(image))
        stop = cancelled or (lambda: False)
        report = progress or (lambda _stage, _fraction: None)
        report("Waiting for the model", 0.0)
        started = time.perf_counter()
        with self._turn(stop), torch.inference_mode():
            waited = time.perf_counter() - started
            adapter = self._adapters.get(request.adapter) if request.adapter else None
            run = Run(self._backbone, self._adapters.bank, adapter, image, report, stop)
            results = run.pair(task, prompt, neutral, request)
        report("Done", 1.0)
        return PairPrediction(
            image=image,
            request=request,
            base=results["base"],
            finetuned=results.get("finetuned"),
            forced=request.forced if request.forced in results else "base",
            seconds={"waiting": waited, **run.seconds, "total": time.perf_counter() - started},
            notes=_notes(adapter, image),
        )

    def scorer(
        self,
        image: Media,
        request: PairRequest,
        side: Side,
        answer_token_ids: Sequence[int],
    ) -> Callable[[NDArray[np.uint8]], float]:
        """A function from pixels (height, width, 3) uint8, of a clip (frames, height, width, 3), to
        the summed natural log-probability that `side` gives to the answer tokens under the
        request's prompt. `image` sets the shape that is expected, and a clip's times."""
        task = registry.task(request.task)
        prompt = task.validate_prompt(request.prompt or task.prompt)
        _check(request)
        ids = list(answer_token_ids)
        if not ids:
            raise UserError("There is nothing to score", expected="at least one answer token")
        if side == "finetuned" and request.adapter is None:
            raise unknown("adapter", "(none)", [e.name for e in self.adapters()], "adapter")

        def score(pixels: NDArray[np.uint8]) -> float:
            if pixels.shape != image.pixels.shape or pixels.dtype != np.uint8:
                raise UserError(
                    "The image to score has another shape",
                    expected=f"{image.pixels.shape} uint8",
                    got=f"{pixels.shape} {pixels.dtype}",
                )
            return self._score(image, pixels, prompt, request.adapter, side, ids)

        return score

    def _score(
        self,
        image: Media,
        pixels: NDArray[np.uint8],
        prompt: str,
        name: str | None,
        side: Side,
        ids: list[int],
    ) -> float:
        with self._turn(), torch.inference_mode():
            adapter = self._adapters.get(name) if name else None
            (batch,) = batches(adapter, side)
            view = self._backbone.preprocess(pixels, image.times_s)
            with batch.vision(self._adapters.bank):
                features = self._backbone.encode(view)
            prompt_ids = self._backbone.tokenize(view, prompt)
            with batch.language(self._adapters.bank):
                logprobs = answer_logprobs(self._backbone, view, features, prompt_ids, ids, 1)
            return float(logprobs.sum())

    def encode_answer(self, text: str) -> list[int]:
        """Token ids of an answer's text, for `scorer`."""
        encoded = self._backbone.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True
        )
        return [int(i) for i in encoded.input_ids]


def _check(request: PairRequest) -> None:
    if request.forced not in SIDES:
        raise unknown("side", request.forced, SIDES)
    if not 1 <= request.max_new_tokens <= MAX_NEW_TOKENS:
        raise UserError(
            "The answer's length is not valid",
            expected=f"1 to {MAX_NEW_TOKENS} tokens",
            got=str(request.max_new_tokens),
        )


def _notes(adapter: LoadedAdapter | None, media: Media) -> tuple[str, ...]:
    if adapter is None:
        return ()
    notes = adapter.notes
    if isinstance(media, ClipInput):
        notes += (HEAD_NOTE,) if adapter.entry.has_head else ()
    elif not adapter.entry.has_head:
        notes += ("This adapter has no head: its point comes from the text alone.",)
    if adapter.entry.targets_vision:
        notes += (SEQUENTIAL_NOTE,)
    return notes
