"""The mirror on the hub, against a stand-in for the hub's client."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from inference.errors import UserError
from tests.training.store_hand import corrected, predicted
from training.store.feedback import Feedback
from training.store.mirror import Mirror, repository
from training.store.mirror_files import append_new, folder_of, pseudonym

REPO = "me/words"


class Hub(HfApi):  # type: ignore[misc]
    """In place of the hub's client: takes repositories and commits of small files. down: refuses
    all."""

    def __init__(self) -> None:
        super().__init__(token="hf_stand_in")
        self.created: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}
        self.commits = 0
        self.down = False

    def create_repo(self, **options: Any) -> Any:
        self.created.append(options)
        return SimpleNamespace(repo_id=REPO)

    def create_commit(self, *, operations: list[CommitOperationAdd], **_: Any) -> int:
        if self.down:
            raise ConnectionError("403: the stand-in is closed")
        for operation in operations:
            with operation.as_file() as file:
                self.files[operation.path_in_repo] = file.read().decode()
        self.commits += 1
        return self.commits

    def lines(self) -> list[dict[str, Any]]:
        texts = "".join(text for _, text in sorted(self.files.items()))
        return [json.loads(line) for line in texts.splitlines()]


@pytest.fixture
def hub() -> Hub:
    return Hub()


def mirror_to(hub: Hub, feedback: Feedback, told: list[str] | None = None) -> Mirror:
    """Commits only when it is told to."""
    tell = [].append if told is None else told.append
    mirror = Mirror(feedback.home, REPO, minutes=1000, api=hub, tell=tell).start()
    mirror._thread.join(20)
    return mirror


def test_events_arrive_as_lines_each_once(hub: Hub, feedback: Feedback, tmp_path: Path) -> None:
    media, prediction = predicted(feedback, tmp_path, slices=["rain"])
    made = corrected(feedback, media, prediction, author="ann", client={"session": "s"})
    mirror = mirror_to(hub, feedback)
    mirror.flush()
    assert (hub.created[0]["repo_type"], hub.created[0]["private"]) == ("dataset", True)
    assert [line["event"] for line in hub.lines()] == ["media", "prediction", "correction"]
    picture, answer, word = hub.lines()
    assert picture["hash"] == answer["media"] == word["media"] == media
    assert picture["slices"] == ["rain"]
    assert word["id"] == made.id
    assert word["payload"]["values"] == {"point": {"x_px": 200.0, "y_px": 100.0}}
    # Nobody is named, and nothing of the browser goes out.
    assert word["author"] == pseudonym(feedback.home, "ann") != pseudonym(feedback.home, "bob")
    assert "client" not in word
    assert "ann" not in "".join(hub.files.values())
    commits = hub.commits
    mirror.flush()
    assert hub.commits == commits  # nothing new, no commit
    feedback.review([made.id], "accept", "tom", "yes")
    feedback.withdraw(made.id, "ann")
    mirror.flush()
    assert [line["event"] for line in hub.lines()][3:] == ["withdrawal", "review"]
    mirror.stop()


def test_every_run_has_a_file_of_its_own_and_repeats_nothing(
    hub: Hub, feedback: Feedback, tmp_path: Path
) -> None:
    for shade in (1, 2):
        predicted(feedback, tmp_path, shade)
        mirror = mirror_to(hub, feedback)
        mirror.flush()
        mirror.stop()
    assert len(hub.files) == 2
    assert all(name.startswith("events/events-") for name in hub.files)
    keys = [line.get("id", line.get("hash")) for line in hub.lines()]
    assert len(keys) == len(set(keys)) == 4


def test_what_could_not_be_sent_goes_later(hub: Hub, feedback: Feedback, tmp_path: Path) -> None:
    told: list[str] = []
    mirror = mirror_to(hub, feedback, told)
    mirror.flush()
    predicted(feedback, tmp_path)
    hub.down = True
    with pytest.raises(Exception, match="403"):
        mirror.flush()
    assert mirror.problem is not None
    assert told == [mirror.problem]
    assert hub.files == {}
    hub.down = False
    mirror.flush()
    assert mirror.problem is None
    assert [line["event"] for line in hub.lines()] == ["media", "prediction"]
    mirror.stop()


def test_forgotten_lines_leave_with_the_next_commit(
    hub: Hub, feedback: Feedback, tmp_path: Path
) -> None:
    media, _ = predicted(feedback, tmp_path)
    gone, kept = (corrected(feedback, media, author=name) for name in ("ann", "bob"))
    mirror = mirror_to(hub, feedback)
    mirror.flush()
    assert {gone.id, kept.id} <= {line.get("id") for line in hub.lines()}
    feedback.forget("ann")
    mirror.flush()
    ids = {line.get("id") for line in hub.lines()}
    assert kept.id in ids
    assert gone.id not in ids
    mirror.stop()


def test_crash_between_line_and_mark_repeats_but_never_loses(
    feedback: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media, _ = predicted(feedback, tmp_path)
    file = folder_of(feedback.home) / "events-1.jsonl"

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.store.mirror_files.write", crash)
    with pytest.raises(KeyboardInterrupt):
        append_new(feedback.home, file)
    monkeypatch.undo()
    append_new(feedback.home, file)
    hashes = [json.loads(line).get("hash") for line in file.read_text().splitlines()]
    assert hashes.count(media) == 2


def test_repository_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTLINE_DATASET", raising=False)
    assert repository() is None
    monkeypatch.setenv("SIGHTLINE_DATASET", REPO)
    assert repository() == REPO
    monkeypatch.setenv("SIGHTLINE_DATASET", "https://hub/me/words")
    with pytest.raises(UserError, match="user/name"):
        repository()
