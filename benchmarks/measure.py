"""Clocks, peaks and child processes. Knows nothing of what is measured."""

from __future__ import annotations

import importlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent


def peak_mb() -> float:
    """Highest resident memory of this process so far, in MB (10^6 bytes).

    Read from /proc, since ru_maxrss starts at the parent's value after a fork.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleaved(calls: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run every call in turn, `rounds` times; each returns its own seconds.

    Whatever slows the machine down for a while then slows all of them. The order turns round each
    time, so that nobody always runs after the same neighbour.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(rounds):
        for name in order:
            times[name].append(calls[name]())
        order = order[::-1]
    return times


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in times.items()}


def in_child(entry: str, options: dict[str, Any], env: Mapping[str, str] | None = None) -> Any:
    """Call "module:function" with `options` in a process of its own; its JSON answer.

    Raises RuntimeError with the end of the child's error output when it fails.
    """
    code = "from benchmarks.measure import answer; answer()"
    done = subprocess.run(
        [sys.executable, "-c", code, entry, json.dumps(options)], cwd=ROOT,
        env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{entry} {options} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def answer() -> None:
    """What `in_child` runs: calls the named function and prints its answer as the last line."""
    module, _, name = sys.argv[1].partition(":")
    found = getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))
    print(json.dumps(found))


def ratio(times: Mapping[str, list[float]], of: str, to: str) -> float:
    """Median over the rounds of one round's ratio: both sides of it saw the same machine."""
    return statistics.median(a / b for a, b in zip(times[of], times[to], strict=True))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory = psutil.virtual_memory().total
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("torch", "transformers", "peft", "gradio")},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def provenance() -> dict[str, Any]:
    """Commit, whether the tree differs from it, and the date (UTC)."""
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _git(*arguments: str) -> str | None:
    """What git says; None where there is no git or no repository."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
