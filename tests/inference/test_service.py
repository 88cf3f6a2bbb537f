"""The app's model: known without torch, loaded when needed, replaced when it cannot be had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inference.errors import UserError
from inference.schema import PairRequest
from inference.service import ModelService

ROOT = Path(__file__).parents[2]


def test_no_torch_until_the_first_prediction(zoo: Any) -> None:
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
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_embedded_model_answers(zoo: Any, make_image: Any) -> None:
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


def test_requested_folder(zoo: Any) -> None:
    service = ModelService(str(zoo.model("smolvlm")), zoo.model("qwen2_vl"), device="cpu")
    assert service.info().family == "smolvlm"
    assert not service.info().embedded
    service.predictor()
    assert service.info().id == "smolvlm"
    assert service.info().fallback_reason is None


def broken(kind: str, zoo: Any, tmp_path: Path) -> str:
    """A MODEL that cannot be had."""
    if kind == "mistyped folder":
        return str(tmp_path / "modle")
    if kind == "hub id offline":
        return "nobody/nothing-here"
    if kind == "not an id":
        return "not a model at all"
    folder = tmp_path / "model"
    shutil.copytree(zoo.model("qwen2_vl"), folder)
    config = folder / "config.json"
    if kind == "no config":
        config.unlink()
    elif kind == "unknown family":
        config.write_text(json.dumps({"model_type": "llama"}))
    elif kind == "config is no json":
        config.write_text("{")
    elif kind == "truncated weights":
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif kind == "pickle only":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    elif kind == "no tokenizer":
        (folder / "tokenizer.json").unlink()
    elif kind == "no image processor":
        (folder / "preprocessor_config.json").unlink()
    return str(folder)


KINDS = [
    "mistyped folder",
    "hub id offline",
    "not an id",
    "no config",
    "unknown family",
    "config is no json",
    "truncated weights",
    "pickle only",
    "no tokenizer",
    "no image processor",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_cannot_be_had_is_replaced(
    kind: str, zoo: Any, tmp_path: Path, make_image: Any
) -> None:
    requested = broken(kind, zoo, tmp_path)
    service = ModelService(requested, zoo.model("qwen2_vl"), device="cpu")
    service.warm_up().join()
    info = service.info()
    assert info.embedded
    assert info.loaded
    assert info.requested == requested
    assert info.fallback_reason
    assert "Traceback" not in info.fallback_reason
    assert service.predict_pair(make_image(), PairRequest(max_new_tokens=1)).base.tokens


@pytest.mark.parametrize("error", ["gated", "missing", "unreachable"])
def test_hub_answers(error: str, monkeypatch: pytest.MonkeyPatch, zoo: Any) -> None:
    """Each answer of the hub gives its own sentence."""
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    response = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co"))
    raised = {
        "gated": lambda: GatedRepoError("gated", response=response),
        "missing": lambda: RepositoryNotFoundError("missing", response=response),
        "unreachable": lambda: ConnectionError("no route"),
    }[error]

    def answer(*_: Any, **__: Any) -> None:
        raise raised()

    monkeypatch.setattr(HfApi, "model_info", answer)
    service = ModelService("someone/some-model", zoo.model("qwen2_vl"), device="cpu")
    assert service.info().id == "someone/some-model"
    service.warm_up().join()
    reason = service.info().fallback_reason
    words = {"gated": "hf auth login", "missing": "spelling", "unreachable": "not be reached"}
    assert words[error] in reason


def test_cuda_that_is_not_there_falls_back(zoo: Any) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    model = str(zoo.model("smolvlm"))
    service = ModelService(model, zoo.model("qwen2_vl"), device="cuda")
    service.warm_up().join()
    assert service.info().embedded
    assert "CUDA" in service.info().fallback_reason


def test_a_broken_embedded_model_is_told(tmp_path: Path, make_image: Any) -> None:
    """Nothing can run, and every call says why; the warm-up's error is not lost."""
    service = ModelService(None, tmp_path)
    service.warm_up().join()
    assert "could not be loaded" in service.info().fallback_reason
    with pytest.raises(UserError) as caught:
        service.predict_pair(make_image(), PairRequest())
    assert caught.value.field == "model"


def test_adapters_from_flags_and_roots(zoo: Any, tmp_path: Path, make_image: Any) -> None:
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


def test_importing_inference_is_quick_enough_to_open_a_page() -> None:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    code = "import sys, inference.service; print(len(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 700
