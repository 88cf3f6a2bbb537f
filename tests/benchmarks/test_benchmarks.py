"""The benchmarks are to be found, run, and say so when a figure misses its target."""

from __future__ import annotations

import importlib.util
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import measure
from benchmarks.measure import ROOT, interleaved, ratio
from benchmarks.registry import BENCHMARKS, misses


def test_every_benchmark_resolves_to_a_module() -> None:
    for spec in BENCHMARKS.values():
        module, _, name = spec.entry.partition(":")
        found = importlib.util.find_spec(module)
        assert found is not None
        assert f"def {name}(smoke: bool)" in Path(str(found.origin)).read_text(encoding="utf-8")
        assert set(spec.at_most) <= set(spec.keys)


def test_misses_names_what_is_above_its_bound() -> None:
    spec = BENCHMARKS["pair"]
    assert misses(spec, {"time_ratio": 0.6, "memory_ratio": 0.5}) == []
    assert misses(spec, {"time_ratio": 0.7, "memory_ratio": float("nan")}) == [
        "time_ratio is 0.7, target at most 0.65",
        "memory_ratio is nan, target at most 0.55",
    ]


def test_interleaved_turns_the_order_round() -> None:
    order: list[str] = []

    def call(name: str, took: float) -> float:
        order.append(name)
        return took

    times = interleaved({"a": lambda: call("a", 3.0), "b": lambda: call("b", 2.0)}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert ratio(times, "a", "b") == 1.5


@pytest.mark.slow
def test_benchmark_smoke_ends_with_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "attention", "--smoke", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["name"] == "attention"
    assert result["smoke"] is True


@pytest.mark.slow
def test_pair_runs_at_tiny_sizes(monkeypatch) -> None:
    """In this process: each of its children would import torch for itself."""

    def here(entry: str, options: dict[str, Any]) -> Any:
        module, _, function = entry.partition(":")
        call = getattr(importlib.import_module(module), function)
        return json.loads(json.dumps(call(**json.loads(json.dumps(options)))))

    peaks = itertools.count(1)
    monkeypatch.setattr("benchmarks.pair.in_child", here)
    monkeypatch.setattr("benchmarks.pair.peak_mb", lambda: float(next(peaks)))
    assert measure("pair", smoke=True)["smoke"] is True
