"""Base and adapter in one mixed batch on one backbone, against two separate models.

The two models are the base and the base with the adapter merged in, each with its own weights and
its own pass of the vision tower: what comparing two checkpoints takes without Sightline. Both ways
go through the same predictor. `time_ratio` is about seeing and answering; the passes that read the
attention maps afterwards are in `time_ratio_with_maps`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import in_child, interleaved, medians, peak_mb, ratio
from benchmarks.models import Size

FULL = Size(12, 512, 12, 768, 400, 40)
SMOKE = Size(2, 64, 2, 128, 20, 4)
WAYS = ("together", "apart")


def prepare(folder: str, size: dict[str, int]) -> dict[str, str]:
    """Write the models. Runs in a child, so that no measured process has ever held them."""
    from benchmarks.models import write

    return {name: str(path) for name, path in write(Path(folder), Size(**size)).items()}


def asker(way: str, paths: dict[str, str], answer_tokens: int) -> Callable[[], dict[str, float]]:
    """A function that asks both sides once: its seconds, and how many tokens they said."""
    from inference.predictor import Predictor
    from inference.schema import ImageInput, PairRequest

    pixels = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    image = ImageInput(pixels, "0" * 64)
    if way == "together":
        one = Predictor.load(paths["base"], device="cpu", dtype="float32")
        name = one.load_adapter(paths["adapter"]).name
        asked = [(one, PairRequest(adapter=name, max_new_tokens=answer_tokens))]
    else:
        alone = PairRequest(max_new_tokens=answer_tokens)
        two = [Predictor.load(paths[n], device="cpu", dtype="float32") for n in ("base", "merged")]
        asked = [(predictor, alone) for predictor in two]

    def ask() -> dict[str, float]:
        pairs = [predictor.predict_pair(image, request) for predictor, request in asked]
        sides = [side for pair in pairs for side in (pair.base, pair.finetuned) if side]
        return {
            "answers": sum(pair.seconds["vision"] + pair.seconds["answers"] for pair in pairs),
            "total": sum(pair.seconds["total"] for pair in pairs),
            "tokens": sum(len(side.tokens) for side in sides),
        }

    return ask


def time_all(paths: dict[str, str], answer_tokens: int, repetitions: int) -> dict[str, Any]:
    """Ratios and median seconds of both ways, turn by turn. Runs in a child."""
    askers = {way: asker(way, paths, answer_tokens) for way in WAYS}
    tokens = {way: ask()["tokens"] for way, ask in askers.items()}  # also warms up
    if tokens["together"] != tokens["apart"]:
        raise RuntimeError(f"the two ways said different numbers of tokens: {tokens}")
    totals: dict[str, list[float]] = {way: [] for way in WAYS}

    def answers(way: str) -> float:
        took = askers[way]()
        totals[way].append(took["total"])
        return took["answers"]

    calls = {way: lambda way=way: answers(way) for way in WAYS}
    times = interleaved(calls, repetitions)
    return {
        "time_ratio": ratio(times, *WAYS),
        "time_ratio_with_maps": ratio(totals, *WAYS),
        "seconds_answers": medians(times),
        "seconds_total": medians(totals),
        "tokens_per_side": tokens["together"] / 2,
    }


def memory_of(way: str, paths: dict[str, str], answer_tokens: int) -> float:
    """Peak memory in MB beyond what the imports take, loading included. Runs in a child."""
    import inference.backbones.loading
    import inference.predictor
    import inference.tasks.hazard  # noqa: F401

    imported = peak_mb()
    asker(way, paths, answer_tokens)()
    return peak_mb() - imported


def run(smoke: bool) -> dict[str, Any]:
    size = SMOKE if smoke else FULL
    with tempfile.TemporaryDirectory() as folder:
        entry = "benchmarks.pair"
        paths = in_child(f"{entry}:prepare", {"folder": folder, "size": asdict(size)})
        options = {"paths": paths, "answer_tokens": size.answer_tokens}
        timed = in_child(f"{entry}:time_all", {**options, "repetitions": 2 if smoke else 5})
        memory = {way: in_child(f"{entry}:memory_of", {"way": way, **options}) for way in WAYS}
    return {
        **timed,
        "memory_ratio": memory["together"] / memory["apart"],
        "memory_mb": memory,
        "size": asdict(size),
    }
