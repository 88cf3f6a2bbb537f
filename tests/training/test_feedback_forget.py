"""Forgetting a person: everything of theirs goes, nothing of anybody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from inference.errors import UserError
from tests.training.store_hand import corrected, picture, predicted
from training.store.database import connect
from training.store.feedback import Feedback
from training.store.group_commit import write
from training.store.mirror_files import append_new, folder_of
from training.store.rows import now

SECRET = "Annabel Lee of Tübingen"


def test_everything_of_one_person_and_nothing_else(feedback: Feedback, tmp_path: Path) -> None:
    alone, prediction = predicted(feedback, tmp_path, 1)
    shared, _ = predicted(feedback, tmp_path, 2)
    gone = corrected(feedback, alone, prediction, author=SECRET)
    both = corrected(feedback, shared, author=SECRET)
    kept = corrected(feedback, shared, author="bob")
    feedback.review([gone.id, both.id], "accept", "tom", "good")
    feedback.undo_review("tom")
    feedback.review([kept.id], "accept", SECRET, f"signed {SECRET}")
    feedback.withdraw(both.id, SECRET)
    path = feedback.media_path(alone)
    counts = feedback.forget(SECRET)
    assert {k: n for k, n in counts.items() if n} == {
        "corrections": 2, "reviews": 4, "predictions": 1, "images": 1,
    }  # fmt: skip
    (left,) = feedback.corrections()
    assert (left.id, left.status, left.reviews[0].reviewer) == (kept.id, "accepted", "forgotten")
    assert left.reviews[0].comment == ""
    assert not path.exists()
    assert feedback.media_path(shared).is_file()
    with connect(feedback.home) as db:
        assert list(db.query("PRAGMA foreign_key_check")) == []
    for file in feedback.home.root.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file
    with pytest.raises(UserError, match="Nobody of that name"):
        feedback.forget(SECRET)


def test_snapshots_that_hold_it_are_named_and_their_pictures_deleted(
    feedback: Feedback, tmp_path: Path
) -> None:
    media, _ = predicted(feedback, tmp_path)
    made = corrected(feedback, media)
    copy = feedback.home.snapshots / ("ab" * 32) / "pictures" / f"{media}.png"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"picture")
    other = copy.with_name("other.png")
    other.write_bytes(b"picture")

    def freeze(db: Database) -> None:
        values = ["ab" * 32, "hazard", "ab" * 32, "{}", "ann", now()]
        db.execute("insert into snapshots values (?, ?, ?, ?, ?, ?)", values)
        db.execute("insert into snapshot_corrections values (?, ?, 'train')", ["ab" * 32, made.id])

    write(feedback.home, freeze)
    counts = feedback.forget("ann")
    assert counts["corrections in snapshot abababababab"] == 1
    assert counts["images in snapshot abababababab"] == 1
    assert not copy.exists()
    assert other.exists()
    with connect(feedback.home) as db:
        assert next(iter(db.query("select author from snapshots"))) == {"author": "forgotten"}


def test_picture_comes_back_when_somebody_corrects_it_later(
    feedback: Feedback, tmp_path: Path
) -> None:
    media = feedback.add_media(picture(tmp_path))
    corrected(feedback, media)
    feedback.forget("ann")
    assert list(feedback.home.media.iterdir()) == []
    assert feedback.add_media(picture(tmp_path)) == media
    assert feedback.media_path(media).is_file()


def test_mirror_forgets_and_passes_nothing_over(feedback: Feedback, tmp_path: Path) -> None:
    file = folder_of(feedback.home) / "events-1.jsonl"
    mine, _ = predicted(feedback, tmp_path, 1)
    yours, _ = predicted(feedback, tmp_path, 2)
    kept = corrected(feedback, yours, author="bob")
    gone = corrected(feedback, mine, author="ann")
    feedback.review([gone.id], "comment", "tom", "hm")
    append_new(feedback.home, file)
    assert gone.id in file.read_text()
    assert feedback.forget("ann")["lines of the mirror"] == 4  # media, prediction, word, comment
    assert gone.id not in file.read_text()
    assert mine not in file.read_text()
    assert kept.id in file.read_text()
    # SQLite gives the freed row numbers again.
    later = corrected(feedback, yours, author="carl")
    assert append_new(feedback.home, file) == 1
    assert later.id in file.read_text()
