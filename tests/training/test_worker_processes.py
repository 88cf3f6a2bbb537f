"""Two CPU processes through accelerate's launcher give the losses and the adapter of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.tiny import make_tiny
from tests.training.snapshot_hand import config, figures, home_with, snapshot
from training.jobs.config import WorkerConfig, launch_command

ROOT = Path(__file__).resolve().parents[2]


def train(made: WorkerConfig, folder: Path) -> list[dict[str, float]]:
    """Start it as the page does; what it reported of each step."""
    folder.mkdir()
    command = launch_command(
        made.settings, made.write(folder / "config.json"), cpu=True, python=sys.executable
    )
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return [f for f in figures(done.stdout) if "loss" in f]


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    base = make_tiny("qwen2_vl", tmp_path / "base")
    home, _ = home_with(tmp_path, 11)
    made = snapshot(home)  # 8 training pictures: both ways 2 steps an epoch
    common = {"dropout": 0.0, "epochs": 3}
    one = config(home, made, base, tmp_path / "one", batch=4, processes=1, **common)
    two = config(home, made, base, tmp_path / "two", batch=2, processes=2, **common)
    alone, together = train(one, tmp_path / "one"), train(two, tmp_path / "two")
    assert [f["step"] for f in alone] == [f["step"] for f in together] == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "text_loss", "coord_loss", "grad_norm"):
        a, b = ([f[name] for f in steps] for steps in (alone, together))
        assert a == pytest.approx(b, rel=2e-3), name
    assert alone[0]["loss"] > alone[-1]["loss"]
    for file in ("adapter_model.safetensors", "head.safetensors"):
        a, b = load_file(one.output / file), load_file(two.output / file)
        assert all(np.allclose(a[k], b[k], atol=2e-3) for k in a)
