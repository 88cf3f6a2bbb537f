"""One real training, small: started by the supervisor, its worker killed, resumed, proven."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.fields import Point
from inference.fingerprint import file_sha256
from tests.tiny import make_tiny
from tests.training.hand import SENTENCE
from tests.training.job_hand import until, wait_for
from training.adapters import lineage
from training.adapters.promotion import in_use
from training.jobs import control as jobs
from training.jobs import processes
from training.jobs.settings import PRESETS
from training.jobs.supervisor import Supervisor
from training.proof.comparison import compare
from training.snapshots.freezing import freeze
from training.snapshots.types import SnapshotExample, SnapshotPlan
from training.store.home import Home, find_home

WH = (112, 84)


def snapshot_of(home: Home, n: int = 8) -> str:
    rng = np.random.default_rng(0)
    examples = []
    for i in range(n):
        path = home.root / f"picture-{i}.png"
        pixels = rng.integers(0, 256, (WH[1], WH[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        examples.append(
            SnapshotExample(
                split="validation" if i >= n - 2 else "train",
                source="correction",
                picture=path,
                sha256=file_sha256(path),
                pixels_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
                size_wh=WH,
                values={"point": Point(20.0 + i, 30.0)},
                prompt="Which area should we pay more attention to?",
                target=SENTENCE.format(180 + i, 350),
                scene=f"s{i}",
            )
        )
    return freeze(home, SnapshotPlan("hazard", tuple(examples), (), {}), "ann").hash


@pytest.mark.slow
def test_killed_resumed_proven(tmp_path: Path) -> None:
    home = find_home(tmp_path / "home")
    base = make_tiny("qwen2_vl", tmp_path / "base")
    settings = PRESETS["quick_fix"].settings.changed_by(
        start="base", batch=2, epochs=100, max_steps=60, checkpoint_every=5, views=1, mirror=False
    )
    program = [
        sys.executable,
        "-c",
        "import sys; from training.jobs import stages, processes;"
        "stages.main(sys.argv[1:], make_proof=lambda home, job: processes.python("
        "'training.proof.run', job, '--home', str(home.root), '--n', '2'))",
    ]
    boss = Supervisor(home, program, tick_s=0.2).start()
    try:
        job_id = jobs.submit(
            home, snapshot_of(home), settings, "ann", base=base, name="made", device="cpu"
        )
        until(lambda: jobs.job(home, job_id).step >= 8 or not _going(home, job_id), "", 300)
        assert jobs.job(home, job_id).state == "running", jobs.log_tail(home, job_id, 40)
        worker = [
            p for p in processes.marked(job_id) if p.cmdline()[1:3] == ["-m", "training.worker"]
        ]
        os.kill(worker[0].pid, signal.SIGKILL)
        row = wait_for(home, job_id, "failed", "done")
        assert "The worker was killed (signal 9, SIGKILL) at step" in row.reason
        assert "Its last checkpoint is from step" in row.hint
        jobs.resume(home, job_id)
        until(lambda: not _going(home, job_id), "the end", 500)
        row = jobs.job(home, job_id)
        assert (row.state, row.reason) == ("done", ""), jobs.log_tail(home, job_id, 40)
        assert row.step == row.steps == 60
        assert jobs.metrics(home, job_id)["loss"].steps[-1] >= 55
        made = next(a for a in lineage.adapters(home) if a.name == "made")
        assert (made.job, made.problem) == (job_id, None)
        found = compare(home, "made", in_use(home, "hazard"))
        assert found is not None
        assert {c.kind for c in found.cases} == {"heldout", "corrected"}
    finally:
        boss.stop()
        for process in processes.marked(job_id):
            process.kill()


def _going(home: Home, job_id: str) -> bool:
    return jobs.job(home, job_id).state in ("queued", "running", "cancelling")
