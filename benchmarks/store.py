"""32 people correct at once: how many corrections a second, how long each waits, and is any lost?

The writers are threads of one process, as the app's are, each waiting for its confirmation before
it sends the next. The same again from several processes at once. A plain fsync of the same disk
stands beside it: without sharing a commit, no store that confirms only what is on disk is faster.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.correction import Fix
from inference.fields import Point, Text
from training.store.feedback import Feedback
from training.store.home import find_home

WRITERS, PROCESSES = 32, 4
SECONDS, SMOKE_SECONDS = 10.0, 0.5
FSYNCS = 100
Confirmed = list[tuple[str, float]]  # ids in order, and how many seconds each waited


def run(smoke: bool) -> dict[str, Any]:
    """per_second, p50_ms, p99_ms, max_ms, lost with threads of one process; the same with
    `processes_` from 4 processes of 8 threads; fsync_per_second of the disk."""
    span = SMOKE_SECONDS if smoke else SECONDS
    with tempfile.TemporaryDirectory(prefix="sightline-store-") as folder:
        threads = measure(Path(folder, "threads"), span, 1)
        processes = measure(Path(folder, "processes"), span, PROCESSES)
        fsyncs = _fsyncs(Path(folder, "fsync"))
    more = {f"processes_{name}": value for name, value in processes.items()}
    return {**threads, **more, "writers": WRITERS, "seconds": span, "fsync_per_second": fsyncs}


def measure(root: Path, span: float, processes: int) -> dict[str, float]:
    """WRITERS people, spread over that many processes, for `span` seconds."""
    home = find_home(root)
    path = root / "image.png"
    Image.new("RGB", (1280, 720), (90, 120, 150)).save(path)
    media = Feedback(home).add_media(path, name="image.png")
    if processes == 1:
        confirmed = write_for(root, media, WRITERS, time.time(), span)
    else:
        start = time.time() + 4  # all have imported by then
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            share = WRITERS // processes
            done = [
                pool.submit(write_for, root, media, share, start, span) for _ in range(processes)
            ]
            confirmed = [one for future in done for one in future.result()]
    there = {c.id for c in Feedback(home).corrections()}
    waits = np.array([wait for _, wait in confirmed]) * 1000
    return {
        "per_second": len(confirmed) / span,
        "p50_ms": float(np.percentile(waits, 50)),
        "p99_ms": float(np.percentile(waits, 99)),
        "max_ms": float(waits.max()),
        "lost": float(len({identity for identity, _ in confirmed} - there)),
    }


def write_for(root: Path, media: str, writers: int, start: float, span: float) -> Confirmed:
    """Corrections from that many threads, from the time `start` on for `span` seconds."""
    feedback = Feedback(find_home(root))
    confirmed: Confirmed = []
    ready = threading.Barrier(writers)
    time.sleep(max(0.0, start - time.time()))

    def person(number: int) -> None:
        values = {"point": Point(number * 10.0, 300.0), "reason": Text("A van pulls out.")}
        fix = Fix("hazard", "wrong", values)
        ready.wait()
        end = time.perf_counter() + span
        while (before := time.perf_counter()) < end:
            made = feedback.correct(
                task="hazard", media=media, prediction=None, payload=fix, author=f"person {number}"
            )
            confirmed.append((made.id, time.perf_counter() - before))

    threads = [threading.Thread(target=person, args=(i,)) for i in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return confirmed


def _fsyncs(path: Path) -> float:
    with path.open("wb") as file:
        started = time.perf_counter()
        for _ in range(FSYNCS):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        return FSYNCS / (time.perf_counter() - started)
