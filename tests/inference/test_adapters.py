"""Adapter folders: good ones load, every bad one gives a sentence and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.numpy import load_file, save_file

from inference.adapters import discover, examine, validate_adapter
from inference.errors import UserError
from inference.predictor import Predictor
from inference.schema import PairRequest
from inference.tasks.hazard import PROMPT
from tests.tiny import FAMILIES, make_tiny, make_tiny_adapter

WEIGHTS = "adapter_model.safetensors"


def edit(folder: Path, file: str, **values: Any) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def edit_weights(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)


def cut(folder: Path, file: str) -> None:
    path = folder / file
    path.write_bytes(path.read_bytes()[:-100])


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({"a": torch.zeros(1)}, folder / "adapter_model.bin")


def linked_outside(folder: Path) -> None:
    outside = folder.parent / "elsewhere.safetensors"
    shutil.move(folder / WEIGHTS, outside)
    (folder / WEIGHTS).symlink_to(outside)


def wider(weights: dict[str, np.ndarray]) -> None:
    for key, value in weights.items():
        if "lora_A" in key:
            weights[key] = np.zeros((value.shape[0], value.shape[1] * 2), value.dtype)


def other_names(weights: dict[str, np.ndarray]) -> None:
    for key in list(weights):
        weights[key.replace("layers.0", "layers.40")] = weights.pop(key)


def half_missing(weights: dict[str, np.ndarray]) -> None:
    del weights[next(k for k in weights if "lora_B" in k)]


def ranks_differ(weights: dict[str, np.ndarray]) -> None:
    key = next(k for k in weights if "lora_B" in k)
    weights[key] = np.ascontiguousarray(weights[key][:, :4])


def magnitude(weights: dict[str, np.ndarray]) -> None:
    key = next(k for k in weights if "lora_A" in k)
    weights[key.replace("lora_A.weight", "lora_magnitude_vector")] = np.zeros(64, np.float32)


def holding(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / WEIGHTS).write_bytes(content)


CONFIG = "adapter_config.json"
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty folder": (lambda f: [p.unlink() for p in f.iterdir()], "not an adapter"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "no weights"),
    "pickle": (pickled, "pickle"),
    "truncated": (lambda f: cut(f, WEIGHTS), "damaged or cut off"),
    "zero bytes": (holding(b""), "damaged"),
    "not safetensors": (holding(b"PK\x03\x04" * 99), "damaged"),
    "huge header": (holding(struct.pack("<Q", 2**62) + b"{}"), "damaged"),
    "link out of the folder": (linked_outside, "outside its folder"),
    "config is no json": (lambda f: (f / CONFIG).write_text("{"), "JSON"),
    "config is a list": (lambda f: (f / CONFIG).write_text("[1]"), "JSON object"),
    "config nested deep": (lambda f: (f / CONFIG).write_text("[" * 100_000), "JSON"),
    "config too large": (lambda f: (f / CONFIG).write_text(" " * 2_000_000), "too large"),
    "prefix tuning": (lambda f: edit(f, CONFIG, peft_type="PREFIX_TUNING"), "Only LoRA"),
    "no type": (lambda f: (f / CONFIG).write_text("{}"), "Only LoRA"),
    "DoRA": (lambda f: edit(f, CONFIG, use_dora=True), "DoRA"),
    "modules_to_save": (lambda f: edit(f, CONFIG, modules_to_save=["lm_head"]), "both sides"),
    "biases": (lambda f: edit(f, CONFIG, bias="all"), "biases"),
    "trainable tokens": (lambda f: edit(f, CONFIG, trainable_token_indices=[1]), "embeddings"),
    "layer replication": (lambda f: edit(f, CONFIG, layer_replication=[[0, 2]]), "depth"),
    "PiSSA": (lambda f: edit(f, CONFIG, init_lora_weights="pissa"), "base's own weights"),
    "unknown setting": (lambda f: edit(f, CONFIG, use_magic=True), "use_magic"),
    "rank 0": (lambda f: edit(f, CONFIG, r=0), "rank"),
    "rank as text": (lambda f: edit(f, CONFIG, r="8"), "rank"),
    "alpha not finite": (lambda f: edit(f, CONFIG, lora_alpha=float("nan")), "lora_alpha"),
    "pattern": (lambda f: edit(f, CONFIG, alpha_pattern={"(a+)+$": 1}), "plain names"),
    "wrong width": (lambda f: edit_weights(f, wider), "another base model"),
    "layers that the base lacks": (lambda f: edit_weights(f, other_names), "another base model"),
    "half missing": (lambda f: edit_weights(f, half_missing), "incomplete"),
    "ranks differ": (lambda f: edit_weights(f, ranks_differ), "rank"),
    "DoRA weights": (lambda f: edit_weights(f, magnitude), "not a LoRA"),
    "no tensors": (lambda f: save_file({}, f / WEIGHTS), "no weights"),
    "card of another base": (lambda f: edit(f, "card.json", base_sha256="0" * 64), "another base"),
    "card with unknown fields": (lambda f: edit(f, "card.json", run="rm -rf"), "unknown fields"),
    "card without a name": (lambda f: edit(f, "card.json", name=""), "'name'"),
    "card with a frame": (lambda f: edit(f, "card.json", coordinate_frame="inches"), "frame"),
    "card with odd types": (lambda f: edit(f, "card.json", heldout=[1]), "'heldout'"),
    "head truncated": (lambda f: cut(f, "head.safetensors"), "damaged"),
    "head without description": (lambda f: (f / "head.json").unlink(), "head is incomplete"),
    "description without head": (lambda f: (f / "head.safetensors").unlink(), "head is incomplete"),
    "head's hash": (lambda f: edit(f, "head.json", sha256="0" * 64), "damaged or was changed"),
    "head of another base": (lambda f: edit(f, "head.json", base_sha256="1" * 64), "another base"),
    "head of another width": (lambda f: edit(f, "head.json", hidden_size=65), "another base"),
    "head of another kind": (lambda f: edit(f, "head.json", architecture="mlp"), "patch or pooled"),
    "head of neither kind": (lambda f: edit(f, "head.json", offsets="no"), "true or false"),
    "head with unknown fields": (lambda f: edit(f, "head.json", code="x"), "unknown fields"),
}


@pytest.fixture(scope="module")
def target(zoo):
    predictor = Predictor.load(zoo.model("qwen2_vl"), device="cpu")
    predictor.load_adapter(zoo.adapter("qwen2_vl"), "good")
    return predictor


@pytest.mark.parametrize(("spoil", "reason"), BAD.values(), ids=BAD)
def test_bad_adapter_gives_a_sentence(spoil, reason, zoo, tmp_path, target):
    folder = tmp_path / "adapter"
    shutil.copytree(zoo.adapter("qwen2_vl"), folder)
    spoil(folder)
    with pytest.raises(UserError) as caught:
        target.load_adapter(folder, "bad")
    assert caught.value.field == "adapter"
    assert reason in str(caught.value)
    assert [e.name for e in target.adapters()] == ["good"]
    entry = examine(folder, target.backbone_info)
    assert entry.problem == str(caught.value)


def test_after_all_those_the_good_one_still_answers(target, make_image):
    target.predict_pair(make_image(), PairRequest(adapter="good", max_new_tokens=2))


@pytest.mark.parametrize(
    "source",
    ["/no/such/folder", "nobody/nothing-here", "../../etc/passwd", "name/../other", "/etc/passwd",
     "", "a b c"],
)  # fmt: skip
def test_bad_sources(source, target):
    with pytest.raises(
        UserError, match=r"no such adapter|not an adapter|could not be had"
    ) as caught:
        target.load_adapter(source)
    assert caught.value.field == "adapter"


def test_head_of_another_model_of_the_same_shape(zoo, tmp_path):
    """Same shapes, other weights: only the hash can tell."""
    other = make_tiny("qwen2_vl", tmp_path / "other", seed=5)
    with pytest.raises(UserError, match="another base model"):
        Predictor.load(other, device="cpu").load_adapter(zoo.adapter("qwen2_vl"))


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_adapter_from_elsewhere(family, zoo, make_image):
    """No head and no card: the point comes from the text alone, and the page says so."""
    predictor = Predictor.load(zoo.model(family), device="cpu")
    entry = predictor.load_adapter(zoo.adapter(family, "plain"))
    assert entry.name == f"{family}-plain"
    assert entry.loaded
    assert (entry.card, entry.has_head, entry.targets_vision) == (None, False, False)
    request = PairRequest(adapter=entry.name, max_new_tokens=2)
    pair = predictor.predict_pair(make_image(), request)
    assert pair.finetuned.head_map is None
    assert any("text alone" in note for note in pair.notes)


def test_old_names_of_layers_are_understood(zoo, tmp_path, make_image):
    """Adapters made before transformers moved Qwen2-VL's layers under model.language_model."""
    folder = tmp_path / "old"
    shutil.copytree(zoo.adapter("qwen2_vl", "plain"), folder)

    def rename(weights: dict[str, np.ndarray]) -> None:
        for key in list(weights):
            weights[key.replace("model.language_model.layers", "model.layers")] = weights.pop(key)

    edit_weights(folder, rename)
    edit(folder, CONFIG, target_modules=r"model\.layers.*(q|k|v|o)_proj")
    predictor = Predictor.load(zoo.model("qwen2_vl"), device="cpu")
    predictor.load_adapter(folder, "old")
    predictor.load_adapter(zoo.adapter("qwen2_vl", "plain"), "new")
    requests = [PairRequest(adapter=n, max_new_tokens=4) for n in ("old", "new")]
    old, new = (predictor.predict_pair(make_image(), r).finetuned.tokens for r in requests)
    assert old == new


