"""A running app takes new adapters, and new weights under an old name, without a restart."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from inference.schema import PairRequest
from inference.service import ModelService, files_version
from tests.tiny import make_tiny_adapter


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "adapters"
    folder.mkdir()
    return folder


def answer(service: ModelService, image: Any, name: str) -> list[float]:
    pair = service.predict_pair(image, PairRequest(adapter=name, max_new_tokens=3))
    assert pair.finetuned is not None
    return [token.logprob for token in pair.finetuned.tokens]


def test_a_new_adapter_is_offered_and_used_without_a_restart(zoo, make_image, root):
    service = ModelService(None, zoo.model("qwen2_vl"), adapter_roots=[root], device="cpu")
    service.predictor()
    assert service.adapters() == []
    made = root.parent / "made"
    shutil.copytree(zoo.adapter("qwen2_vl", "patch"), made)
    os.rename(made, root / "qwen2_vl-patch")  # as a job does
    (entry,) = service.adapters()
    assert (entry.problem, entry.loaded) == (None, False)
    assert answer(service, make_image(), entry.name)
    assert service.adapters()[0].loaded


def test_new_weights_under_an_old_name_are_loaded_again(zoo, make_image, root):
    base = zoo.model("qwen2_vl")
    make_tiny_adapter(base, root / "mine", seed=1)
    service = ModelService(None, base, adapter_roots=[root], device="cpu")
    before = answer(service, make_image(), "mine")
    loads = 0
    predictor = service.predictor()
    load = predictor.load_adapter

    def counted(*arguments: Any) -> Any:
        nonlocal loads
        loads += 1
        return load(*arguments)

    predictor.load_adapter = counted  # type: ignore[method-assign]
    assert answer(service, make_image(), "mine") == before
    assert loads == 0
    shutil.rmtree(root / "mine")
    make_tiny_adapter(base, root / "mine", seed=2)
    after = answer(service, make_image(), "mine")
    assert loads == 1
    assert after != before
    assert [e.name for e in service.adapters()] == ["mine"]
    fresh = ModelService(None, base, adapter_roots=[root], device="cpu")
    assert after == pytest.approx(answer(fresh, make_image(), "mine"), abs=1e-5)


def test_a_loaded_adapter_whose_files_are_gone_still_answers(zoo, make_image, root):
    base = zoo.model("qwen2_vl")
    make_tiny_adapter(base, root / "mine", seed=1)
    service = ModelService(None, base, adapter_roots=[root], device="cpu")
    before = answer(service, make_image(), "mine")
    shutil.rmtree(root / "mine")
    assert answer(service, make_image(), "mine") == before


def test_a_version_is_of_weights_and_head(zoo, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(zoo.adapter("qwen2_vl", "patch"), folder)
    first = files_version(str(folder))
    assert len(first.split()) == 2
    (folder / "card.json").write_text("{}")
    assert files_version(str(folder)) == first
    with (folder / "head.safetensors").open("ab") as file:
        file.write(b" ")
    assert files_version(str(folder)) != first
    assert files_version("nobody/on-the-hub") == ""
