"""Weights that cannot be right are refused when they are loaded, by adapter and tensor."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch

from inference.errors import UserError
from inference.predictor import Predictor
from inference.weights import MAX_WEIGHT, read_weights

ROOT = Path(__file__).parents[2]


def spoilt(source: Path, folder: Path, file: str, value: float) -> str:
    """A copy of an adapter with that value in one weight; the weight's name."""
    shutil.copytree(source, folder)
    weights = load_file(folder / file)
    name = sorted(weights)[1]
    weights[name].flat[-1] = value
    save_file(weights, folder / file)
    if file == "head.safetensors":
        head = json.loads((folder / "head.json").read_text())
        head["sha256"] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        (folder / "head.json").write_text(json.dumps(head))
    return name


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "head.safetensors"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -2 * MAX_WEIGHT])
def test_weights_that_cannot_be_right(file, value, zoo, tmp_path):
    tensor = spoilt(zoo.adapter("qwen2_vl"), tmp_path / "spoilt", file, value)
    predictor = Predictor.load(zoo.model("qwen2_vl"), device="cpu")
    with pytest.raises(UserError) as caught:
        predictor.load_adapter(tmp_path / "spoilt", "mine")
    assert caught.value.field == "adapter"
    assert "The adapter mine" in str(caught.value)
    assert tensor in str(caught.value)
    assert predictor.adapters() == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_right_weights_are_read_as_they_are(dtype, tmp_path):
    tensors = {"a": torch.randn(3, 4).to(dtype), "empty": torch.zeros(0, 4, dtype=dtype)}
    tensors["a"][0, 0] = MAX_WEIGHT
    save_torch(tensors, tmp_path / "w.safetensors")
    read = read_weights(tmp_path / "w.safetensors", "mine")
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[k], v) for k, v in tensors.items())


def test_the_shipped_ones_are_far_from_the_bound():
    for path in (ROOT / "examples" / "adapters").glob("*/*.safetensors"):
        most = max(float(t.abs().max()) for t in read_weights(path, path.parent.name).values())
        assert most < MAX_WEIGHT / 100