@pytest.mark.parametrize(
    "settings",
    [
        {"use_rslora": True},
        {"rank_pattern": {"q_proj": 4}, "alpha_pattern": {"q_proj": 32}},
        {"layers_to_transform": [0, 2], "target_modules": ["q_proj", "down_proj"]},
    ],
    ids=["rslora", "patterns", "some layers"],
)
def test_settings_mean_what_they_mean_in_peft(settings, zoo, tmp_path, make_image):
    base = zoo.model("qwen2_vl")
    if "layers_to_transform" in settings:
        lora = LoraConfig(init_lora_weights=False, layers_pattern="layers", **settings)
        get_peft_model(zoo.plain("qwen2_vl"), lora).save_pretrained(tmp_path / "a")
    else:
        make_tiny_adapter(base, tmp_path / "a", **settings)
    predictor = Predictor.load(base, device="cpu")
    predictor.load_adapter(tmp_path / "a", "a")
    pair = predictor.predict_pair(make_image(), PairRequest(adapter="a", max_new_tokens=6))
    backbone = predictor._backbone
    view = backbone.preprocess(make_image().pixels)
    ids = torch.tensor([backbone.tokenize(view, PROMPT)])
    with torch.no_grad():
        out = zoo.plain("qwen2_vl", tmp_path / "a")(
            input_ids=ids, **view.pixel_inputs, **backbone.token_types(ids)
        )
    want = out.logits[0, -1].log_softmax(-1).max().item()
    assert pair.finetuned.tokens[0].logprob == pytest.approx(want, abs=1e-4)


