"""How many scenes of the drawn world one core draws in a second, at 640x360.

CPU time of one thread in a process of its own, so that neighbours do not count. The first scenes
fill the pool of sprites; they are timed apart. A run that draws thousands spends its time as the
rest does.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.measure import in_child

SIZE_WH = (640, 360)
# Scenes drawn to warm up (the first `cold` of them timed), then measured; and processes.
FULL = {"cold": 100, "warm_up": 150, "measured": 100}, 3
SMOKE = {"cold": 1, "warm_up": 1, "measured": 2}, 1


def draw(cold: int, warm_up: int, measured: int) -> dict[str, float]:
    """Seconds of CPU a scene, for the first ones and once warm. Runs in a child."""
    import cv2

    from examples.world import render_scene

    cv2.setNumThreads(1)

    def seconds(first: int, last: int) -> float:
        start = time.process_time()
        for seed in range(first, last):
            render_scene(seed, SIZE_WH)
        return (time.process_time() - start) / max(last - first, 1)

    first = seconds(0, cold)
    seconds(cold, warm_up)
    return {"cold_s": first, "warm_s": seconds(warm_up, warm_up + measured)}


def run(smoke: bool) -> dict[str, Any]:
    size, rounds = SMOKE if smoke else FULL
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = [in_child("benchmarks.world:draw", size, threads) for _ in range(rounds)]
    rates = [1 / one["warm_s"] for one in done]
    return {
        "images_per_second_core": statistics.median(rates),
        "images_per_second_core_cold": statistics.median(1 / one["cold_s"] for one in done),
        "each_round": rates,
        "image": "x".join(map(str, SIZE_WH)),
        "size": {**size, "rounds": rounds},
    }
