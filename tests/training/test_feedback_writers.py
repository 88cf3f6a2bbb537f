"""Nothing that was confirmed is lost: many writers, killed writers, no space, no permission."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from inference.errors import UserError
from tests.fixes import hazard_fix
from tests.training.store_hand import corrected, feedback_at, picture
from training.store.database import connect
from training.store.feedback import Feedback
from training.store.group_commit import write
from training.store.home import Home
from training.store.rows import one

ROOT = Path(__file__).resolve().parents[2]
KILLS = 50


# ---- killed ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_was_confirmed_survives_50_kills(tmp_path: Path) -> None:
    feedback = feedback_at(tmp_path)
    media = feedback.add_media(picture(tmp_path))
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.training.store_killed",
            str(feedback.home.root), media, str(KILLS),
        ],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [line.split() for line in done.stdout.splitlines()]
    corrections = {identity for what, identity in told if what == "correction"}
    pictures = {identity for what, identity in told if what == "media"}
    assert len(corrections) > KILLS, done.stderr  # else it did not test much
    assert pictures
    there = {c.id for c in feedback.corrections()}
    assert corrections - there == set()
    for media in pictures:
        data = feedback.media_path(media).read_bytes()
        assert hashlib.sha256(data).hexdigest() == media
    with connect(feedback.home) as db:
        assert one(db, "PRAGMA integrity_check") == {"integrity_check": "ok"}
        assert list(db.query("PRAGMA foreign_key_check")) == []


# ---- at once -----------------------------------------------------------------------------------


def test_32_writers_lose_nothing(feedback: Feedback, tmp_path: Path) -> None:
    media = feedback.add_media(picture(tmp_path))
    ids: list[str] = []

    def person(number: int) -> None:
        for _ in range(3):
            ids.append(corrected(feedback, media, author=f"p{number}").id)

    threads = [threading.Thread(target=person, args=(i,)) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 96
    assert {c.id for c in feedback.corrections()} == set(ids)


class Crowd:
    """Work that is all committed together: it gathers while the first is held up."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.results: dict[int, Any] = {}

    def run(self, works: list[Any]) -> dict[int, Any]:
        held, leading = threading.Event(), threading.Event()

        def hold(db: Database) -> None:
            leading.set()
            assert held.wait(20)

        threads = [threading.Thread(target=self._one, args=(-1, hold))]
        threads[0].start()
        assert leading.wait(20)
        for number, work in enumerate(works):
            threads.append(threading.Thread(target=self._one, args=(number, work)))
            threads[-1].start()
        from training.store.group_commit import _committers

        waiting = _committers[os.getpid(), self.home.database]._waiting
        while len(waiting) < len(works):
            pass
        held.set()
        for thread in threads:
            thread.join(20)
        return self.results

    def _one(self, number: int, work: Any) -> None:
        try:
            self.results[number] = write(self.home, work)
        except BaseException as error:
            self.results[number] = error


def add_note(text: str) -> Any:
    return lambda db: db.execute("insert into notes values (?)", [text]).rowcount


def notes(home: Home) -> list[str]:
    with connect(home) as db:
        return [row["text"] for row in db.query("select text from notes order by text")]


def test_one_bad_piece_of_work_spoils_no_other(feedback: Feedback) -> None:
    home = feedback.home
    write(home, lambda db: db.execute("create table notes (text text primary key)"))

    def half(db: Database) -> None:
        add_note("half")(db)
        raise ValueError("changed my mind")

    def refused(db: Database) -> None:
        add_note("refused")(db)
        raise UserError("no")

    results = Crowd(home).run([add_note("a"), half, add_note("b"), refused, add_note("c")])
    assert notes(home) == ["a", "b", "c"]
    assert [type(results[n]) for n in range(5)] == [int, ValueError, int, UserError, int]


