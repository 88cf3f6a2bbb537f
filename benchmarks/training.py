"""LoRA epochs of the real worker with cached vision features against recomputing them.

The embedded model on 1280x720 images, as people correct them. Both ways run the same steps in
the same order with the same dropout, so their losses must agree; times are of the epochs after the
first, from the worker's own reports. Turn by turn, so that a slow spell hits both.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measure import in_child, interleaved, medians, ratio
from examples.build.settings import BASE_MODEL

IMAGES, EPOCHS, ROUNDS = 48, 3, 3
BATCH = 4
WAYS = ("recomputed", "cached")


def prepare(folder: str, n: int, wh: list[int]) -> dict[str, str]:
    """A home with a snapshot of n corrections of smooth random images, as JPEG files about as
    large as photographs of roads. Runs in a child."""
    from inference.correction import Fix
    from inference.fields import Point
    from training.snapshots.freezing import freeze
    from training.snapshots.plan import plan_snapshot
    from training.store.feedback import Feedback
    from training.store.home import find_home

    home = find_home(Path(folder) / "home")
    feedback, ids = Feedback(home), []
    rng, path = np.random.default_rng(0), Path(folder, "image.jpg")
    payload = Fix("hazard", "wrong", {"point": Point(wh[0] / 2, wh[1] / 2)})
    for i in range(n):
        coarse = rng.integers(0, 256, (wh[1] // 16, wh[0] // 16, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(wh, Image.Resampling.BICUBIC).save(path, quality=90)
        media = feedback.add_media(path, name=f"image{i}.jpg")
        made = feedback.correct(
            task="hazard", media=media, prediction=None, payload=payload, author="benchmark"
        )
        ids.append(made.id)
    feedback.review(ids, "accept", "benchmark")
    plan = plan_snapshot(feedback, validation_share=0)
    return {"home": str(home.root), "snapshot": freeze(home, plan, "benchmark").hash}


def train(folder: str, home: str, snapshot: str, way: str, number: int) -> dict[str, Any]:
    """One run of the worker: seconds of the epochs after the first, and the loss of each step.
    Runs in a child."""
    from training.jobs.config import WorkerConfig
    from training.jobs.settings import PRESETS
    from training.store.database import connect
    from training.store.home import Home
    from training.worker.run import run

    settings = PRESETS["quick_fix"].settings.changed_by(
        epochs=EPOCHS, batch=BATCH, views=1, mirror=False, keep="last", time_limit_minutes=0,
        start="base", cache_features=way == "cached", checkpoint_every=10**6,
    )  # fmt: skip
    job, place = f"{way}{number}", Path(folder) / f"{way}{number}"
    with connect(Home(Path(home))) as db, db.conn:
        db.conn.execute(
            "insert into jobs (id, task, snapshot, state, runner, config, folder, author, created)"
            " values (?, 'hazard', ?, 'running', 'local', '{}', ?, 'benchmark', '')",
            [job, snapshot, job],
        )
    config = WorkerConfig(
        job, Path(home), snapshot, settings, str(BASE_MODEL), None, place / "adapter", job,
        place / "checkpoints", device="cpu",
    )  # fmt: skip
    if run(config) != 0:
        raise RuntimeError(f"the {way} run failed")
    with connect(Home(Path(home))) as db:
        query = "select step, value, time from job_metrics where job = ? and name = 'loss'"
        rows = sorted(db.query(query, [job]), key=lambda r: r["step"])
    steps = len(rows) // EPOCHS
    return {
        "seconds": rows[-1]["time"] - rows[steps - 1]["time"],
        "losses": [row["value"] for row in rows],
    }


def run(smoke: bool) -> dict[str, Any]:
    n, rounds = (8, 1) if smoke else (IMAGES, ROUNDS)
    wh = [320, 180] if smoke else [1280, 720]
    losses: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        entry = "benchmarks.training"
        made = in_child(f"{entry}:prepare", {"folder": folder, "n": n, "wh": wh})

        def epochs_s(way: str) -> float:
            number = len(losses[way])
            options = {"folder": folder, **made, "way": way, "number": number}
            done = in_child(f"{entry}:train", options)
            losses[way].append(done["losses"])
            return float(done["seconds"])

        times = interleaved({way: partial(epochs_s, way) for way in WAYS}, rounds)
    pairs = zip(losses["cached"][-1], losses["recomputed"][-1], strict=True)
    return {
        "speedup": ratio(times, "recomputed", "cached"),
        "loss_diff": max(abs(a - b) for a, b in pairs),
        "seconds_after_first_epoch": medians(times),
        "images": n,
        "epochs": EPOCHS,
        "size_wh": wh,
    }
