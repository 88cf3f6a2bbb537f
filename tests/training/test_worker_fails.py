"""How the worker fails, in words, and what its checkpoints are good for."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from inference.adapters import read_card
from inference.errors import UserError
from tests.training.worker_hand import Train, row_of, with_job
from training.jobs import failures
from training.jobs.config import EXIT_FAILED, EXIT_TRAINED
from training.worker import model as worker_model
from training.worker import run, trainer
from training.worker.checkpoints import keep_best, newest
from training.worker.losses import answer_loss

# ---- how it fails -------------------------------------------------------------------------------


def test_loss_that_is_no_number_fails_in_words(
    train: Train, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, frozen = made
    calls: list[int] = []

    def diverging(*given: Any) -> torch.Tensor:
        calls.append(1)
        return answer_loss(*given) * (float("nan") if len(calls) > 4 else 1.0)

    monkeypatch.setattr(worker_model, "answer_loss", diverging)
    code, done = train(job=with_job(home, frozen))
    assert code == EXIT_FAILED
    row = row_of(home)
    assert row["stage"] == "failed"
    assert "not a number" in row["reason"]
    assert "learning rate" in row["hint"]
    assert not done.output.exists()


def test_broken_picture_is_named(train: Train, made: Any) -> None:
    home, frozen = made
    frozen.examples[2].picture.write_bytes(b"no picture")
    code, done = train(job=with_job(home, frozen))
    assert code == EXIT_FAILED
    row = row_of(home)
    assert frozen.examples[2].name in row["reason"]
    assert "Leave its case out" in row["hint"]
    assert not done.output.exists()


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_failed_saving_leaves_no_adapter(
    train: Train, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, frozen = made
    monkeypatch.setattr(run.saving, "save_head", full)
    code, done = train(job=with_job(home, frozen), epochs=1)
    assert code == EXIT_FAILED
    assert sorted(p.name for p in done.output.parent.iterdir()) == ["checkpoints"]


def test_what_is_there_is_not_written_over(train: Train, tmp_path: Path) -> None:
    (tmp_path / "run" / "adapter").mkdir(parents=True)
    (tmp_path / "run" / "adapter" / "mine").write_text("x")
    code, done = train()
    assert code == EXIT_FAILED
    assert (done.output / "mine").read_text() == "x"


def test_saved_adapter_that_answers_otherwise_is_not_handed_out(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = run.saving.write

    def spoilt(folder: Path, tuned: Any, *rest: Any) -> None:
        with torch.no_grad():
            for name, parameter in tuned.named_parameters():
                if "lora_B" in name:
                    parameter.add_(0.5)
        write(folder, tuned, *rest)
        with torch.no_grad():
            for name, parameter in tuned.named_parameters():
                if "lora_B" in name:
                    parameter.sub_(0.5)

    monkeypatch.setattr(run.saving, "write", spoilt)
    code, done = train(epochs=1)
    assert code == EXIT_FAILED
    assert not done.output.exists()


@pytest.mark.parametrize(
    ("error", "reason", "hint"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried"), "memory", "smaller batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you"), "memory", "NF4"),
        (MemoryError(), "memory", "smaller batch"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full", "Free some"),
        (RuntimeError("PytorchStreamWriter failed: No space left"), "disk is full", "Free some"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "could not be used", "written"),
        (ImportError("No module named 'bitsandbytes'"), "is not installed", "Install"),
        (ValueError("odd"), "ValueError: odd", "log"),
        (UserError("Bad.", expected="a", got="b", hint="do c"), "Bad. Expected a. Got b.", "do c"),
    ],
)
def test_reasons_in_words(error: BaseException, reason: str, hint: str) -> None:
    failure = failures.of_error(error)
    assert reason in failure.reason
    assert hint in failure.hint


# ---- checkpoints --------------------------------------------------------------------------------


def test_changed_learning_rate_on_resume_is_refused_at_its_field(train: Train) -> None:
    train(epochs=1)
    _, done = train(epochs=1)  # the first one's adapter is there: fails, checkpoints stay
    with pytest.raises(UserError) as caught:
        newest(done.checkpoints, done.settings.changed_by(learning_rate=1e-3), done.snapshot)
    assert caught.value.field == "learning_rate"
    free = done.settings.changed_by(time_limit_minutes=1, threads=1)
    assert newest(done.checkpoints, free, done.snapshot) is not None
    with pytest.raises(UserError, match="another snapshot"):
        newest(done.checkpoints, done.settings, "f" * 64)


def test_unfinished_checkpoint_does_not_count(train: Train) -> None:
    _, done = train(epochs=2)
    last = newest(done.checkpoints, done.settings, done.snapshot)
    assert last is not None
    half = done.checkpoints / f"checkpoint-{last.step + 2}"
    half.mkdir()
    (half / "optimizer.pt").write_bytes(b"half")
    found = newest(done.checkpoints, done.settings, done.snapshot)
    assert found is not None
    assert found.step == last.step
    assert not half.exists()


def test_best_is_kept_only_while_it_is_best(tmp_path: Path) -> None:
    one, two = {"w": torch.zeros(2)}, {"w": torch.ones(2)}
    assert keep_best(tmp_path, one, 5.0, 1)
    assert not keep_best(tmp_path, two, 5.0, 2)
    assert keep_best(tmp_path, two, 4.0, 3)
    assert torch.equal(load_file(tmp_path / "best.safetensors")["w"], torch.ones(2))


def test_time_limit_keeps_what_there_is(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    code, done = train(epochs=10_00, time_limit_minutes=0.02)
    assert code == EXIT_TRAINED
    assert read_card(done.output).extra["figures"]["steps"] < 3000  # type: ignore[union-attr]
    assert "time limit: " in capsys.readouterr().out


# ---- what is not installed ----------------------------------------------------------------------


def test_deepspeed_that_would_not_be_used_fails_in_words(
    train: Train, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Trainer alone goes on without it and says nothing."""
    home, frozen = made
    job = with_job(home, frozen)
    asked = {"job": job, "deepspeed": True, "optimiser": "adamw"}
    monkeypatch.setattr(trainer, "find_spec", lambda _name: None)
    assert train(**asked)[0] == EXIT_FAILED
    assert row_of(home)["reason"].startswith("DeepSpeed is not installed")
    monkeypatch.setattr(trainer, "find_spec", lambda _name: "installed")
    assert train(**asked)[0] == EXIT_FAILED
    assert row_of(home)["reason"].startswith("The run was not started with DeepSpeed")
    assert "Switch DeepSpeed off" in row_of(home)["hint"]


@pytest.mark.parametrize(
    ("named", "reason"), [("mlflow", "unknown tracker"), ("trackio, wandb", "not installed")]
)
def test_tracker_that_cannot_be_had_fails_in_words(
    named: str, reason: str, train: Train, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, frozen = made
    monkeypatch.setenv("SIGHTLINE_TRACKING", named)
    monkeypatch.setattr(trainer, "find_spec", lambda _name: None)
    code, done = train(job=with_job(home, frozen))
    assert code == EXIT_FAILED
    assert reason in row_of(home)["reason"]
    assert not done.output.exists()
