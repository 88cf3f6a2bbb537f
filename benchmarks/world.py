"""How many scenes of the drawn world one core draws in a second, at 640x360.

CPU time of one thread in a process of its own, so that neighbours do not count. The first scenes
fill the pool of sprites; they are timed apart. A run that draws thousands spends its time as the
rest does.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.measure import in_child

ENTRY = "benchmarks.world:draw"
SIZE_WH = (640, 360)


@dataclass(frozen=True)
class Size:
    """Scenes drawn to warm up (the first `cold` of them timed), then measured; processes."""

    cold: int
    warm_up: int
    measured: int
    rounds: int


FULL = Size(100, 150, 100, 3)
SMOKE = Size(1, 1, 2, 1)


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
    size = SMOKE if smoke else FULL
    options = {"cold": size.cold, "warm_up": size.warm_up, "measured": size.measured}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    rounds = [in_child(ENTRY, options, threads) for _ in range(size.rounds)]
    rates = [1 / done["warm_s"] for done in rounds]
    return {
        "images_per_second_core": statistics.median(rates),
        "images_per_second_core_cold": statistics.median(1 / done["cold_s"] for done in rounds),
        "each_round": rates,
        "picture": "x".join(map(str, SIZE_WH)),
        "size": asdict(size),
    }
