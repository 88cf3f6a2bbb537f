"""The benchmarks are to be found, run, and say so when a figure misses its target."""

from __future__ import annotations

import importlib
import itertools
import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.__main__ import main, measure
from benchmarks.measure import ROOT, interleaved, ratio
from benchmarks.registry import BENCHMARKS, misses


def test_every_benchmark_is_a_module_that_runs():
    for name, spec in BENCHMARKS.items():
        path = ROOT / "benchmarks" / f"{name}.py"
        assert "def run(smoke: bool)" in path.read_text(encoding="utf-8")
        assert set(spec.at_most) | set(spec.at_least) <= set(spec.keys)


def test_misses_names_what_is_above_its_bound():
    spec = BENCHMARKS["pair"]
    assert misses(spec, {"time_ratio": 0.6, "memory_ratio": 0.5}) == []
    assert misses(spec, {"time_ratio": 0.7, "memory_ratio": float("nan")}) == [
        "time_ratio is 0.7, target at most 0.65",
        "memory_ratio is nan, target at most 0.55",
    ]


def test_interleaved_turns_the_order_round():
    order: list[str] = []

    def call(name: str, took: float) -> float:
        order.append(name)
        return took

    times = interleaved({"a": lambda: call("a", 3.0), "b": lambda: call("b", 2.0)}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert ratio(times, "a", "b") == 1.5


@pytest.mark.slow
def test_benchmark_smoke_ends_with_one_json_object():
    command = [sys.executable, "-m", "benchmarks", "attention", "--smoke", "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["name"] == "attention"
    assert result["smoke"] is True


def here(entry: str, options: dict[str, Any]) -> Any:
    """In this process: each child would import torch for itself."""
    module, _, function = entry.partition(":")
    call = getattr(importlib.import_module(module), function)
    return json.loads(json.dumps(call(**json.loads(json.dumps(options)))))


@pytest.mark.slow
def test_pair_runs_at_tiny_sizes(monkeypatch):
    peaks = itertools.count(1)
    monkeypatch.setattr("benchmarks.pair.in_child", here)
    monkeypatch.setattr("benchmarks.pair.peak_mb", lambda: float(next(peaks)))
    assert measure("pair", smoke=True)["smoke"] is True


@pytest.mark.slow
def test_true_size_runs_at_tiny_sizes(monkeypatch):
    monkeypatch.setattr("benchmarks.true_size.in_child", here)
    result = measure("true_size", smoke=True)
    assert result["ratio"] > 0
    assert result["peak_mb"] > 0
    assert result["nf4"]["peak_mb"] > 0


def test_all_leaves_out_what_runs_by_name_only(monkeypatch):
    ran: list[str] = []

    def noted(name: str, smoke: bool) -> dict[str, Any]:
        ran.append(name)
        return {"name": name}

    monkeypatch.setattr("benchmarks.__main__.measure", noted)
    main(["all", "--json", "--smoke"])
    assert "pair" in ran
    assert "true_size" not in ran
    main(["true_size", "--json", "--smoke"])
    assert ran[-1] == "true_size"
