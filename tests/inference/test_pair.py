"""Both sides in one batch answer as each does alone, and the maps compare the same words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from inference import registry
from inference.errors import Cancelled, UserError
from inference.fields import Point
from inference.predictor import Predictor
from inference.schema import PairRequest
from inference.tasks.coordinates import parse_point
from tests.inference.conftest import PROMPT
from tests.tiny import FAMILIES, HEADS, LAYERS

N = 12


def reference(zoo: Any, family: str, image: Any, adapter: str | None) -> list[int]:
    """Tokens of a plain run: a model of its own, PEFT's own loading, pixels into `generate`."""
    backbone = zoo.predictor(family)._backbone
    view = backbone.preprocess(image.pixels)
    model = zoo.plain(family, adapter and zoo.adapter(family, adapter))
    ids = torch.tensor([backbone.tokenize(view, PROMPT)])
    with torch.no_grad():
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), **view.pixel_inputs,
            **backbone.token_types(ids), max_new_tokens=N, do_sample=False,
            suppress_tokens=backbone.media_ids,
        )  # fmt: skip
    return out[0, ids.shape[1] :].tolist()


def texts(backbone: Any, ids: list[int]) -> list[str]:
    return [backbone.tokenizer.decode([i]) for i in ids]


@pytest.mark.parametrize("adapter", ["patch", "vision"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_pair_says_what_two_separate_models_say(family, adapter, zoo, make_image):
    predictor, image = zoo.predictor(family), make_image()
    pair = predictor.predict_pair(image, PairRequest(adapter=adapter, max_new_tokens=N))
    for side, name in ((pair.base, None), (pair.finetuned, adapter)):
        want = texts(predictor._backbone, reference(zoo, family, image, name))
        got = [t.text for t in side.tokens]
        assert got == want[: len(got)]
        assert len(got) == N or side.tokens[-1].is_special
    assert pair.base.text != pair.finetuned.text
    assert any("one after the other" in note for note in pair.notes) == (adapter == "vision")


@pytest.mark.parametrize("forced", ["base", "finetuned"])
@pytest.mark.parametrize("family", FAMILIES)
def test_traces(family, forced, zoo, make_image):
    request = PairRequest(adapter="patch", forced=forced, max_new_tokens=N)
    pair = zoo.predictor(family).predict_pair(make_image(), request)
    end = zoo.predictor(family)._backbone.tokenizer.eos_token
    said = [t for t in getattr(pair, forced).tokens if t.text != end]
    for side in (pair.base, pair.finetuned):
        trace = side.trace
        n = trace.grid.n_tokens
        assert [t.text for t in trace.tokens] == [t.text for t in said]
        assert trace.attention.shape == (len(said), LAYERS, HEADS, n)
        assert trace.attention_neutral.shape == (LAYERS, HEADS, n)
        assert trace.logit_lens.shape == (len(said), n)
        for values in (trace.attention, trace.attention_neutral, trace.logit_lens):
            assert np.isfinite(values).all()
            assert values.min() >= 0
        assert 0.05 < trace.attention.sum(-1).mean() < 0.99
    own = getattr(pair, forced).trace
    for forced_token, spoken in zip(own.tokens, said, strict=True):
        assert forced_token.logprob == pytest.approx(spoken.logprob, abs=1e-3)
    assert not np.allclose(pair.base.trace.attention, pair.finetuned.trace.attention)


def test_trace_rows_are_those_of_the_query_that_predicts(zoo, make_image):
    """Row 0 is the last prompt position: under the same prompt it is the neutral row."""
    request = PairRequest(adapter="patch", prompt=PROMPT, neutral_prompt=PROMPT, max_new_tokens=4)
    pair = zoo.predictor("qwen2_vl").predict_pair(make_image(), request)
    for side in (pair.base, pair.finetuned):
        np.testing.assert_allclose(side.trace.attention[0], side.trace.attention_neutral, atol=1e-6)


@pytest.mark.parametrize("kind", ["patch", "pooled"])
def test_head(kind, zoo, make_image):
    predictor = Predictor.load(zoo.model("qwen2_vl"), device="cpu")
    predictor.load_adapter(zoo.adapter("qwen2_vl", kind), "a")
    image = make_image(640, 360)
    pair = predictor.predict_pair(image, PairRequest(adapter="a", max_new_tokens=4))
    assert pair.base.head_point is None
    side = pair.finetuned
    grid = side.trace.grid
    want = (16, 16) if kind == "pooled" else (grid.rows, grid.cols)
    assert side.head_map.values.shape == want
    assert side.head_map.values.sum() == pytest.approx(1.0, abs=1e-5)
    assert side.point is side.head_point
    assert 0 <= side.head_point.x_px <= 640
    assert 0 <= side.head_point.y_px <= 360
    row, col = np.unravel_index(side.head_map.values.argmax(), want)
    x1, y1, x2, y2 = side.head_map.grid.cell_px(int(row * want[1] + col))
    near = Point((x1 + x2) / 2, (y1 + y2) / 2, source="truth")
    assert side.head_point.distance_px(near) < 120, "the window lies around the peak"


def test_head_sees_the_adapters_states(zoo, make_image):
    """The head's input is the prompt pass of the fine-tuned row, not of the base."""
    predictor = zoo.predictor("qwen2_vl")
    image = make_image()
    pair = predictor.predict_pair(image, PairRequest(adapter="patch", max_new_tokens=4))
    adapter, backbone = predictor._adapters.get("patch"), predictor._backbone
    model = zoo.plain("qwen2_vl", zoo.adapter("qwen2_vl"))
    view = backbone.preprocess(image.pixels)
    ids = torch.tensor([backbone.tokenize(view, PROMPT)])
    with torch.no_grad():
        inputs = {"input_ids": ids, **view.pixel_inputs, **backbone.token_types(ids)}
        states = model(**inputs, output_hidden_states=True).hidden_states[-1]
        mask = ids == backbone.image_token_id
        out = adapter.head(states, mask, ~mask, (view.grid.rows, view.grid.cols))
    x, y = out.point01[0].tolist()
    assert pair.finetuned.head_point.x_px == pytest.approx(x * 308, abs=0.01)
    assert pair.finetuned.head_point.y_px == pytest.approx(y * 196, abs=0.01)


def test_without_any_adapter_the_model_is_untouched(zoo, make_image):
    predictor = Predictor.load(zoo.model("qwen2_vl"), device="cpu")
    names = [n for n, _ in predictor._backbone.model.named_modules()]
    request = PairRequest(max_new_tokens=N)
    before = predictor.predict_pair(make_image(), request)
    assert (before.finetuned, before.forced, before.distance_px) == (None, "base", None)
    predictor.load_adapter(zoo.adapter("qwen2_vl"), "a")
    with_adapter = predictor.predict_pair(make_image(), request)
    predictor.unload_adapter("a")
    after = predictor.predict_pair(make_image(), request)
    assert before.base.tokens == with_adapter.base.tokens == after.base.tokens
    assert names == [n for n, _ in predictor._backbone.model.named_modules()]


@pytest.mark.parametrize("family", FAMILIES)
def test_points_are_parsed_in_the_sides_own_frame(family, zoo, make_image, monkeypatch):
    """The base writes in its family's frame, the adapter in its card's."""
    predictor = zoo.predictor(family)
    backbone, image = predictor._backbone, make_image(640, 360)
    text = "The area around (100,50) should be paid more attention to."
    monkeypatch.setattr(type(backbone.tokenizer), "decode", lambda *_a, **_k: text)
    pair = predictor.predict_pair(image, PairRequest(adapter="patch", max_new_tokens=2))
    resized = backbone.preprocess(image.pixels).resized_wh
    frame = registry.BACKBONES[family].frame
    assert pair.base.text_point == parse_point(text, (640, 360), frame, resized)
    assert pair.finetuned.text_point == Point(64.0, 18.0, source="text", span=(16, 24))


def test_image_tokens_are_never_answered(zoo, make_image):
    """One in an answer would make the next pass look for a second image."""
    predictor = zoo.predictor("qwen2_vl")
    backbone = predictor._backbone
    weight = backbone.lm_head.weight
    saved = weight.data.clone()
    weight.data[backbone.image_token_id] = weight.data.abs().max() * 50
    weight.data[backbone.image_token_id, ::2] *= -1
    try:
        for seed in range(3):
            pair = predictor.predict_pair(make_image(seed=seed), PairRequest(max_new_tokens=6))
            assert all(t.text != backbone.image_token for t in pair.base.tokens)
    finally:
        weight.data = saved


def test_an_answer_that_is_only_an_end(zoo, make_image, monkeypatch):
    predictor = zoo.predictor("qwen2_vl")
    request = PairRequest(max_new_tokens=6)
    first = predictor.predict_pair(make_image(), request).base.tokens[0].text
    backbone = predictor._backbone
    config = backbone.model.generation_config
    monkeypatch.setattr(config, "eos_token_id", backbone.tokenizer.convert_tokens_to_ids(first))
    pair = predictor.predict_pair(make_image(), request)
    assert len(pair.base.tokens) == len(pair.base.trace.tokens) == 1


def test_sides_of_different_lengths(zoo, make_image, monkeypatch):
    """The shorter answer is padded inside the batch; the padding is not shown."""
    predictor = zoo.predictor("qwen2_vl")
    request = PairRequest(adapter="patch", max_new_tokens=N)
    whole = predictor.predict_pair(make_image(), request)
    backbone = predictor._backbone
    ids = reference(zoo, "qwen2_vl", make_image(), "patch")
    monkeypatch.setattr(backbone.model.generation_config, "eos_token_id", ids[2])
    cut = predictor.predict_pair(make_image(), request)
    n = ids.index(ids[2]) + 1
    assert cut.finetuned.tokens == whole.finetuned.tokens[:n]
    assert len(cut.base.tokens) != n
    shown = [t.text for t in cut.base.tokens]
    assert shown == [t.text for t in whole.base.tokens[: len(shown)]]


@pytest.mark.parametrize("after", [0, 1, 3])
def test_cancel_stops_between_tokens_and_leaves_no_trace(after, zoo, make_image):
    predictor = zoo.predictor("qwen2_vl")
    request = PairRequest(adapter="patch", max_new_tokens=N)
    before = predictor.predict_pair(make_image(), request)
    seen: list[str] = []
    reports = {
        "progress": lambda stage, _fraction: seen.append(stage),
        "cancelled": lambda: seen.count("Writing the answers") > after,
    }
    with pytest.raises(Cancelled):
        predictor.predict_pair(make_image(), request, **reports)
    assert seen.count("Writing the answers") <= after + 2
    answers_as(before, predictor.predict_pair(make_image(), request))


def answers_as(before, again):
    assert again.base.tokens == before.base.tokens
    assert again.finetuned.tokens == before.finetuned.tokens


def test_an_error_mid_way_leaves_no_hooks(zoo, make_image, monkeypatch):
    """PEFT's own hooks stay behind when a forward pass raises; ours must not."""
    predictor = zoo.predictor("qwen2_vl")
    request = PairRequest(adapter="patch", max_new_tokens=N)
    before = predictor.predict_pair(make_image(), request)

    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory, say")

    hook = predictor._backbone.final_norm.register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="out of memory"):
            predictor.predict_pair(make_image(), request)
    finally:
        hook.remove()
    assert not any(m._forward_pre_hooks for m in predictor._backbone.model.modules())
    answers_as(before, predictor.predict_pair(make_image(), request))


@pytest.mark.parametrize("adapter", ["patch", "vision"])
def test_progress_goes_forward_to_the_end(adapter, zoo, make_image):
    steps: list[tuple[str, float]] = []
    request = PairRequest(adapter=adapter, max_new_tokens=4)
    report = lambda *step: steps.append(step)  # noqa: E731
    zoo.predictor("qwen2_vl").predict_pair(make_image(), request, progress=report)
    fractions = [f for _, f in steps]
    assert fractions == sorted(fractions)
    assert steps[-1] == ("Done", 1.0)


@pytest.mark.parametrize("adapter", ["patch", "vision"])
@pytest.mark.parametrize("family", FAMILIES)
def test_scorer_gives_the_traces_log_probability(family, adapter, zoo, make_image):
    predictor, image = zoo.predictor(family), make_image()
    request = PairRequest(adapter=adapter, max_new_tokens=6)
    pair = predictor.predict_pair(image, request)
    ids = reference(zoo, family, image, adapter)[: len(pair.finetuned.trace.tokens)]
    for side in ("base", "finetuned"):
        score = predictor.scorer(image, request, side, ids)
        want = sum(t.logprob for t in getattr(pair, side).trace.tokens)
        assert score(image.pixels) == pytest.approx(want, abs=1e-3)
        assert score(255 - image.pixels) != pytest.approx(want, abs=1e-3)


def test_scorer_refuses_another_shape(zoo, make_image):
    score = zoo.predictor("qwen2_vl").scorer(make_image(), PairRequest(), "base", [5])
    with pytest.raises(UserError, match="another shape"):
        score(np.zeros((10, 10, 3), np.uint8))


BAD_REQUESTS = [
    (PairRequest(prompt=" " * 3), "prompt is empty"),
    (PairRequest(prompt="x" * 10_000), "too long"),
    (PairRequest(neutral_prompt="x" * 10_000), "too long"),
    (PairRequest(task="cooking"), "Unknown task"),
    (PairRequest(adapter="nobody"), "Unknown adapter"),
    (PairRequest(forced="left"), "Unknown side"),  # type: ignore[arg-type]
    (PairRequest(max_new_tokens=0), "length"),
    (PairRequest(max_new_tokens=100_000), "length"),
]


@pytest.mark.parametrize(("request_", "reason"), BAD_REQUESTS, ids=[r for _, r in BAD_REQUESTS])
def test_bad_requests(request_, reason, zoo, make_image):
    with pytest.raises(UserError, match=reason):
        zoo.predictor("qwen2_vl").predict_pair(make_image(), request_)


def test_every_registered_backbone_and_task_resolves():
    for spec in [*registry.BACKBONES.values(), *registry.TASKS.values()]:
        assert registry.resolve(spec.entry) is not None
        assert spec.label
