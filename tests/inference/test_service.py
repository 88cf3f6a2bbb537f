"""The app's model: known without torch, loaded when needed, replaced when it cannot be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

from inference.errors import UserError
from inference.schema import PairRequest
from inference.service import ModelService

ROOT = Path(__file__).parents[2]


def test_no_torch_until_the_first_prediction(zoo):
    code = f"""
import sys
from pathlib import Path
import inference.media, inference.tasks.hazard
from inference.service import ModelService
service = ModelService(None, Path({str(zoo.model("qwen2_vl"))!r}), [],
                       [Path({str(zoo.adapter("qwen2_vl").parent)!r})])
info = service.info()
assert info.embedded and not info.loaded and info.family == "qwen2_vl", info
assert any(e.has_head for e in service.adapters())
heavy = {{"torch", "transformers", "peft", "gradio", "huggingface_hub", "bitsandbytes"}}
print(sorted(heavy & set(sys.modules)))
"""
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert printed.strip() == "[]"


def test_embedded_model_answers(zoo, make_image):
    service = ModelService(None, zoo.model("qwen2_vl"), device="cpu")
    assert service.info().requested is None
    stages: list[str] = []
    pair = service.predict_pair(
        make_image(), PairRequest(max_new_tokens=2), progress=lambda s, _f: stages.append(s)
    )
    assert stages[0] == "Loading the model"
    assert stages[-1] == "Done"
    assert pair.base.text is not None
    info = service.info()
    assert info.loaded
    assert info.embedded
    assert info.memory_mb > 0
    assert info.fallback_reason is None


def test_requested_folder(zoo):
    service = ModelService(str(zoo.model("smolvlm")), zoo.model("qwen2_vl"), device="cpu")
    assert service.info().family == "smolvlm"
    assert not service.info().embedded
    service.predictor()
    assert service.info().id == "smolvlm"
    assert service.info().fallback_reason is None


def no_file(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def config(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "config.json").write_text(text)


WEIGHTS = "model.safetensors"
SPOILT: dict[str, Callable[[Path], object]] = {
    "no config": no_file("config.json"),
    "unknown family": config('{"model_type": "llama"}'),
    "config is no json": config("{"),
    "truncated weights": lambda f: os.truncate(f / WEIGHTS, (f / WEIGHTS).stat().st_size - 1000),
    "pickle only": lambda f: (f / WEIGHTS).rename(f / "pytorch_model.bin"),
    "no tokenizer": no_file("tokenizer.json"),
    "no image processor": no_file("preprocessor_config.json"),
}
ABSENT = ("/no/such/modle", "nobody/nothing-here", "not a model at all")


@pytest.mark.parametrize("kind", [*SPOILT, *ABSENT])
def test_a_model_that_cannot_be_had_is_replaced(kind, zoo, tmp_path, make_image):
    requested = kind
    if kind in SPOILT:
        requested = str(shutil.copytree(zoo.model("qwen2_vl"), tmp_path / "model"))
        SPOILT[kind](tmp_path / "model")
    service = ModelService(requested, zoo.model("qwen2_vl"), device="cpu")
    service.warm_up().join()
    info = service.info()
    assert info.embedded
    assert info.loaded
    assert info.requested == requested
    assert info.fallback_reason
    assert "Traceback" not in info.fallback_reason
    assert service.predict_pair(make_image(), PairRequest(max_new_tokens=1)).base.tokens


FORBIDDEN = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (GatedRepoError("gated", response=FORBIDDEN), "hf auth login"),
        (RepositoryNotFoundError("missing", response=FORBIDDEN), "spelling"),
        (ConnectionError("no route"), "not be reached"),
    ],
)
def test_each_answer_of_the_hub_gives_its_own_sentence(error, words, monkeypatch, zoo):
    monkeypatch.setattr(HfApi, "model_info", Mock(side_effect=error))
    service = ModelService("someone/some-model", zoo.model("qwen2_vl"), device="cpu")
    assert service.info().id == "someone/some-model"
    service.warm_up().join()
    assert words in service.info().fallback_reason


def test_cuda_that_is_not_there_falls_back(zoo):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    model = str(zoo.model("smolvlm"))
    service = ModelService(model, zoo.model("qwen2_vl"), device="cuda")
    service.warm_up().join()
    assert service.info().embedded
    assert "CUDA" in service.info().fallback_reason


def test_a_broken_embedded_model_is_told(tmp_path, make_image):
    """Nothing can run, and every call says why; the warm-up's error is not lost."""
    service = ModelService(None, tmp_path)
    service.warm_up().join()
    assert "could not be loaded" in service.info().fallback_reason
    with pytest.raises(UserError) as caught:
        service.predict_pair(make_image(), PairRequest())
    assert caught.value.field == "model"


def test_adapters_from_flags_and_roots(zoo, tmp_path, make_image):
    root = tmp_path / "adapters"
    shutil.copytree(zoo.adapter("qwen2_vl", "pooled"), root / "offered")
    shutil.copytree(zoo.adapter("smolvlm", "plain"), root / "foreign")
    wanted = [str(zoo.adapter("qwen2_vl")), str(tmp_path / "missing"), "nobody/nothing-here"]
    service = ModelService(None, zoo.model("qwen2_vl"), wanted, [root], device="cpu")
    assert {e.name for e in service.adapters() if e.problem is None} >= {"qwen2_vl-pooled"}
    service.warm_up().join()
    by_name = {e.name: e for e in service.adapters()}
    assert by_name["qwen2_vl-patch"].loaded
    assert not by_name["qwen2_vl-pooled"].loaded
    assert "another base" in by_name["foreign"].problem
    assert by_name["missing"].problem
    assert by_name["nothing-here"].problem
    request = PairRequest(adapter="qwen2_vl-pooled", max_new_tokens=2)
    assert service.predict_pair(make_image(), request).finetuned.head_map is not None
    assert {e.name: e for e in service.adapters()}["qwen2_vl-pooled"].loaded
    service.unload_adapter("qwen2_vl-pooled")
    after = {e.name: e for e in service.adapters()}["qwen2_vl-pooled"]
    assert (after.loaded, after.problem) == (False, None)
    service.load_adapter("qwen2_vl-pooled")
    with pytest.raises(UserError, match="another base"):
        service.load_adapter("foreign")
    with pytest.raises(UserError, match="Unknown adapter"):
        service.predict_pair(make_image(), PairRequest(adapter="nobody"))
