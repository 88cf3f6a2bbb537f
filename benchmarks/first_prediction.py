"""How long a person waits: base and fine-tuned with maps on one 1280x720 image, embedded model.

Two threads, after loading and one prediction to warm up.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.measure import in_child
from examples.build.settings import ADAPTERS, BASE_MODEL

THREADS = 2
DIFFERENT = 6


def measure(model: str, adapter: str, n: int) -> dict[str, Any]:
    """Seconds of n predictions, each with its attention maps. Runs in a child."""
    import torch

    from examples.world import render_scene
    from explain.maps import make_pair_maps
    from explain.types import MapSettings
    from inference.inputs import ImageInput
    from inference.predictor import Predictor
    from inference.schema import PairRequest

    torch.set_num_threads(THREADS)
    predictor = Predictor.load(model, device="cpu")
    request = PairRequest(adapter=predictor.load_adapter(adapter).name)
    drawn = [render_scene(seed, (1280, 720)).image for seed in range(DIFFERENT)]
    times = []
    for number in range(n + 1):
        image = ImageInput(drawn[number % DIFFERENT], f"{number:064x}")
        start = time.perf_counter()
        make_pair_maps(predictor.predict_pair(image, request), MapSettings())
        times.append(time.perf_counter() - start)
    p50, p95 = np.percentile(times[1:], [50, 95])
    return {"p50_s": float(p50), "p95_s": float(p95), "n": n, "warm_up_s": times[0]}


def run(smoke: bool) -> dict[str, Any]:
    adapter = ADAPTERS / (ADAPTERS / "default.txt").read_text(encoding="utf-8").strip()
    options = {"model": str(BASE_MODEL), "adapter": str(adapter), "n": 3 if smoke else 30}
    return {**in_child("benchmarks.first_prediction:measure", options), "threads": THREADS}
