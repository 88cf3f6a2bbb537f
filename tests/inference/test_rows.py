"""Captured attention rows are the rows of eager attention."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AttentionInterface

from inference.backbones import rows as rows_module
from inference.backbones.rows import RowCapture, attention_rows, capturing
from tests.inference.conftest import PROMPT
from tests.tiny import FAMILIES, HEADS, LAYERS


def test_causal_rows_by_hand():
    """Two heads share one key head; keys are orthogonal, so scores are the queries' numbers."""
    key = torch.eye(3)[None, None]
    query = torch.tensor(
        [[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]], [[0.0, 0, 0], [0, 0, 0], [9, 9, 9]]]]
    )
    got = attention_rows(query, key, torch.tensor([0, 2]), None, 1.0)
    assert got.shape == (1, 2, 2, 3)
    torch.testing.assert_close(got[0, 0, 0], torch.tensor([1.0, 0, 0]))
    torch.testing.assert_close(got[0, 0, 1], torch.tensor([7.0, 8, 9]).softmax(-1))
    torch.testing.assert_close(got[0, 1, 1], torch.full((3,), 1 / 3))


def test_the_last_query_stands_at_the_last_key():
    """As in a step of generation: one query, and all keys visible."""
    query, key = torch.randn(1, 2, 1, 4), torch.randn(1, 1, 5, 4)
    got = attention_rows(query, key, torch.tensor([0]), None, 0.5)
    want = (query @ key.transpose(-1, -2) * 0.5).softmax(-1)
    torch.testing.assert_close(got, want)


@pytest.mark.parametrize("kind", ["bool", "additive"])
def test_masks(kind):
    query, key = torch.randn(1, 1, 3, 4), torch.randn(1, 1, 3, 4)
    seen = torch.tensor([[[[1, 0, 0], [0, 1, 0], [0, 1, 1]]]], dtype=torch.bool)
    mask = seen if kind == "bool" else torch.zeros(seen.shape).masked_fill(~seen, -1e30)
    got = attention_rows(query, key, torch.tensor([2]), mask, 1.0)
    assert got[0, 0, 0, 0] == 0
    assert got.sum() == pytest.approx(1.0)


def padded_batch(backbone: Any, image: Any) -> tuple[dict[str, Any], int]:
    """Two prompts of different lengths over one image, the shorter padded on the left."""
    view = backbone.preprocess(image.pixels)
    features = backbone.encode(view)
    prompts = [backbone.tokenize(view, text) for text in (PROMPT, "Where?")]
    length = max(map(len, prompts))
    inputs = backbone.inputs(view, features, prompts[0], 2)
    pad = backbone.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (length - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (length - len(p)) + [1] * len(p) for p in prompts])
    inputs |= {"input_ids": ids, "attention_mask": mask, **backbone.token_types(ids)}
    return inputs, length


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_rows_match_eager(family, padded, zoo, make_image):
    backbone = zoo.predictor(family)._backbone
    if padded:
        inputs, length = padded_batch(backbone, make_image())
    else:
        view = backbone.preprocess(make_image().pixels)
        ids = backbone.tokenize(view, PROMPT)
        inputs, length = backbone.inputs(view, backbone.encode(view), ids, 2), len(ids)
    wanted = torch.tensor([length - 9, length - 2, length - 1])
    capture = RowCapture(wanted)
    model = backbone.model
    with capturing(model):
        rows_logits = model(**inputs, use_cache=False, row_capture=capture).logits
    model.set_attn_implementation({"text_config": "eager"})
    try:
        eager = model(**inputs, use_cache=False, output_attentions=True)
    finally:
        model.set_attn_implementation({"text_config": "sdpa"})
    want = torch.stack(eager.attentions, 2)[:, :, :, wanted].permute(0, 3, 2, 1, 4)
    got = capture.stacked()
    assert got.shape == (2, 3, LAYERS, HEADS, length)
    assert (got - want).abs().max() <= 1e-5
    assert want.max() > 5 / length, "attention is flat: the comparison would show nothing"
    sdpa_logits = model(**inputs, use_cache=False).logits
    torch.testing.assert_close(rows_logits, sdpa_logits, rtol=0, atol=0)


def test_sdpa_is_back_after_an_error(zoo):
    model = zoo.predictor("qwen2_vl")._backbone.model
    during: list[str] = []

    def fail() -> None:
        with capturing(model):
            for part in (model.model.language_model, model.model.visual):
                during.append(part.config._attn_implementation)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    assert during == ["rows", "sdpa"]  # never in the vision tower
    assert model.model.language_model.config._attn_implementation == "sdpa"


def test_the_shown_text_is_not_the_rows_pass(zoo, make_image, monkeypatch):
    """With a broken capture pass the maps are wrong, and text and point are what they were."""
    from inference.schema import PairRequest

    predictor = zoo.predictor("qwen2_vl")
    request = PairRequest(adapter="patch", max_new_tokens=8)
    right = predictor.predict_pair(make_image(), request)

    def broken(*args: Any, **kwargs: Any) -> Any:
        output, _ = rows_module._forward(*args, **kwargs)
        return torch.zeros_like(output), None

    AttentionInterface.register("rows", broken)
    try:
        wrong = predictor.predict_pair(make_image(), request)
    finally:
        AttentionInterface.register("rows", rows_module._forward)
    for side in ("base", "finetuned"):
        a, b = getattr(right, side), getattr(wrong, side)
        assert (a.text, a.tokens, a.point) == (b.text, b.tokens, b.point)
        assert a.trace.tokens != b.trace.tokens
