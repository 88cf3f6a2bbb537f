"""The review queue and the plan of a training with 20,000 corrected cases in the store.

open_s: what opening the Corrections page reads from the store (count, one page of cases, choices of
the filters), the states of cases being up to date. derive_s: the first opening after all of them
changed. plan_s: a snapshot of 5,000 accepted corrections, without replay.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
from typing import Any

from PIL import Image

from benchmarks.measure import seconds
from training.snapshots.plan import plan_snapshot
from training.store.cases import CaseFilter
from training.store.database import connect
from training.store.feedback import Feedback
from training.store.home import Home, find_home

CASES, SMOKE_CASES, PAGE = 20_000, 200, 8
WH = (320, 180)
PREDICTIONS = "predictions (id, task, media, backbone, adapter, prompt, base, finetuned, created)"
REVIEWS = "reviews (id, correction, verdict, reviewer, created)"


def run(smoke: bool) -> dict[str, Any]:
    """open_s (median of 5), derive_s, plan_s, cases."""
    n = SMOKE_CASES if smoke else CASES
    with tempfile.TemporaryDirectory(prefix="sightline-queue-") as folder:
        home = find_home(folder)
        fill(home, n)
        feedback = Feedback(home)
        derive_s = seconds(lambda: _open(feedback))
        open_s = statistics.median(seconds(lambda: _open(feedback)) for _ in range(5))
        plan_s = seconds(lambda: plan_snapshot(feedback))
    return {"open_s": open_s, "derive_s": derive_s, "plan_s": plan_s, "cases": n}


def _open(feedback: Feedback) -> None:
    wanted = CaseFilter(status="open")
    if not feedback.count(wanted) or len(feedback.cases(wanted, limit=PAGE)) != PAGE:
        raise AssertionError("the queue is empty")
    feedback.authors()
    feedback.adapters()
    feedback.slices()


def fill(home: Home, n: int) -> None:
    """n cases with one answer and one correction each, every fourth accepted: one transaction
    past the store's own functions instead of 60,000 of them."""
    home.media.mkdir(parents=True, exist_ok=True)
    point = {"x_px": 100.0, "y_px": 90.0}
    said = json.dumps({"label": "x", "text": "y", "values": {"point": point}})
    with connect(home) as db, db.conn:

        def insert(table: str, *row: object) -> None:
            marks = ", ".join("?" * len(row))
            db.execute(f"insert into {table} values ({marks})", row)

        for i in range(n):
            path = home.media / f"{i}.png"
            image = Image.new("RGB", WH, (i % 256, i // 256 % 256, 77))
            image.save(path, compress_level=1)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            stamp = f"2026-11-22T10:{i // 60 % 60:02d}:{i % 60:02d}.{i:06d}+00:00"
            point = {"x_px": 100.0 + i % 200, "y_px": 20.0 + i % 140}
            payload = {"verdict": "wrong", "values": {"point": point}}
            slices, sha256 = [["rain", "fog", "night"][i % 3]], hashlib.sha256(image.tobytes())
            insert("media", digest, "image", path.name, *WH, path.stat().st_size, None,
                   json.dumps(slices), f"{i}.png", stamp, sha256.hexdigest())  # fmt: skip
            insert(PREDICTIONS, f"p{i}", "hazard", digest, "tiny", "hazard-patch", "Where?", said,
                   said, stamp)  # fmt: skip
            insert("corrections", f"c{i}", "hazard", digest, f"p{i}", "wrong", json.dumps(payload),
                   said, f"person {i % 40}", "{}", stamp)  # fmt: skip
            if i % 4 == 0:
                insert(REVIEWS, f"r{i}", f"c{i}", "accept", "tom", stamp)
