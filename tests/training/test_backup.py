"""Backups: complete or absent, only what is new, and a way back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inference.errors import UserError
from tests.training.store_hand import corrected, feedback_at, picture, predicted
from training.store.backup import (
    BackupThread,
    backup,
    backups,
    main,
    minutes_wanted,
    restore,
    restore_if_missing,
)
from training.store.feedback import Feedback
from training.store.home import Home

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTLINE_BACKUPS", str(tmp_path / "bucket"))
    monkeypatch.delenv("SIGHTLINE_BACKUPS_KEEP", raising=False)
    return tmp_path / "bucket"


@pytest.fixture
def feedback(tmp_path: Path, bucket: Path) -> Feedback:
    return feedback_at(tmp_path)


def lose(home: Home) -> None:
    """The local disk is gone, as after a Space's restart."""
    for path in (*home.root.glob("sightline.db*"), *home.media.iterdir()):
        path.unlink()


def test_everything_comes_back(feedback: Feedback, tmp_path: Path) -> None:
    media, prediction = predicted(feedback, tmp_path)
    made = corrected(feedback, media, prediction)
    feedback.review([made.id], "accept", "tom")
    before = feedback.case(f"hazard:{media}")
    data = feedback.media_path(media).read_bytes()
    # What was just written is still in the log, not in the database's file.
    assert feedback.home.database.with_name("sightline.db-wal").stat().st_size > 0
    taken = backup(feedback.home)
    assert sorted(p.name for p in taken.path.parent.iterdir()) == ["media", taken.path.name]
    lose(feedback.home)
    assert restore_if_missing(feedback.home) == taken.path
    assert feedback.case(f"hazard:{media}") == before
    assert feedback.media_path(media).read_bytes() == data
    assert restore_if_missing(feedback.home) is None
    corrected(feedback, media)
    assert len(feedback.corrections()) == 2


