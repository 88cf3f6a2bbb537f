"""Base and adapter in one mixed batch on one backbone, against two separate models.

The two models are the base and the base with the adapter merged in, each with its own weights and
its own pass of the vision tower: what comparing two checkpoints takes without Sightline. Both ways
go through the same predictor. `time_ratio` is about encoding and answering; the passes that
read the attention maps afterwards are in `time_ratio_with_maps`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import in_child, interleaved, medians, peak_mb, ratio

# The vision tower and the language model stand to each other as in Qwen2-VL-2B (about 0.45 : 1),
# so that sharing the tower saves the real share of the work.
FULL = {"vision_depth": 12, "vision_width": 512, "depth": 12, "width": 768, "image_tokens": 400,
        "answer_tokens": 40}  # fmt: skip
SMOKE = {"vision_depth": 2, "vision_width": 64, "depth": 2, "width": 128, "image_tokens": 20,
         "answer_tokens": 4}  # fmt: skip
WAYS = ("together", "apart")


def prepare(folder: str, size: dict[str, int]) -> dict[str, str]:
    """Write the models. Runs in a child, so that no measured process has ever held them."""
    from benchmarks.models import write

    width, eye = size["width"], size["vision_width"]
    text = {
        "hidden_size": width, "intermediate_size": width * 4, "num_hidden_layers": size["depth"],
        "num_attention_heads": max(1, width // 128), "num_key_value_heads": 1,
    }  # fmt: skip
    vision = {"depth": size["vision_depth"], "embed_dim": eye, "hidden_size": width,
              "num_heads": max(1, eye // 64)}  # fmt: skip
    return write(Path(folder), text, vision, size["image_tokens"] * 28 * 28)


def predictor_of(
    way: str, paths: dict[str, str], answer_tokens: int
) -> Callable[[], tuple[float, float]]:
    """A function that predicts both sides once and gives its seconds: until both answers are
    there, and in all."""
    from inference.inputs import ImageInput
    from inference.predictor import Predictor
    from inference.schema import PairRequest

    pixels = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    image = ImageInput(pixels, "0" * 64)
    if way == "together":
        one = Predictor.load(paths["base"], device="cpu", dtype="float32")
        name = one.load_adapter(paths["adapter"]).name
        calls = [(one, PairRequest(adapter=name, max_new_tokens=answer_tokens))]
    else:
        alone = PairRequest(max_new_tokens=answer_tokens)
        two = [Predictor.load(paths[n], device="cpu", dtype="float32") for n in ("base", "merged")]
        calls = [(predictor, alone) for predictor in two]

    def predict() -> tuple[float, float]:
        took = [predictor.predict_pair(image, request).seconds for predictor, request in calls]
        return sum(s["vision"] + s["answers"] for s in took), sum(s["total"] for s in took)

    return predict


def time_all(paths: dict[str, str], answer_tokens: int, repetitions: int) -> dict[str, Any]:
    """Ratios and median seconds of both ways, turn by turn. Runs in a child."""
    predict = {way: predictor_of(way, paths, answer_tokens) for way in WAYS}
    for way in WAYS:  # warm up
        predict[way]()
    totals: dict[str, list[float]] = {way: [] for way in WAYS}

    def answers(way: str) -> float:
        until_answers, total = predict[way]()
        totals[way].append(total)
        return until_answers

    calls = {way: lambda way=way: answers(way) for way in WAYS}
    times = interleaved(calls, repetitions)
    return {
        "time_ratio": ratio(times, *WAYS),
        "time_ratio_with_maps": ratio(totals, *WAYS),
        "seconds_answers": medians(times),
        "seconds_total": medians(totals),
    }


def memory_of(way: str, paths: dict[str, str], answer_tokens: int) -> float:
    """Peak memory in MB beyond what the imports take, loading included. Runs in a child."""
    import inference.backbones.loading
    import inference.predictor
    import inference.tasks.hazard  # noqa: F401

    imported = peak_mb()
    predictor_of(way, paths, answer_tokens)()
    return peak_mb() - imported


def run(smoke: bool) -> dict[str, Any]:
    size = SMOKE if smoke else FULL
    with tempfile.TemporaryDirectory() as folder:
        entry = "benchmarks.pair"
        paths = in_child(f"{entry}:prepare", {"folder": folder, "size": size})
        options = {"paths": paths, "answer_tokens": size["answer_tokens"]}
        timed = in_child(f"{entry}:time_all", {**options, "repetitions": 2 if smoke else 5})
        memory = {way: in_child(f"{entry}:memory_of", {"way": way, **options}) for way in WAYS}
    shared = memory["together"] / memory["apart"]
    return {**timed, "memory_ratio": shared, "memory_mb": memory, "size": size}
