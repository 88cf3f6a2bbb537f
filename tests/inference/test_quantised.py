"""NF4, int8 and bfloat16 end to end, on CPU; on CUDA where there is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.predictor import Predictor
from inference.schema import ImageInput, PairRequest
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


@pytest.mark.parametrize("quantize", ["nf4", "int8"])
def test_quantised_qwen2_vl(quantize: str, zoo: Any, make_image: Any) -> None:
    folder = zoo.model("qwen2_vl")
    predictor = Predictor.load(folder, quantize=quantize, device="cpu")  # type: ignore[arg-type]
    plain = zoo.predictor("qwen2_vl").info.memory_mb
    assert predictor.info.quantize == quantize
    assert predictor.info.memory_mb < plain
    whole_way(predictor, zoo, "qwen2_vl", make_image())


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16(family: str, zoo: Any, make_image: Any) -> None:
    predictor = Predictor.load(zoo.model(family), device="cpu", dtype="bfloat16")
    assert predictor.info.dtype == "bfloat16"
    whole_way(predictor, zoo, family, make_image())


@pytest.mark.gpu
@pytest.mark.parametrize("quantize", ["none", "nf4", "int8"])
@pytest.mark.parametrize("family", FAMILIES)
def test_cuda(family: str, quantize: str, zoo: Any, make_image: Any) -> None:
    predictor = Predictor.load(zoo.model(family), quantize=quantize, device="cuda")  # type: ignore[arg-type]
    assert predictor.info.device == "cuda"
    whole_way(predictor, zoo, family, make_image())
