"""Which device, which precision, and which weights a model is loaded with."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from inference.adapters import validate_adapter
from inference.backbones import cpu, loading
from inference.backbones.loading import SMALL_BYTES, load_backbone, pick_device, pick_dtype
from inference.errors import UserError
from inference.fingerprint import weights_sha256
from inference.loaded_adapters import backbone_info
from tests.tiny import FAMILIES


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for device in ("cpu", "cuda", "cuda:0", "cuda:1"):
        assert pick_device(device) == device
    for device in ("cuda:2", "cuda:", "cuda:-1", "cuda:one", "gpu", "", "cuda:0 "):
        with pytest.raises(UserError, match="Unknown device") as caught:
            pick_device(device)
        assert caught.value.field == "model"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cuda", "cuda:0"):
        with pytest.raises(UserError, match="No CUDA device"):
            pick_device(device)


@pytest.mark.parametrize(
    ("device", "can", "size", "expected"),
    [
        ("cuda", False, 1, torch.bfloat16),
        ("cuda:1", False, 1, torch.bfloat16),
        ("cpu", True, SMALL_BYTES, torch.bfloat16),
        ("cpu", True, SMALL_BYTES - 1, torch.float32),
        ("cpu", False, SMALL_BYTES, torch.float32),
    ],
)
def test_auto_is_what_the_processor_can(device, can, size, expected, monkeypatch):
    monkeypatch.setattr(cpu, "has_bfloat16", lambda: can)
    assert pick_dtype("auto", device, size) == expected


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", None])
def test_processors(name, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {str(name): True, "avx2": True})
    assert cpu.has_bfloat16() == (name is not None)


def test_the_embedded_model_stays_in_float32(monkeypatch):
    """Its figures were measured so, and rounding changes what it says."""
    monkeypatch.setattr(cpu, "has_bfloat16", lambda: True)
    embedded = Path(__file__).parents[2] / "examples" / "models" / "sightline-tiny"
    assert load_backbone(embedded, device="cpu").model.dtype == torch.float32


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_that_are_converted_are_those_that_transformers_loads(family, zoo, monkeypatch):
    folder = zoo.model(family)
    want = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.bfloat16)
    opened: list[Any] = []
    real = loading.safe_open
    monkeypatch.setattr(loading, "safe_open", lambda *a, **k: opened.append(k) or real(*a, **k))
    got = load_backbone(folder, device="cpu", dtype="bfloat16").model
    assert [k["backend"] for k in opened] == ["pread"]
    assert got.generation_config.to_dict() == want.generation_config.to_dict()
    assert got.state_dict().keys() == want.state_dict().keys()
    assert all(torch.equal(got.state_dict()[k], v) for k, v in want.state_dict().items())
    load_backbone(folder, device="cpu", dtype="float32")  # as stored: mapped
    assert len(opened) == 1


# ---- sharded -------------------------------------------------------------------------------------


def sharded(source: Path, folder: Path) -> Path:
    """A copy of a tiny model in two files with an index."""
    shutil.copytree(source, folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    half, shards = len(weights) // 2, {}
    for n, keys in enumerate((list(weights)[:half], list(weights)[half:]), 1):
        name = f"model-0000{n}-of-00002.safetensors"
        save_file({k: weights[k] for k in keys}, folder / name, metadata={"format": "pt"})
        shards |= dict.fromkeys(keys, name)
    index = {"metadata": {"total_size": 1}, "weight_map": shards}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def changed(folder: Path) -> None:
    """Other weights of the same layout."""
    shard = folder / "model-00002-of-00002.safetensors"
    weights = {k: v + 1 for k, v in load_file(shard).items()}
    save_file(weights, shard, metadata={"format": "pt"})


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_shards_load(dtype, zoo, tmp_path):
    whole = load_backbone(zoo.model("qwen2_vl"), device="cpu", dtype=dtype).model
    folder = sharded(zoo.model("qwen2_vl"), tmp_path / "sharded")
    split = load_backbone(folder, device="cpu", dtype=dtype).model
    assert all(torch.equal(split.state_dict()[k], v) for k, v in whole.state_dict().items())


def test_a_sharded_base_is_named_by_its_weights(zoo, tmp_path):
    """Its index names tensors and files only: another model of the same layout has the same."""
    base = sharded(zoo.model("qwen2_vl"), tmp_path / "base")
    before = weights_sha256(base)
    adapter = tmp_path / "adapter"
    shutil.copytree(zoo.adapter("qwen2_vl", "plain"), adapter)
    card = {"name": "a", "task": "hazard", "base_model": "base", "base_sha256": before}
    (adapter / "card.json").write_text(json.dumps(card))
    info = backbone_info(load_backbone(base, device="cpu"), base, "base")
    assert info.sha256 == before
    validate_adapter(adapter, info)
    changed(base)
    assert weights_sha256(base) != before
    with pytest.raises(UserError, match="another base model"):
        validate_adapter(adapter, info)


def test_a_shard_that_is_missing_is_told(zoo, tmp_path):
    base = sharded(zoo.model("qwen2_vl"), tmp_path / "base")
    (base / "model-00002-of-00002.safetensors").unlink()
    for dtype in ("float32", "bfloat16"):
        with pytest.raises(UserError, match="could not be loaded"):
            load_backbone(base, device="cpu", dtype=dtype)


def test_a_whole_file_is_named_by_its_own_hash(zoo, tmp_path):
    """As the shipped adapters' cards have it; an index beside it is not read."""
    folder = tmp_path / "base"
    shutil.copytree(zoo.model("qwen2_vl"), folder)
    (folder / "model.safetensors.index.json").write_text("{}")
    plain = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert weights_sha256(folder) == plain
    assert weights_sha256(tmp_path) is None
