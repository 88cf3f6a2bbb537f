"""What these tests share: empty homes; a tiny base, a frozen snapshot and a run of the worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tiny import make_tiny
from tests.training.job_hand import make_home
from tests.training.snapshot_hand import config, home_with, snapshot
from tests.training.store_hand import feedback_at
from tests.training.worker_hand import Train
from training.jobs.config import WorkerConfig
from training.snapshots.types import Snapshot
from training.store.feedback import Feedback
from training.store.home import Home
from training.worker import run


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    return feedback_at(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """As the queue of jobs needs it."""
    return make_home(tmp_path / "home")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("qwen2_vl", tmp_path_factory.mktemp("base"))


@pytest.fixture
def made(tmp_path: Path) -> tuple[Home, Snapshot]:
    home, _ = home_with(tmp_path, 6)  # 4 to train on: 2 steps an epoch
    return home, snapshot(home)


@pytest.fixture
def train(made: tuple[Home, Snapshot], base: Path, tmp_path: Path) -> Train:
    def go(**values: Any) -> tuple[int, WorkerConfig]:
        folder = values.pop("folder", tmp_path / "run")
        chosen = config(*made, values.pop("base", base), folder, **values)
        return run.run(chosen), chosen

    return go