def test_only_new_media_are_copied(feedback: Feedback, tmp_path: Path, bucket: Path) -> None:
    one, _ = predicted(feedback, tmp_path, 1)
    backup(feedback.home)
    copy = bucket / "media" / f"{one}.png"
    first = copy.stat()
    predicted(feedback, tmp_path, 2)
    backup(feedback.home)
    assert (copy.stat().st_ino, copy.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert len(list((bucket / "media").iterdir())) == 2


def test_the_last_ones_are_kept_and_who_was_forgotten_leaves(
    feedback: Feedback, tmp_path: Path, bucket: Path
) -> None:
    media, _ = predicted(feedback, tmp_path, 1)
    corrected(feedback, media, author="ann")
    first = backup(feedback.home, keep=2)
    feedback.forget("ann")
    second = backup(feedback.home, keep=2)
    assert [b.path for b in backups(feedback.home)] == [second.path, first.path]
    assert len(list((bucket / "media").iterdir())) == 1  # the first one still needs it
    third = backup(feedback.home, keep=2)
    assert [b.path for b in backups(feedback.home)] == [third.path, second.path]
    assert list((bucket / "media").iterdir()) == []


@pytest.mark.parametrize("call", ["backups.copy_durably", "media.os.replace"])
def test_interrupted_backup_leaves_the_good_one(
    feedback: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    corrected(feedback, predicted(feedback, tmp_path, 1)[0])
    good = backup(feedback.home)
    content = good.path.read_bytes()
    predicted(feedback, tmp_path, 2)

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"training.store.{call}", broken)
    with pytest.raises(UserError, match="could not be written"):
        backup(feedback.home)
    monkeypatch.undo()
    monkeypatch.setenv("SIGHTLINE_BACKUPS", str(good.path.parent))
    assert [b.path for b in backups(feedback.home)] == [good.path]
    assert good.path.read_bytes() == content
    lose(feedback.home)
    assert restore(feedback.home) == good.path


def test_damaged_backup_is_passed_over(feedback: Feedback, tmp_path: Path) -> None:
    corrected(feedback, predicted(feedback, tmp_path)[0])
    good, bad = backup(feedback.home), backup(feedback.home)
    half = bad.path.read_bytes()[:5000]
    bad.path.write_bytes(half)
    lose(feedback.home)
    with pytest.raises(UserError, match="damaged"):
        restore(feedback.home, bad.path.name)
    assert not feedback.home.database.exists()
    assert restore(feedback.home) == good.path
    assert len(feedback.corrections()) == 1
    assert bad.path.read_bytes() == half


def test_damaged_live_database_replaces_nothing(feedback: Feedback, tmp_path: Path) -> None:
    corrected(feedback, predicted(feedback, tmp_path)[0])
    good = backup(feedback.home)
    lose(feedback.home)
    feedback.home.database.write_bytes(b"SQLite format 3\0" + b"rubbish" * 2000)
    with pytest.raises(UserError, match="restore --replace"):
        backup(feedback.home)
    assert [b.path for b in backups(feedback.home)] == [good.path]
    restore(feedback.home, replace=True)
    assert len(feedback.corrections()) == 1


def test_live_database_is_put_aside_not_deleted(feedback: Feedback, tmp_path: Path) -> None:
    media, _ = predicted(feedback, tmp_path)
    first = corrected(feedback, media)
    backup(feedback.home)
    later = corrected(feedback, media)
    with pytest.raises(UserError, match="There is a live database"):
        restore(feedback.home)
    assert len(feedback.corrections()) == 2
    restore(feedback.home, replace=True)
    assert [c.id for c in feedback.corrections()] == [first.id]
    (aside,) = (p for p in feedback.home.root.glob("sightline.db.before-*") if p.name.endswith("Z"))
    moved = tmp_path / "aside"
    moved.mkdir()
    for part in feedback.home.root.glob(f"{aside.name}*"):
        part.rename(moved / part.name)
    with closing(sqlite3.connect(moved / aside.name)) as db:
        ids = [row[0] for row in db.execute("select id from corrections order by rowid")]
    assert ids == [first.id, later.id]


def test_backup_beside_writers_is_consistent(feedback: Feedback, tmp_path: Path) -> None:
    media, _ = predicted(feedback, tmp_path)
    over = threading.Event()
    confirmed: list[str] = []

    def person() -> None:
        while not over.is_set():
            made = corrected(feedback, media)
            feedback.review([made.id], "accept", "tom")
            confirmed.append(made.id)

    threads = [threading.Thread(target=person) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(confirmed) < 5:
        time.sleep(0.01)
    before = set(confirmed)
    taken = backup(feedback.home)
    over.set()
    for thread in threads:
        thread.join()
    with closing(sqlite3.connect(taken.path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert before <= {row[0] for row in db.execute("select id from corrections")}


# ---- the clock ---------------------------------------------------------------------------------


def wait_for(found: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_clock_takes_one_when_something_was_written(feedback: Feedback, tmp_path: Path) -> None:
    media, _ = predicted(feedback, tmp_path)
    thread = BackupThread(feedback.home, minutes=0.05 / 60).start()
    try:
        wait_for(lambda: backups(feedback.home))
        time.sleep(0.5)
        count = len(backups(feedback.home))
        assert count == 1  # nothing new, no more copies
        corrected(feedback, media)
        wait_for(lambda: len(backups(feedback.home)) > count)
    finally:
        thread.stop()


def test_clock_tells_a_failure_once_and_goes_on(feedback: Feedback, tmp_path: Path) -> None:
    predicted(feedback, tmp_path)
    feedback.home.backups.write_text("in the way")
    told: list[str] = []
    thread = BackupThread(feedback.home, minutes=0.02 / 60, tell=told.append).start()
    try:
        wait_for(lambda: told)
        time.sleep(0.2)
        assert len(told) == 1
        assert "SIGHTLINE_BACKUPS" in told[0]
        feedback.home.backups.unlink()
        wait_for(lambda: backups(feedback.home) and thread.problem is None)
    finally:
        thread.stop()


EXIT = """
import sys
from pathlib import Path
from tests.training.store_hand import corrected, feedback_at, predicted
from training.store.backup import BackupThread
folder = Path(sys.argv[1])
feedback = feedback_at(folder)
BackupThread(feedback.home, minutes=60).start()
corrected(feedback, predicted(feedback, folder)[0])
"""


def test_last_backup_at_exit(tmp_path: Path, bucket: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", EXIT, str(tmp_path)], cwd=ROOT, env={**os.environ}, check=True
    )
    feedback = feedback_at(tmp_path)
    lose(feedback.home)
    assert restore_if_missing(feedback.home)
    assert len(feedback.corrections()) == 1


# ---- commands and settings ---------------------------------------------------------------------


def test_commands(
    feedback: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", str(feedback.home.root))
    assert main(["now"]) == 1  # there is no database yet
    assert "nothing to back up" in capsys.readouterr().err
    assert main(["restore"]) == 1
    assert "no good backup" in capsys.readouterr().err
    corrected(feedback, predicted(feedback, tmp_path)[0])
    assert main(["now"]) == 0
    (taken,) = backups(feedback.home)
    assert str(taken.path) in capsys.readouterr().out
    assert main(["list"]) == 0
    assert taken.path.name in capsys.readouterr().out
    assert main(["restore"]) == 1
    assert "--replace" in capsys.readouterr().err
    assert main(["restore", "../../etc/passwd", "--replace"]) == 1
    assert "no such backup" in capsys.readouterr().err
    assert main(["restore", taken.path.name, "--replace"]) == 0
    assert len(feedback.corrections()) == 1


def test_folder_that_cannot_be_written_is_told(feedback: Feedback, tmp_path: Path) -> None:
    corrected(feedback, feedback.add_media(picture(tmp_path)))
    feedback.home.backups.write_text("in the way")
    with pytest.raises(UserError, match="point SIGHTLINE_BACKUPS at another folder"):
        backup(feedback.home)


def test_settings(monkeypatch: pytest.MonkeyPatch, feedback: Feedback, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGHTLINE_BACKUP_MINUTES", "2.5")
    assert minutes_wanted() == 2.5
    for wrong in ("0", "nan", "soon"):
        monkeypatch.setenv("SIGHTLINE_BACKUP_MINUTES", wrong)
        with pytest.raises(UserError, match="SIGHTLINE_BACKUP_MINUTES"):
            minutes_wanted()
    predicted(feedback, tmp_path)
    monkeypatch.setenv("SIGHTLINE_BACKUPS_KEEP", "0")
    with pytest.raises(UserError, match="SIGHTLINE_BACKUPS_KEEP"):
        backup(feedback.home)
