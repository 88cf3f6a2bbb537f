"""The queue goes on after any error of its supervisor, and says what it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from inference.errors import UserError
from tests.training.job_hand import make_home, supervisor, until
from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.jobs.supervisor import trouble


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.DatabaseError("database disk image is malformed"),
        ValueError("Expecting value: line 1"),
        UserError("The database is busy"),
        OSError(28, "No space left on device"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_it_looks_again_after_any_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    home = make_home(tmp_path / "home")
    broken, real, looks = [True], jobs.jobs, []

    def read(*args: object) -> list[JobRow]:
        looks.append(1)
        if broken:
            raise error
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "jobs", read)
    boss = supervisor(home, tick_s=0.01).start()
    try:
        assert str(error) in until(lambda: trouble(home), "what happened")
        until(lambda: len(looks) > 3, "more looks at the queue")
        broken.clear()
        until(lambda: not trouble(home), "an end of the trouble")
    finally:
        boss.stop()
    assert capsys.readouterr().err.count("Traceback") == 1, "not once for each look"


def test_what_was_said_before_the_app_stopped_is_taken_back(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    assert trouble(home) == ""
    (home.jobs / "supervisor.error").write_text("ValueError: old")
    boss = supervisor(home, tick_s=0.01).start()
    try:
        until(lambda: not trouble(home))
    finally:
        boss.stop()
