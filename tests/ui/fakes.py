"""Services without a model: the same shapes, exact numbers, and a speed that tests can choose."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from explain.describe import describe
from explain.maps import default_tokens, make_pair_maps
from explain.registry import EXPLAINERS
from inference.errors import Cancelled
from inference.fields import Answer, Point
from inference.inputs import ImageInput
from inference.media import load_media
from inference.schema import (
    AdapterCard,
    AdapterEntry,
    AnswerToken,
    Heatmap,
    ModelInfo,
    PairPrediction,
    PairRequest,
    PatchGrid,
    SidePrediction,
    Trace,
)
from ui.shell.services import Services, read_examples

ROWS, COLS, LAYERS, HEADS = 9, 16, 4, 6
WORDS = ["The", " area", " around", " (", "4", "1", "0", ",", "5", "6", "0", ")", " should", " be",
         " paid", " more", " attention", " to", ".", "<|im_end|>"]  # fmt: skip
CARD = AdapterCard(
    "hazard-patch", "hazard", "fake",
    heldout={
        "n": 500,
        "sides": {"base": {"median_px": 301.0}, "hazard-patch": {"median_px": 31.0}},
    },
)  # fmt: skip
INFO = ModelInfo(
    "sightline-tiny", "qwen2_vl", "cpu", "float32", "none", embedded=True, sha256="ab" * 32
)


def fake_services(
    *, seconds: float = 0.0, examples: Path | None = None, **changes: Any
) -> Services:
    """Services whose model takes that long."""
    entries = [
        AdapterEntry("hazard-patch", "a/hazard-patch", CARD, has_head=True, loaded=True),
        AdapterEntry("text-only", "a/text-only", None, has_head=False, loaded=True),
        AdapterEntry("broken", "a/broken", None, False, False, problem="made for another model"),
    ]

    def predict(image, request, *, progress=None, cancelled=None):  # type: ignore[no-untyped-def]
        for i in range(20):
            if cancelled and cancelled():
                raise Cancelled
            if progress:
                progress("Reading the picture" if i < 5 else "Writing the answers", i / 20)
            time.sleep(seconds / 20)
        return fake_pair(image, request)

    services = Services(
        model_info=lambda: INFO,
        load_media=load_media,
        list_adapters=lambda: entries,
        default_adapter=lambda: "hazard-patch",
        load_adapter=lambda source: replace(entries[1], source=source),
        unload_adapter=lambda name: None,
        predict_pair=predict,
        make_pair_maps=make_pair_maps,
        default_tokens=default_tokens,
        explainers=EXPLAINERS,
        examples=lambda: read_examples(examples) if examples else (),
        describe=describe,
        versions=lambda: {"sightline": "test"},
    )
    return replace(services, **changes)


def fake_pair(
    image: ImageInput, request: PairRequest, words: list[str] | None = None
) -> PairPrediction:
    """Both sides look at a blob of their own; the fine-tuned one has a head."""
    width, height = image.size_wh
    here = Point(0.41 * width, 0.56 * height, source="text")
    there = Point(0.72 * width, 0.48 * height, source="head")
    base = fake_side("base", image, here, words)
    tuned = fake_side("finetuned", image, there, words) if request.adapter else None
    return PairPrediction(image, request, base, tuned, request.forced, {"total": 0.1})


def fake_side(
    side: Any, image: ImageInput, point: Point, words: list[str] | None = None
) -> SidePrediction:
    grid = PatchGrid(ROWS, COLS, image.size_wh)
    tokens = tuple(
        AnswerToken(w, -0.02 * i - (0.5 if side == "base" else 0.1), w.startswith("<|"))
        for i, w in enumerate(words or WORDS)
    )
    attention = np.stack([_attention(grid, point, t) for t in range(len(tokens))])
    trace = Trace(
        side, tokens, grid, attention, attention[0] * 0 + 0.3 / grid.n_tokens, attention[:, 0, 0]
    )
    text = "".join(words or WORDS[:-1])
    head = point.source == "head"
    said = Point(point.x_px - 14, point.y_px + 9, source="text") if head else point
    return SidePrediction(
        side, side, text, tokens, Answer({"point": said}), trace,
        from_head={"point": point} if head else {},
        head_map=Heatmap(attention[0, 0, 0].reshape(ROWS, COLS), grid, "Head", "probability")
        if head else None,
    )  # fmt: skip


def _attention(grid: PatchGrid, point: Point, token: int) -> np.ndarray:
    """(layers, heads, cells): a blob round the point, wider for later tokens; share 0.3."""
    width, height = grid.image_wh
    x = (np.arange(grid.cols) + 0.5) * width / grid.cols - point.x_px
    y = (np.arange(grid.rows) + 0.5) * height / grid.rows - point.y_px
    out = np.zeros((LAYERS, HEADS, grid.n_tokens), np.float32)
    for layer in range(LAYERS):
        for head in range(HEADS):
            s = width * (0.05 + 0.01 * token + 0.02 * layer + 0.005 * head)
            blob = np.exp(-0.5 * ((x[None] ** 2) + (y[:, None] ** 2)) / s**2) + 0.01
            out[layer, head] = 0.3 * (blob / blob.sum()).ravel()
    return out
