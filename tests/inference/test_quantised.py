"""NF4, int8 and bfloat16 end to end, on CPU; on CUDA where there is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from bitsandbytes.functional import has_avx512bf16
from bitsandbytes.nn import Linear4bit

from inference.backbones.loading import load_backbone
from inference.inputs import ImageInput
from inference.predictor import Predictor
from inference.schema import PairRequest
from tests.tiny import FAMILIES


def whole_way(predictor: Predictor, zoo: Any, family: str, image: ImageInput) -> Any:
    """Load an adapter, predict the pair, and compare with each side alone."""
    predictor.load_adapter(zoo.adapter(family), "a")
    pair = predictor.predict_pair(image, PairRequest(adapter="a", max_new_tokens=6))
    alone = predictor.predict_pair(image, PairRequest(max_new_tokens=6))
    assert [t.text for t in alone.base.tokens] == [t.text for t in pair.base.tokens]
    for side in (pair.base, pair.finetuned):
        assert np.isfinite(side.trace.attention).all()
        assert side.trace.attention.sum() > 0
    assert pair.finetuned.head_point is not None
    assert [t.text for t in pair.base.tokens] != [t.text for t in pair.finetuned.tokens]
    predictor.unload_adapter("a")
    return pair


def test_int8(zoo, make_image):
    predictor = Predictor.load(zoo.model("qwen2_vl"), quantize="int8", device="cpu")
    assert predictor.info.quantize == "int8"
    assert predictor.info.memory_mb < zoo.predictor("qwen2_vl").info.memory_mb
    whole_way(predictor, zoo, "qwen2_vl", make_image())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_nf4(avx512_bf16, dtype, zoo, make_image):
    """With bitsandbytes' kernel for AVX512-BF16 processors, which packs weights, and without."""
    predictor = Predictor.load(zoo.model("qwen2_vl"), quantize="nf4", device="cpu", dtype=dtype)
    assert predictor.info.quantize == "nf4"
    assert predictor.info.memory_mb < zoo.predictor("qwen2_vl").info.memory_mb
    layers = four_bit_layers(predictor._backbone.model)
    packed = {(m.out_features, m.in_features) for m in layers if m.support_avx512bf16_for_cpu}
    others = {(m.out_features, m.in_features) for m in layers} - packed
    assert bool(packed) == (avx512_bf16 and dtype == "bfloat16")
    assert all(rows % 32 == 0 and columns % 64 == 0 for rows, columns in packed)
    assert any(columns % 64 for _, columns in others)
    if packed and not has_avx512bf16():
        return  # the decision is right; the kernel itself cannot run here
    whole_way(predictor, zoo, "qwen2_vl", make_image())
    used = [m for m in layers if is_packed(m)]
    assert bool(used) == bool(packed)
    assert all(m.support_avx512bf16_for_cpu for m in used)


def test_nf4_that_is_trained_keeps_its_gradients(avx512_bf16, zoo):
    """The kernel has no gradients: what was packed in a validation pass would be trained wrongly
    from then on, without a word."""
    backbone = load_backbone(
        zoo.model("qwen2_vl"), quantize="nf4", device="cpu", dtype="bfloat16", for_training=True
    )
    layer = next(m for m in four_bit_layers(backbone.model) if m.in_features % 64 == 0)
    x = torch.ones(3, layer.in_features, dtype=torch.bfloat16)
    layer.eval()(x)
    x.requires_grad_(True)
    layer.train()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def four_bit_layers(model: torch.nn.Module) -> list[Any]:
    return [m for m in model.modules() if isinstance(m, Linear4bit)]


def is_packed(layer: Any) -> bool:
    return bool(getattr(layer.weight.quant_state, "packing_format_for_cpu", False))


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16(family, zoo, make_image):
    predictor = Predictor.load(zoo.model(family), device="cpu", dtype="bfloat16")
    assert predictor.info.dtype == "bfloat16"
    whole_way(predictor, zoo, family, make_image())


@pytest.mark.gpu
@pytest.mark.parametrize("quantize", ["none", "nf4", "int8"])
@pytest.mark.parametrize("family", FAMILIES)
def test_cuda(family, quantize, zoo, make_image):
    predictor = Predictor.load(zoo.model(family), quantize=quantize, device="cuda")  # type: ignore[arg-type]
    assert predictor.info.device == "cuda"
    whole_way(predictor, zoo, family, make_image())