def test_nobody_is_confirmed_where_the_commit_fails(feedback: Feedback) -> None:
    """A deferred foreign key fails only at the commit, with everybody's work in it."""
    home = feedback.home
    write(home, lambda db: db.execute("create table notes (text text primary key)"))

    def unkept(db: Database) -> None:
        db.execute("PRAGMA defer_foreign_keys=ON")
        db.execute("insert into withdrawals values ('nothing', 'ann', 'now')")

    results = Crowd(home).run([add_note("a"), unkept, add_note("b")])
    assert all(isinstance(results[n], UserError) for n in range(3))
    assert notes(home) == []
    write(home, add_note("later"))
    assert notes(home) == ["later"]


def test_writing_goes_on_where_the_file_was_replaced(feedback: Feedback, tmp_path: Path) -> None:
    media = feedback.add_media(picture(tmp_path))
    corrected(feedback, media)
    for path in feedback.home.root.glob("sightline.db*"):
        path.unlink()
    feedback.add_media(picture(tmp_path))
    made = corrected(feedback, media)
    assert [c.id for c in feedback.corrections()] == [made.id]


# ---- no space, no permission, no database ------------------------------------------------------


def test_full_disk_is_told_and_keeps_what_was_confirmed(feedback: Feedback, tmp_path: Path) -> None:
    home, media = feedback.home, feedback.add_media(picture(tmp_path))

    def limit(pages: int) -> None:
        # The database file may not grow further: SQLite says what it says on a full disk.
        write(home, lambda db: db.execute(f"PRAGMA max_page_count={pages}").fetchone())

    with connect(home) as db:
        pages = next(iter(db.execute("PRAGMA page_count")))[0]
    limit(pages + 3)
    long = hazard_fix("wrong", (5, 5), reason="x" * 4000)
    confirmed: list[str] = []

    def fill() -> None:
        for _ in range(20):
            confirmed.append(corrected(feedback, media, payload=long).id)

    with pytest.raises(UserError, match="Free some space") as caught:
        fill()
    assert "full" in str(caught.value.got)
    assert [c.id for c in feedback.corrections()] == confirmed
    limit(1_000_000)
    confirmed.append(corrected(feedback, media, payload=long).id)
    assert [c.id for c in feedback.corrections()] == confirmed


def test_full_disk_leaves_no_half_picture(
    feedback: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.store.media.os.fsync", full)
    with pytest.raises(UserError, match="Free some space"):
        feedback.add_media(picture(tmp_path))
    assert list(feedback.home.media.iterdir()) == []
    monkeypatch.undo()
    assert feedback.add_media(picture(tmp_path))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, as pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="sightline-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


TRY = """
import os, sys
from pathlib import Path
from inference.errors import UserError
from training.store.feedback import Feedback
from training.store.home import Home
from tests.training.store_hand import corrected
if os.getuid() == 0:
    os.setuid(65534)  # root may write everywhere
try:
    corrected(Feedback(Home(Path(sys.argv[1]))), sys.argv[2])
    print("written")
except UserError as error:
    print(error)
"""


def test_read_only_folder_is_told(open_folder: Path) -> None:
    feedback = feedback_at(open_folder)
    media = feedback.add_media(picture(open_folder))
    with connect(feedback.home) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = feedback.home.root
    for path in (root, *root.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(root), media],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Point SIGHTLINE_HOME at a folder that this user may write" in done.stdout, done.stderr


@pytest.mark.parametrize("broken", [b"This is no database. " * 500, b"SQLite format 3\0" * 300])
def test_damaged_database_is_told(tmp_path: Path, broken: bytes) -> None:
    feedback = feedback_at(tmp_path)
    feedback.home.database.write_bytes(broken)
    for call in (feedback.corrections, feedback.cases, lambda: corrected(feedback, "x")):
        with pytest.raises(UserError, match=r"python -m training\.store\.backup restore --replace"):
            call()
    assert feedback.home.database.read_bytes() == broken