def test_replacing_by_name(zoo, make_image):
    predictor = Predictor.load(zoo.model("qwen2_vl"), device="cpu")
    request = PairRequest(adapter="x", max_new_tokens=4)
    predictor.load_adapter(zoo.adapter("qwen2_vl", "pooled"), "x")
    first = predictor.predict_pair(make_image(), request)
    predictor.load_adapter(zoo.adapter("qwen2_vl", "patch"), "x")
    second = predictor.predict_pair(make_image(), request)
    assert first.finetuned.head_map.values.shape == (16, 16)
    assert second.finetuned.head_map.values.shape != (16, 16)
    assert [e.name for e in predictor.adapters()] == ["x"]
    assert len(predictor._adapters.bank._peft.peft_config) == 1
    predictor.unload_adapter("x")
    with pytest.raises(UserError, match="Unknown adapter"):
        predictor.unload_adapter("x")


def test_discover(zoo, tmp_path):
    shutil.copytree(zoo.adapter("qwen2_vl"), tmp_path / "b-good")
    shutil.copytree(zoo.adapter("qwen2_vl"), tmp_path / "a-bad")
    cut(tmp_path / "a-bad", "head.safetensors")
    (tmp_path / "no-adapter").mkdir()
    (tmp_path / "file").write_text("x")
    found = discover([tmp_path, tmp_path / "missing"])
    assert [Path(e.source).name for e in found] == ["a-bad", "b-good"]
    assert [e.problem is None for e in found] == [False, True]
    assert (found[1].card.coordinate_frame, found[1].card.head) == ("norm1000", "patch")


def test_hub_cache_links_are_allowed(zoo, tmp_path):
    """In the hub's cache a snapshot's files are links to ../../blobs."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for file in zoo.adapter("qwen2_vl").iterdir():
        shutil.copy(file, blobs / file.name)
        os.symlink(f"../../blobs/{file.name}", snapshot / file.name)
    assert validate_adapter(snapshot).entry.has_head


def test_validation_reads_no_weights(zoo, monkeypatch):
    monkeypatch.setattr("safetensors.torch.load_file", lambda *_a, **_k: pytest.fail("loaded"))
    assert validate_adapter(zoo.adapter("qwen2_vl")).entry.loaded is False
