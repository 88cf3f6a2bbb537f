"""Passes that go on from the answer's cache see what a pass over the whole sentence sees."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from inference.backbones import cpu, tracing
from inference.backbones.generation import generate
from tests.inference.conftest import PROMPT
from tests.tiny import FAMILIES


@pytest.fixture(params=FAMILIES)
def answered(request, zoo, make_image):
    """A function that answers afresh: (backbone, view, features, generated)."""
    backbone = zoo.predictor(request.param)._backbone

    def ask() -> Any:
        with torch.inference_mode():
            view = backbone.preprocess(make_image().pixels)
            seen = backbone.encode(view)
            ids = backbone.tokenize(view, PROMPT)
            return backbone, view, seen, generate(backbone, view, seen, ids, 2, max_new_tokens=5)

    return ask


@torch.inference_mode()
def test_the_cache_changes_nothing(answered, monkeypatch):
    words = [7, 11, 13, 7]
    passes: list[tuple[Any, Any]] = []
    fed: list[int] = []
    for whole in (False, True):
        if whole:
            monkeypatch.setattr(tracing, "_shared", lambda *_: 0)
        backbone, view, seen, made = answered()
        hook = backbone.final_norm.register_forward_hook(
            lambda _m, _a, out: fed.append(out.shape[1])
        )
        other = backbone.tokenize(view, "Describe the image.")
        forced = tracing.force(backbone, view, seen, made, words)
        plain = tracing.last_prompt_row(backbone, view, seen, made, other)
        hook.remove()
        passes.append((forced, plain))
    assert fed[0] == len(words)
    assert fed[1] < fed[3] == len(other)
    (a, a_plain), (b, b_plain) = passes
    torch.testing.assert_close(torch.tensor(a.attention), torch.tensor(b.attention))
    torch.testing.assert_close(torch.tensor(a.logprobs), torch.tensor(b.logprobs))
    torch.testing.assert_close(torch.tensor(a.lens), torch.tensor(b.lens))
    torch.testing.assert_close(torch.tensor(a_plain), torch.tensor(b_plain))


@torch.inference_mode()
def test_without_the_whole_image_nothing_is_shared(answered):
    backbone, view, _, made = answered()
    ids = backbone.tokenize(view, PROMPT)
    assert tracing._shared(backbone, made, ids) == len(ids)
    cut = ids.index(backbone.image_token_id) + 1
    assert tracing._shared(backbone, made, ids[:cut]) == 0
    assert tracing._shared(backbone, made, [0, *ids[1:]]) == 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 2, 3, 8, 9])
def test_few_rows_are_the_same_product(rows, bias):
    plain = nn.Linear(96, 160, bias=bias)
    fast = nn.Linear(96, 160, bias=bias)
    fast.load_state_dict(plain.state_dict())
    cpu.lighten(nn.Sequential(fast))
    assert type(fast) is cpu.FewRowsLinear
    x = torch.randn(rows, 1, 96)
    with torch.inference_mode():
        torch.testing.assert_close(fast(x), plain(x))
        assert fast(x).is_contiguous()
        torch.testing.assert_close(fast(x.transpose(0, 1)), plain(x.transpose(0, 1)))


def test_few_rows_learn_as_before():
    layer = nn.Linear(8, 4)
    cpu.lighten(nn.Sequential(layer))
    layer(torch.randn(2, 8)).sum().backward()
    assert layer.weight.grad is not None


def test_other_precisions_stay_as_they_are():
    layer = nn.Linear(8, 4, dtype=torch.bfloat16)
    cpu.lighten(nn.Sequential(layer))
    assert type(layer) is nn.Linear


class _Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(8, 16), nn.Linear(8, 16)
        self.down_proj = nn.Linear(16, 8)
        self.longest = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.longest = max(self.longest, x.shape[1])
        return self.down_proj(self.gate_proj(x).sigmoid() * self.up_proj(x))


@torch.inference_mode()
def test_an_mlp_in_chunks_is_the_same_mlp():
    mlp, x = _Mlp(), torch.randn(2, 3 * cpu.CHUNK + 5, 8)
    whole = mlp(x)
    mlp.longest = 0
    cpu.lighten(nn.Sequential(mlp))
    torch.testing.assert_close(mlp(x), whole)
    assert mlp.longest == cpu.CHUNK
