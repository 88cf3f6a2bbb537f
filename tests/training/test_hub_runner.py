"""The hub's runner against a stand-in of the hub on this machine: the script that is sent is really
run, in a process of its own, on a copy of what was uploaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import Volume

from tests.training.job_hand import SNAPSHOT, STAND_IN, behave, make_home, submit, until
from training.jobs import control as jobs
from training.jobs import hub_runner
from training.jobs.hub_job import keep_checkpoints
from training.jobs.hub_runner import HubRunner
from training.store.home import Home


class LocalHub:
    """Buckets as folders, jobs as processes. `/job` in a job's arguments becomes the folder that
    is mounted there."""

    def __init__(self, root: Path, behaviour: Path) -> None:
        self.root, self.behaviour = root, behaviour
        self.runs: list[dict[str, Any]] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.cancelled = False
        self.deaf = 0  # how many questions to leave unanswered

    def whoami(self) -> dict[str, str]:
        return {"name": "ann"}

    def create_bucket(self, bucket: str, *, private: bool, exist_ok: bool) -> None:
        assert private and exist_ok
        (self.root / bucket).mkdir(parents=True, exist_ok=True)

    def _at(self, address: str) -> Path:
        prefix = "hf://buckets/"
        return (
            self.root / address.removeprefix(prefix)
            if address.startswith(prefix)
            else Path(address)
        )

    def sync_bucket(self, source: str, dest: str, *, quiet: bool) -> None:
        shutil.copytree(self._at(source), self._at(dest), dirs_exist_ok=True)

    def list_bucket_tree(self, bucket: str, *, prefix: str, recursive: bool) -> Iterator[Any]:
        for path in (self.root / bucket).rglob("*"):
            name = str(path.relative_to(self.root / bucket))
            if name.startswith(prefix):
                kind = "file" if path.is_file() else "directory"
                yield SimpleNamespace(path=name, type=kind)

    def batch_bucket_files(self, bucket: str, *, delete: list[str]) -> None:
        for name in delete:
            (self.root / bucket / name).unlink()

    def run_uv_job(
        self, script: str, *, script_args: list[str], volumes: list[Volume], **options: Any
    ) -> Any:
        (volume,) = volumes
        self.mounted = self.root / volume.source / str(volume.path)
        args = [a.replace(volume.mount_path, str(self.mounted)) for a in script_args]
        self.runs.append({"script": script, **options})
        self.log = self.root / f"log-{len(self.runs)}"
        env = {**os.environ, "STAND_IN_BEHAVIOUR": str(self.behaviour)}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, script, *args], stdout=out, stderr=out, env=env
            )
        return SimpleNamespace(id=f"remote-{len(self.runs)}")

    def inspect_job(self, *, job_id: str) -> Any:
        if self.deaf:
            self.deaf -= 1
            raise ConnectionError("no route to the hub")
        if self.process is None:
            return SimpleNamespace(status=SimpleNamespace(stage="DELETED", message=None))
        code = self.process.poll()
        stage = "RUNNING" if code is None else "COMPLETED" if code == 0 else "ERROR"
        if self.cancelled and code is not None:
            stage = "CANCELED"
        return SimpleNamespace(status=SimpleNamespace(stage=stage, message=None))

    def fetch_job_logs(self, *, job_id: str) -> list[str]:
        return self.log.read_text().splitlines()

    def cancel_job(self, *, job_id: str) -> None:
        assert self.process is not None
        self.cancelled = True
        self.process.terminate()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path / "home")
    folder = home.snapshots / SNAPSHOT
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    return home


@pytest.fixture
def hub(tmp_path: Path, home: Home) -> Iterator[LocalHub]:
    (tmp_path / "hub").mkdir()
    hub = LocalHub(tmp_path / "hub", home.root / "behaviour.json")
    yield hub
    if hub.process is not None and hub.process.poll() is None:
        hub.process.kill()


def runner(hub: LocalHub) -> HubRunner:
    command = [str(STAND_IN), "worker", "{work}/config.json"]
    return HubRunner(hub, lambda _row: command, poll_s=0.05, token=lambda: "t0ken")


def never() -> bool:
    return False


def test_sent_followed_and_fetched(home: Home, hub: LocalHub) -> None:
    row = jobs.job(home, submit(home, "made", start="current", epochs=4))
    outcome = runner(hub).train(home, row, never)
    assert (outcome.state, outcome.reason) == ("trained", "")
    card = json.loads((row.output / "card.json").read_text())
    assert card["name"] == "made"
    row = jobs.job(home, row.id)
    assert (row.remote, row.step) == ("remote-1", 20)
    assert jobs.metrics(home, row.id)["loss"].steps == tuple(range(1, 21))
    assert "stage: trained" in jobs.log_tail(home, row.id)
    (run,) = hub.runs
    assert run["timeout"] == f"{hub_runner.MINUTES}m"
    assert run["flavor"] == "cpu-upgrade"
    assert run["secrets"] == {"HF_TOKEN": "t0ken"}
    assert any(d.startswith("torch") for d in run["dependencies"])
    assert not any(d.startswith("gradio") for d in run["dependencies"])
    left = [p for p in (hub.root / "ann").rglob("*") if p.is_file()]
    assert left == []  # nothing of the visitors stays on the hub


def test_only_what_training_needs_is_sent(home: Home, hub: LocalHub) -> None:
    row = jobs.job(home, submit(home, "made", start="current"))
    (home.root / "media" / "private.jpg").write_bytes(b"x")
    behave(home, fail_at=[1, "Stop here.", "No."])
    runner(hub).train(home, row, never)
    sent = {str(p.relative_to(hub.mounted)) for p in hub.mounted.rglob("*") if p.is_file()}
    assert {"config.json", "command.json", "code/training/worker/run.py"} <= sent
    assert f"home/snapshots/{SNAPSHOT}/manifest.json" in sent
    assert {"base/model.safetensors", "parent/adapter_model.safetensors"} <= sent
    assert not any("private" in name or name.endswith(".db") or "/ui/" in name for name in sent)
    config = json.loads((hub.mounted / "config.json").read_text())
    assert config["job"] is None
    assert str(home.root) not in json.dumps(config)


def test_the_workers_words_come_back(home: Home, hub: LocalHub) -> None:
    behave(home, fail_at=[3, "The loss is no longer a number.", "Lower the rate."])
    outcome = runner(hub).train(home, jobs.job(home, submit(home)), never)
    assert outcome.state == "failed"
    assert outcome.reason.startswith("The loss is no longer a number.")


def test_an_unexplained_end_is_explained(home: Home, hub: LocalHub) -> None:
    behave(home, raise_at=[3, "CUDA out of memory. Tried to allocate 2 GiB"])
    outcome = runner(hub).train(home, jobs.job(home, submit(home)), never)
    assert outcome.reason.startswith("On the hub: The memory is full")


def test_cancel_and_resume_from_the_checkpoint_that_came_back(home: Home, hub: LocalHub) -> None:
    behave(home, hold_at=7)
    job_id = submit(home, "made")
    row = jobs.job(home, job_id)
    outcome = runner(hub).train(home, row, lambda: jobs.job(home, job_id).step >= 7)
    assert outcome.state == "cancelled"
    assert (hub.mounted / "checkpoints" / "checkpoint-7" / "complete.json").is_file()
    behave(home)
    hub.cancelled = False
    from training.store.database import connect

    with connect(home) as db:
        db.execute("update jobs set state = 'cancelled' where id = ?", [job_id])
    jobs.resume(home, job_id)
    outcome = runner(hub).train(home, jobs.job(home, job_id), never)
    assert outcome.state == "trained"
    weights = float(sum(n * n for n in range(1, 21)))
    from safetensors.numpy import load_file

    tensors = load_file(row.output / "adapter_model.safetensors")
    assert float(next(iter(tensors.values()))[0, 0]) == weights
    assert hub.log.read_text().count('{"step"') == 20 - 7


def test_a_job_that_is_there_is_not_sent_twice(home: Home, hub: LocalHub) -> None:
    """The process that followed it was killed; the next one only follows."""
    behave(home, hold_at=5)
    job_id = submit(home, "made")
    stopped = threading.Event()

    def first() -> None:
        class Gone(Exception):
            pass

        def killed() -> bool:
            if jobs.job(home, job_id).step >= 5:
                raise Gone
            return False

        with pytest.raises(Gone):
            runner(hub).train(home, jobs.job(home, job_id), killed)
        stopped.set()

    threading.Thread(target=first).start()
    until(stopped.is_set)
    behave(home)
    outcome = runner(hub).train(home, jobs.job(home, job_id), never)
    assert (outcome.state, outcome.reason) == ("trained", "")
    assert len(hub.runs) == 1
    assert jobs.log_tail(home, job_id, 10_000).count("stage: Training") <= 2


def test_a_connection_that_comes_and_goes(home: Home, hub: LocalHub) -> None:
    hub.deaf = hub_runner.TRIES - 1
    assert runner(hub).train(home, jobs.job(home, submit(home)), never).state == "trained"
    hub.deaf = 10_000
    outcome = runner(hub).train(home, jobs.job(home, submit(home)), never)
    assert outcome.state == "failed"
    assert "no route to the hub" in outcome.reason


def test_no_token(home: Home, hub: LocalHub) -> None:
    alone = HubRunner(hub, token=lambda: None)
    outcome = alone.train(home, jobs.job(home, submit(home)), never)
    assert "no token" in outcome.reason
    assert hub.runs == []


def test_limits_from_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    row = jobs.job(home, submit(home, time_limit_minutes=5))
    assert hub_runner.minutes(row) == 35
    monkeypatch.setenv("SIGHTLINE_JOBS_MINUTES", "90")
    monkeypatch.setenv("SIGHTLINE_JOBS_FLAVOR", "h200")
    assert hub_runner.minutes(row) == 90
    assert hub_runner.flavor(row) == "h200"


def test_checkpoints_are_copied_whole_and_dropped_with_the_run(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for step in (5, 10):
        (here / f"checkpoint-{step}").mkdir(parents=True)
        (here / f"checkpoint-{step}" / "weights").write_text(str(step))
    (here / "checkpoint-5" / "complete.json").touch()
    keep_checkpoints(here, there)
    assert [p.name for p in there.iterdir()] == ["checkpoint-5"]
    shutil.rmtree(here / "checkpoint-5")
    (here / "checkpoint-10" / "complete.json").touch()
    keep_checkpoints(here, there)
    assert [p.name for p in there.iterdir()] == ["checkpoint-10"]
    assert (there / "checkpoint-10" / "weights").read_text() == "10"
    keep_checkpoints(tmp_path / "none", there)


def test_the_real_client_takes_the_same_arguments() -> None:
    """The stand-in is no freer than the library."""
    import inspect

    from huggingface_hub import HfApi

    def check(name: str, *positional: str, **named: Any) -> None:
        inspect.signature(getattr(HfApi, name)).bind(None, *positional, **named)

    check("create_bucket", "a/b", private=True, exist_ok=True)
    check("sync_bucket", "x", "hf://buckets/a/b/c", quiet=True)
    check("list_bucket_tree", "a/b", prefix="c", recursive=True)
    check("batch_bucket_files", "a/b", delete=["c"])
    check("inspect_job", job_id="x")
    check("fetch_job_logs", job_id="x")
    check("cancel_job", job_id="x")
    options = ("dependencies", "python", "flavor", "timeout", "secrets", "volumes")
    check("run_uv_job", "x", script_args=["y"], **dict.fromkeys(options))
    assert Volume(type="bucket", source="a/b", mount_path="/job", path="jobs/1").path == "jobs/1"
