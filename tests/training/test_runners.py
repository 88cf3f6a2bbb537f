"""Where jobs train, and what is said of a training that ended badly."""

from __future__ import annotations

import pytest

from inference.registry import resolve
from tests.training.job_hand import submit
from training.jobs import control as jobs
from training.jobs import failures, runners
from training.jobs.config import command_text
from training.jobs.local_runner import launch
from training.jobs.rows import JobRow
from training.store.database import connect
from training.store.home import Home

ACCELERATE_KILLED = """
Traceback (most recent call last):
  File "accelerate/commands/launch.py", line 1003, in simple_launcher
    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)
subprocess.CalledProcessError: Command '["python"]' died with <Signals.SIGKILL: 9>.
"""
TORCHRUN_KILLED = """
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
  rank      : 1 (local_rank: 1)
  exitcode  : -9 (pid: 4242)
  traceback : Signal 9 (SIGKILL) received by PID 4242
"""
TORCHRUN_ENDED_THE_OTHERS = """
[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
  rank      : 1 (local_rank: 1)
  exitcode  : -15 (pid: 4243)
  traceback : Signal 15 (SIGTERM) received by PID 4243
"""
# bitsandbytes logs this on some processors and goes on.
HARMLESS = (
    "Failed to load CPU gemm_4bit_forward from kernels-community: No module named 'kernels'. "
    "Please make sure you already `pip install kernels`.\n"
)
TORCH_FULL = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"
RAISED = """
Traceback (most recent call last):
  File "training/worker/run.py", line 3, in train
    raise ValueError("picture world-7.png is cut off")
ValueError: picture world-7.png is cut off
Traceback (most recent call last):
subprocess.CalledProcessError: Command '['python']' returned non-zero exit status 1.
"""


@pytest.fixture
def row(home: Home) -> JobRow:
    """At step 40 of 200, with a whole checkpoint of step 25 and an unfinished one of step 30."""
    job_id = submit(home)
    with connect(home) as db:
        db.execute("update jobs set step = 40, steps = 200")
    found = jobs.job(home, job_id)
    for step in (5, 25, 30):
        (found.checkpoints / f"checkpoint-{step}").mkdir(parents=True)
    for step in (5, 25):
        (found.checkpoints / f"checkpoint-{step}" / failures.MARKER).touch()
    return found


# ---- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "log", "reason"),
    [
        (1, ACCELERATE_KILLED, "The worker was killed (signal 9, SIGKILL) at step 40 of 200."),
        (1, TORCHRUN_KILLED, "The worker was killed (signal 9, SIGKILL) at step 40 of 200."),
        (
            1,
            HARMLESS + ACCELERATE_KILLED,
            "The worker was killed (signal 9, SIGKILL) at step 40 of 200.",
        ),
        (-9, TORCH_FULL, "The worker was killed (signal 9, SIGKILL) at step 40 of 200."),
        (1, TORCHRUN_ENDED_THE_OTHERS, "The memory is full at step 40 of 200."),
        (-11, "", "The worker was killed (signal 11, SIGSEGV) at step 40 of 200."),
        (1, TORCH_FULL, "The memory is full at step 40 of 200."),
        (1, "MemoryError", "The memory is full at step 40 of 200."),
        (1, "OSError: [Errno 28] No space left on device", "The disk is full at step 40 of 200."),
        (1, "database or disk is full", "The disk is full at step 40 of 200."),
        (1, "loss became nan", "The loss is no longer a number at step 40 of 200."),
        (
            1,
            RAISED,
            "The worker ended with an error at step 40 of 200: "
            "ValueError: picture world-7.png is cut off",
        ),
        (
            1,
            HARMLESS + RAISED,
            "The worker ended with an error at step 40 of 200: "
            "ValueError: picture world-7.png is cut off",
        ),
        (
            1,
            "ModuleNotFoundError: No module named 'trl'",
            "A package that training needs is not installed at step 40 of 200.",
        ),
        (
            1,
            "/usr/bin/python3.11: No module named accelerate",
            "A package that training needs is not installed at step 40 of 200.",
        ),
        (3, "", "The worker ended without a word at step 40 of 200 (exit code 3)."),
    ],
)
def test_why_it_ended(row: JobRow, code: int, log: str, reason: str) -> None:
    failure = failures.explain(row, code, log)
    assert failure.reason == reason
    assert failure.hint
    assert "Traceback" not in failure.reason + failure.hint


def test_only_whole_checkpoints_are_offered(row: JobRow) -> None:
    assert failures.explain(row, -11, "").hint == (
        "Its last checkpoint is from step 25: Resume goes on from there."
    )
    for folder in row.checkpoints.iterdir():
        (folder / failures.MARKER).unlink(missing_ok=True)
    assert "no checkpoint yet" in failures.explain(row, -11, "").hint


def test_before_the_first_step(home: Home) -> None:
    fresh = jobs.job(home, submit(home))
    assert failures.lost(fresh).reason == (
        "The job's process was killed, or the machine was restarted, before the first step."
    )


# ---- choice --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "chosen"), [(None, "local"), ("", "local"), ("0", "local"), ("true", "hub")]
)
def test_zero_gpu_cannot_train(
    monkeypatch: pytest.MonkeyPatch, value: str | None, chosen: str
) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    if value is not None:
        monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert runners.default_runner() == chosen
    assert (runners.why_not_here() is None) == (chosen == "local")


@pytest.mark.parametrize("name", list(runners.RUNNERS))
def test_every_runner_resolves(name: str) -> None:
    runner = resolve(runners.RUNNERS[name].entry)()
    assert callable(runner.train)


def test_the_local_command_is_the_one_shown(home: Home) -> None:
    row = jobs.job(home, submit(home, processes=2))
    shown = command_text(row.settings, row.config_file, cpu=False).split()
    assert shown[:4] == ["python", "-m", "accelerate.commands.launch", "--num_processes"]
    assert launch(row)[1:] == shown[1:]
