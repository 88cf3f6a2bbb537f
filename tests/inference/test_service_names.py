"""An adapter's name is its own: no other adapter takes it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from inference.errors import UserError
from inference.schema import PairRequest
from inference.service import ModelService
from tests.tiny import make_tiny_adapter


def named(folder: Path, name: str) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": name}))


@pytest.fixture
def roots(zoo, tmp_path):
    """What comes along, and a home with an adapter whose card bears the same name."""
    shipped, home = tmp_path / "shipped", tmp_path / "home"
    shutil.copytree(zoo.adapter("qwen2_vl", "patch"), shipped / "good")
    make_tiny_adapter(zoo.model("qwen2_vl"), home / "other", head="patch", seed=9)
    for folder in (shipped / "good", home / "other"):
        named(folder, "hazard")
    return [shipped, home]


def test_the_second_of_one_name_is_refused_in_words(zoo, roots, make_image):
    service = ModelService(None, zoo.model("qwen2_vl"), adapter_roots=roots, device="cpu")
    for _ in range(2):  # before anything is loaded, and with the first one loaded
        first, second = service.adapters()
        assert (first.name, Path(first.source).name, first.problem) == ("hazard", "good", None)
        assert second.name == "hazard (other)"
        assert "already called hazard" in str(second.problem)
        assert str(roots[1]) not in str(second.problem)
        service.predict_pair(make_image(), PairRequest(adapter="hazard", max_new_tokens=1))
    for source in ("hazard (other)", str(roots[1] / "other")):
        with pytest.raises(UserError, match="already called hazard") as caught:
            service.load_adapter(source)
        assert caught.value.field == "adapter"
    (loaded,) = service.predictor().adapters()
    assert Path(loaded.source).name == "good"


def test_a_flag_takes_no_name_either(zoo, roots):
    wanted = [str(roots[1] / "other")]
    service = ModelService(None, zoo.model("qwen2_vl"), wanted, roots[:1], device="cpu")
    service.predictor()
    first, second = service.adapters()
    assert (first.name, first.loaded, first.problem) == ("hazard", False, None)
    assert (second.name, second.loaded) == ("other", False)
    assert "already called hazard" in str(second.problem)


def test_one_folder_written_in_two_ways_is_one_adapter(zoo, roots, monkeypatch):
    monkeypatch.chdir(roots[0].parent)
    wanted = ["shipped/good", "./shipped/../shipped/good"]
    service = ModelService(None, zoo.model("qwen2_vl"), wanted, roots[:1], device="cpu")
    assert [e.name for e in service.adapters()] == ["hazard"]
    service.predictor()
    assert [(e.name, e.loaded, e.problem) for e in service.adapters()] == [("hazard", True, None)]


@pytest.mark.parametrize("source", ["a\0b", "x" * 5000, "owner/" + "n" * 600])
def test_sources_that_no_folder_can_have(source, zoo):
    service = ModelService(None, zoo.model("qwen2_vl"), device="cpu")
    with pytest.raises(UserError) as caught:
        service.load_adapter(source)
    assert caught.value.field == "adapter"
