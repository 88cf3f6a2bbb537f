"""How long a person waits: base and fine-tuned with maps on one 1280x720 picture, embedded model.

Two threads, after loading and one prediction to warm up.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import ROOT, in_child

MODEL = ROOT / "examples" / "models" / "sightline-tiny"
ADAPTERS = ROOT / "examples" / "adapters"
THREADS = 2
DIFFERENT = 6


def measure(model: str, adapter: str, n: int) -> dict[str, Any]:
    """Seconds of n predictions, each with its attention maps. Runs in a child."""
    import torch

    from explain.maps import make_pair_maps
    from explain.types import MapSettings
    from inference.predictor import Predictor
    from inference.schema import ImageInput, PairRequest

    torch.set_num_threads(THREADS)
    predictor = Predictor.load(model, device="cpu")
    request = PairRequest(adapter=predictor.load_adapter(adapter).name)
    pictures = _pictures(n + 1)
    times = []
    for number, pixels in enumerate(pictures):
        image = ImageInput(pixels, f"{number:064x}")
        start = time.perf_counter()
        pair = predictor.predict_pair(image, request)
        make_pair_maps(pair, MapSettings())
        times.append(time.perf_counter() - start)
    p50, p95 = np.percentile(times[1:], [50, 95])
    return {"p50_s": float(p50), "p95_s": float(p95), "n": n, "warm_up_s": times[0]}


def _pictures(n: int) -> list[NDArray[np.uint8]]:
    """n pictures of the drawn world, 1280x720; a few different ones, over and over."""
    from examples.world import render_scene

    drawn = [render_scene(seed, (1280, 720)).image for seed in range(min(n, DIFFERENT))]
    return [drawn[i % len(drawn)] for i in range(n)]


def run(smoke: bool) -> dict[str, Any]:
    default = (ADAPTERS / "default.txt").read_text(encoding="utf-8").strip()
    options = {"model": str(MODEL), "adapter": str(ADAPTERS / default), "n": 3 if smoke else 30}
    answer: dict[str, Any] = in_child("benchmarks.first_prediction:measure", options)
    return {**answer, "threads": THREADS}
