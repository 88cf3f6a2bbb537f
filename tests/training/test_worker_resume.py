"""A run that is killed at a random step and resumed ends with the same weights, bit for bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.tiny import make_tiny, make_tiny_adapter
from tests.training.snapshot_hand import config, figures, home_with, snapshot
from training.jobs.config import EXIT_CANCELLED, EXIT_TRAINED, WorkerConfig

ROOT = Path(__file__).resolve().parents[2]
# 9 training pictures, 2 a batch, 2 batches a step: 3 steps an epoch, 12 steps.
LONG = {"epochs": 4, "accumulation": 2, "dropout": 0.3, "keep": "best", "checkpoint_every": 2}


def start(made: WorkerConfig, log: Path) -> subprocess.Popen[bytes]:
    path = made.write(log.with_suffix(".json"))
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "training.worker", str(path)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def finish(made: WorkerConfig, log: Path) -> None:
    assert start(made, log).wait(1200) == EXIT_TRAINED, log.read_text()[-3000:]


def step_of(log: Path) -> int:
    lines = [f for f in figures(log.read_text()) if "loss" in f]
    return int(lines[-1]["step"]) if lines else 0


def wait_for(step: int, log: Path, process: subprocess.Popen[bytes]) -> None:
    while step_of(log) < step:
        assert process.poll() is None, log.read_text()[-3000:]
        time.sleep(0.02)


def weights(made: WorkerConfig) -> dict[str, bytes]:
    files = ("adapter_model.safetensors", "head.safetensors")
    return {
        f"{file}:{key}": value.tobytes()
        for file in files
        for key, value in load_file(made.output / file).items()
    }


@pytest.mark.slow
def test_killed_and_resumed_is_bit_equal(tmp_path: Path) -> None:
    base = make_tiny("qwen2_vl", tmp_path / "base")
    home, _ = home_with(tmp_path, 12)
    made = snapshot(home)
    calm = config(home, made, base, tmp_path / "calm", **LONG)
    (tmp_path / "calm").mkdir()
    finish(calm, tmp_path / "calm" / "log")

    killed = config(home, made, base, tmp_path / "killed", **LONG)
    (tmp_path / "killed").mkdir()
    log = tmp_path / "killed" / "log"
    process = start(killed, log)
    at = random.randint(3, 9)
    wait_for(at, log, process)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(300) == -signal.SIGKILL
    assert not killed.output.exists()
    assert step_of(log) < 12, "it was over before it could be killed"

    log.rename(log.with_name("log-before"))
    again = config(home, made, base, tmp_path / "killed", resume=True, **LONG)
    finish(again, log)
    first = min(f["step"] for f in figures(log.read_text()) if "loss" in f)
    assert 1 < first <= at + 2, "it did not go on from a checkpoint"
    assert weights(again) == weights(calm)


@pytest.mark.slow
def test_sigterm_keeps_a_checkpoint_and_resume_ends_the_same(tmp_path: Path) -> None:
    """The head alone, whose inputs are kept between its steps, but not over a restart; what is
    saved lies between its parent's weights and the trained ones."""
    base = make_tiny("qwen2_vl", tmp_path / "base")
    home, _ = home_with(tmp_path, 12)
    made = snapshot(home)
    parent = make_tiny_adapter(base, tmp_path / "parent", "patch")
    options = {**LONG, "checkpoint_every": 1000, "train": "head", "head_dropout": 0.3}
    options |= {"parent_adapter": parent, "interpolation": 0.8}
    calm = config(home, made, base, tmp_path / "calm", **options)
    (tmp_path / "calm").mkdir()
    finish(calm, tmp_path / "calm" / "log")

    stopped = config(home, made, base, tmp_path / "stopped", **options)
    (tmp_path / "stopped").mkdir()
    log = tmp_path / "stopped" / "log"
    process = start(stopped, log)
    wait_for(2, log, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(300) == EXIT_CANCELLED, log.read_text()[-3000:]
    assert "stage: cancelled" in log.read_text()
    assert not stopped.output.exists()
    assert len(list(stopped.checkpoints.glob("checkpoint-*/complete.json"))) == 1

    again = config(home, made, base, tmp_path / "stopped", resume=True, **options)
    finish(again, log)
    assert weights(again) == weights(calm)
