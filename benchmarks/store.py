"""32 people correct at once: how many corrections a second, how long each waits, and is any lost?

The writers are threads of one process, as the app's are, each waiting for its confirmation before
it sends the next. The same again from several processes at once. A plain fsync of the same disk
stands beside it: without sharing a commit, no store that confirms only what is on disk is faster.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measure import ROOT
from inference.correction import Fix
from inference.fields import Point, Text
from training.store.feedback import Feedback
from training.store.home import find_home

WRITERS, PROCESSES = 32, 4
SECONDS, SMOKE_SECONDS = 10.0, 0.5
FSYNCS = 100


def run(smoke: bool) -> dict[str, Any]:
    """per_second, p50_ms, p99_ms, max_ms, lost with threads of one process; the same with
    `processes_` from 4 processes of 8 threads; fsync_per_second of the disk."""
    seconds = SMOKE_SECONDS if smoke else SECONDS
    with tempfile.TemporaryDirectory(prefix="sightline-store-") as folder:
        threads = _threads(Path(folder) / "threads", seconds)
        processes = _processes(Path(folder) / "processes", seconds)
        fsyncs = _fsyncs(Path(folder) / "fsync")
    return {
        **threads,
        **{f"processes_{name}": value for name, value in processes.items()},
        "writers": WRITERS,
        "seconds": seconds,
        "fsync_per_second": fsyncs,
    }


def _threads(root: Path, seconds: float) -> dict[str, float]:
    media = prepare(root)
    started = time.perf_counter()
    confirmed = write_for(root, media, WRITERS, seconds)
    took = time.perf_counter() - started
    return _figures(root, confirmed, took)


def _processes(root: Path, seconds: float) -> dict[str, float]:
    media = prepare(root)
    start = time.time() + 4  # all have imported by then
    command = [sys.executable, "-m", "benchmarks.store", str(root), media, str(start), str(seconds)]
    children = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    confirmed = []
    for child in children:
        said, _ = child.communicate()
        if child.returncode:
            raise RuntimeError(f"a writing process ended with {child.returncode}")
        rows = (line.split() for line in said.splitlines())
        confirmed += [(identity, float(took)) for identity, took in rows]
    return _figures(root, confirmed, seconds)


def prepare(root: Path) -> str:
    """A home with one picture; its hash."""
    home = find_home(root)
    path = root / "picture.png"
    Image.new("RGB", (1280, 720), (90, 120, 150)).save(path)
    return Feedback(home).add_media(path, name="picture.png")


def write_for(root: Path, media: str, writers: int, seconds: float) -> list[tuple[str, float]]:
    """Corrections from that many threads for so long: ids in order of confirmation, and how many
    seconds each waited."""
    feedback = Feedback(find_home(root))
    confirmed: list[tuple[str, float]] = []
    ready = threading.Barrier(writers)

    def person(number: int) -> None:
        ready.wait()
        end = time.perf_counter() + seconds
        while (before := time.perf_counter()) < end:
            made = feedback.correct(
                task="hazard",
                media=media,
                prediction=None,
                payload=_fix(number),
                author=f"person {number}",
            )
            confirmed.append((made.id, time.perf_counter() - before))

    threads = [threading.Thread(target=person, args=(i,)) for i in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return confirmed


def _figures(root: Path, confirmed: list[tuple[str, float]], seconds: float) -> dict[str, float]:
    there = {c.id for c in Feedback(find_home(root)).corrections()}
    waits = np.array([wait for _, wait in confirmed]) * 1000
    return {
        "per_second": len(confirmed) / seconds,
        "p50_ms": float(np.percentile(waits, 50)),
        "p99_ms": float(np.percentile(waits, 99)),
        "max_ms": float(waits.max()),
        "lost": float(len({identity for identity, _ in confirmed} - there)),
    }


def _fsyncs(path: Path) -> float:
    with path.open("wb") as file:
        started = time.perf_counter()
        for _ in range(FSYNCS):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        return FSYNCS / (time.perf_counter() - started)


def _fix(number: int) -> Fix:
    values = {"point": Point(number * 10.0, 300.0), "reason": Text("A van pulls out.")}
    return Fix("hazard", "wrong", values)


def main(arguments: list[str]) -> None:
    """One writing process: ROOT MEDIA START SECONDS."""
    root, media, start, seconds = arguments
    time.sleep(max(0.0, float(start) - time.time()))
    for identity, took in write_for(Path(root), media, WRITERS // PROCESSES, float(seconds)):
        print(identity, took)


if __name__ == "__main__":
    main(sys.argv[1:])
