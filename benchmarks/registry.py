"""The benchmarks by name, with the keys each must report and the targets of DESIGN.md."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Figures = dict[str, Any]
Run = Callable[[bool], Figures]  # smoke -> figures


@dataclass(frozen=True)
class BenchmarkSpec:
    """One benchmark: `run(smoke)` of the module of its name (tiny sizes mean nothing).

    keys: figures that it reports at least.
    at_most, at_least: bounds that the full run is held to, by key.
    by_name: it takes too much for `all`, and runs only when it is named.
    """

    label: str
    keys: tuple[str, ...]
    at_most: dict[str, float] = field(default_factory=dict)
    at_least: dict[str, float] = field(default_factory=dict)
    by_name: bool = False

    @property
    def targets(self) -> dict[str, str]:
        """Bounds in words, by key."""
        above = {key: f"≤ {bound:g}" for key, bound in self.at_most.items()}
        return above | {key: f"≥ {bound:g}" for key, bound in self.at_least.items()}


BENCHMARKS: dict[str, BenchmarkSpec] = {
    "attention": BenchmarkSpec(
        "Capturing attention rows against plain SDPA and against eager attention",
        ("time_vs_sdpa", "time_vs_eager", "extra_memory_vs_eager", "max_abs_diff"),
        {"time_vs_sdpa": 1.05, "extra_memory_vs_eager": 0.05, "max_abs_diff": 1e-5},
    ),
    "pair": BenchmarkSpec(
        "Base and adapter in one batch on one backbone against two separate models",
        ("time_ratio", "memory_ratio"),
        {"time_ratio": 0.65, "memory_ratio": 0.55},
    ),
    "startup": BenchmarkSpec(
        "The app's first page against an empty Gradio app's", ("ratio",), {"ratio": 1.3}
    ),
    "pages": BenchmarkSpec(
        "Scene usable in the browser, with seven pages (three of them copies) against four",
        ("usable_4_s", "usable_7_s", "ratio"),
        {"ratio": 1.1},
        by_name=True,
    ),
    "first_prediction": BenchmarkSpec(
        "Base and fine-tuned on one 1280x720 image, embedded model, after loading",
        ("p50_s", "p95_s"),
    ),
    "world": BenchmarkSpec(
        "Scenes of the drawn world a second and core, 640x360, sprite pool warm",
        ("images_per_second_core", "images_per_second_core_cold"),
        at_least={"images_per_second_core": 25.0},
    ),
    "store": BenchmarkSpec(
        "Corrections from 32 people at once, each confirmed when it is on disk",
        ("per_second", "p99_ms", "lost"),
        {"p99_ms": 100.0, "lost": 0.0},
        at_least={"per_second": 300.0},
    ),
    "queue": BenchmarkSpec(
        "The review queue opened, and a training planned, with 20,000 corrected cases",
        ("open_s", "plan_s"),
        {"open_s": 0.2, "plan_s": 1.0},
    ),
    "training": BenchmarkSpec(
        "LoRA epochs with cached vision features against recomputing them",
        ("speedup", "loss_diff"),
        {"loss_diff": 1e-4},
        at_least={"speedup": 1.8},
    ),
    "true_size": BenchmarkSpec(
        "Both answers with maps against one plain generate, Qwen2-VL-2B's size, on a CPU",
        ("ratio", "peak_mb"),
        {"ratio": 1.6},
        by_name=True,
    ),
    "visits": BenchmarkSpec(
        "Memory of the server, 2,000 visits later",
        ("growth_mb", "visits"),
        {"growth_mb": 300.0},
        by_name=True,
    ),
}


def resolve(name: str) -> Run:
    """The function that runs a benchmark."""
    run: Run = importlib.import_module(f"benchmarks.{name}").run
    return run


def misses(spec: BenchmarkSpec, figures: Figures) -> list[str]:
    """A sentence for each target that the figures miss; not a number is a miss too."""
    return [
        f"{key} is {figures[key]:.3g}, target {words} {bound:g}"
        for words, sign, bounds in (("at most", 1, spec.at_most), ("at least", -1, spec.at_least))
        for key, bound in bounds.items()
        if not sign * figures[key] <= sign * bound
    ]
