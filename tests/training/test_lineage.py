"""Adapters with their origin, packed as a folder, sent to a stand-in of the hub."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from inference.adapters import validate_adapter
from inference.errors import UserError
from tests.training.job_hand import SNAPSHOT, make_home, submit
from tests.training.job_stand_in import make_adapter
from training.adapters import lineage
from training.store.database import connect
from training.store.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path / "home")
    make_adapter(home.adapters / "mine", "mine")
    job = submit(home)
    parent = "hazard-patch"
    lineage.register(home, name="mine", task="hazard", job=job, snapshot=SNAPSHOT, parent=parent)
    return home


def test_own_adapters_before_those_that_came_along(home: Home) -> None:
    mine, *shipped = lineage.adapters(home)
    assert (mine.name, mine.snapshot, mine.parent) == ("mine", SNAPSHOT, "hazard-patch")
    assert mine.size_bytes == sum(p.stat().st_size for p in mine.folder.iterdir())
    assert len(mine.version) == 64
    assert not mine.embedded and not mine.promoted
    by_name = {s.name: s for s in shipped}
    assert by_name["hazard-patch"].promoted and by_name["hazard-patch"].embedded
    assert by_name["hazard-patch"].figures["sides"]
    assert all(s.problem is None for s in shipped)


def test_a_broken_adapter_is_listed_with_its_problem(home: Home) -> None:
    (home.adapters / "mine" / "adapter_model.safetensors").unlink()
    assert "no weights" in str(lineage.adapters(home)[0].problem)


def test_registering_new_weights_changes_the_version(home: Home) -> None:
    import shutil

    before = lineage.adapters(home)[0].version
    shutil.rmtree(home.adapters / "mine")
    make_adapter(home.adapters / "mine", "mine", 2.0)
    assert lineage.register(home, name="mine", task="hazard") != before


def test_zip_holds_the_adapter_and_nothing_else(home: Home, tmp_path: Path) -> None:
    (home.adapters / "mine" / "notes.txt").write_text("private")
    made = lineage.download_zip(home.adapters / "mine", tmp_path / "mine.zip")
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"mine"}
    assert not (tmp_path / "out" / "mine" / "notes.txt").exists()
    assert validate_adapter(tmp_path / "out" / "mine").entry.name == "mine"
    with pytest.raises(UserError, match="not an adapter"):
        lineage.download_zip(tmp_path, tmp_path / "x.zip")


class Hub:
    """What push_to_hub calls."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse, self.calls = refuse, []  # type: ignore[var-annotated]

    def create_repo(self, repo: str, **options: Any) -> str:
        if self.refuse:
            raise ValueError("403 Forbidden")
        self.calls.append(("create", repo, options))
        return f"https://huggingface.co/{repo}"

    def upload_folder(self, **options: Any) -> None:
        self.calls.append(("upload", options.pop("repo_id"), options))


def test_push(home: Home) -> None:
    hub = Hub()
    folder = home.adapters / "mine"
    address = lineage.push_to_hub(folder, "ann/mine", api=hub, token=lambda: "t")
    assert address == "https://huggingface.co/ann/mine"
    (_, repo, made), (_, _, sent) = hub.calls
    assert repo == "ann/mine"
    assert made["private"] is True
    assert sent["folder_path"] == str(folder)
    assert "adapter_model.safetensors" in sent["allow_patterns"]


@pytest.mark.parametrize("repo", ["mine", "a/b/c", "../x", "a b/c", ""])
def test_push_to_what_is_no_repository(home: Home, repo: str) -> None:
    with pytest.raises(UserError, match="Not the name"):
        lineage.push_to_hub(home.adapters / "mine", repo, api=Hub(), token=lambda: "t")


def test_push_without_a_token_or_against_the_hubs_will(home: Home) -> None:
    hub = Hub(refuse=True)
    with pytest.raises(UserError, match="no token") as caught:
        lineage.push_to_hub(home.adapters / "mine", "ann/mine", api=hub, token=lambda: None)
    assert "hf auth login" in str(caught.value)
    with pytest.raises(UserError, match="did not take"):
        lineage.push_to_hub(home.adapters / "mine", "ann/mine", api=hub, token=lambda: "t")
    assert hub.calls == []


def test_remove(home: Home) -> None:
    lineage.remove(home, "mine")
    assert "mine" not in {x.name for x in lineage.adapters(home)}
    assert not (home.adapters / "mine").exists()
    with pytest.raises(UserError, match="trained here"):
        lineage.remove(home, "hazard-patch")


def test_what_is_in_use_cannot_be_removed(home: Home) -> None:
    with connect(home) as db:
        db.execute(
            "insert into promotions (task, adapter, rule, author, created)"
            " values ('hazard', 'mine', '{}', 'ann', 'now')"
        )
    with pytest.raises(UserError, match="in use"):
        lineage.remove(home, "mine")
    assert (home.adapters / "mine").is_dir()
