"""The build's own arithmetic: fast paths agree with transformers, views with their truth."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from examples.build.adapter import centres, head_outputs, offset_loss, trainable  # noqa: E402
from examples.build.features import Encoded  # noqa: E402
from examples.build.language import hidden_states  # noqa: E402
from examples.build.loop import learning_rate, run  # noqa: E402
from examples.build.model import encode, make_config, new_model, patches_of, vision_angles  # noqa: E402
from examples.build.packing import IGNORE, Packer  # noqa: E402
from examples.build.questions import QUESTIONS, draw_questions, hazard_answer  # noqa: E402
from examples.build.scenes import MAP_SCALE, StoredScene, truth_of  # noqa: E402
from examples.build.settings import Plan, Shape  # noqa: E402
from examples.build.tokenizer import SPECIAL, VOCABULARY, train_tokenizer  # noqa: E402
from examples.build.views import CELL, AgentView, dense_targets, make_view  # noqa: E402
from examples.world import render_scene  # noqa: E402
from inference.heads import build_head  # noqa: E402

GRID = (7, 12)
SHAPE = dataclasses.replace(Shape(), vision_depth=2, depth=2)


def stored(seed: int, **filters: frozenset[str]) -> StoredScene:
    scene = render_scene(seed, (400, 225), **filters)
    half = slice(MAP_SCALE // 2, None, MAP_SCALE)
    maps = [m[half, half] for m in (scene.instances, scene.semantics, scene.depth_m)]
    return StoredScene(scene.image, *maps[:2], maps[2].astype(np.float16), truth_of(scene))


@pytest.fixture(scope="module")
def scenes():
    return [stored(seed) for seed in range(4)]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["The area around (10,20) should be paid more attention to."] * 50)


@pytest.fixture(scope="module")
def model():
    ids = {token: i for i, token in enumerate(SPECIAL)}
    return new_model(make_config(SHAPE, ids, VOCABULARY), seed=0).eval()


def test_fast_vision_is_transformers_vision(model):
    images = torch.randint(0, 255, (2, 196, 336, 3), dtype=torch.uint8)
    patches = patches_of(images)
    doubled = torch.cat([patches.view(2, -1, 3, 1, 14, 14)] * 2, 3).reshape(-1, 3 * 2 * 14 * 14)
    with torch.no_grad():
        grid = torch.tensor([[1, 14, 24]] * 2)
        slow = model.model.visual(doubled, grid_thw=grid).pooler_output.view(2, 84, -1)
        fast = encode(model.model.visual, patches, vision_angles(*GRID, 32, "cpu"))
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-4)


def test_a_packed_question_sees_what_it_would_see_alone(model, tokenizer, scenes):
    rng = np.random.default_rng(0)
    questions = [draw_questions(make_view(s, GRID, rng), rng, 3) for s in scenes[:2]]
    features = torch.randn(2, 84, SHAPE.width)
    packer = Packer(tokenizer)
    packed = packer.pack(questions, GRID)
    with torch.no_grad():
        together = hidden_states(model, packed, features)
        for row, asked in enumerate(questions):
            for i, question in enumerate(asked):
                alone = packer.pack([[question]], GRID)
                states = hidden_states(model, alone, features[row : row + 1])
                got = together[row, packed.last_prompt[row, i]]
                want = states[0, alone.last_prompt[0, 0]]
                torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)


def test_labels_are_the_answer_and_its_end(tokenizer):
    packed = Packer(tokenizer).pack([[("Where?", "Here."), ("Which?", "That.")]], GRID)
    said = packed.labels[packed.labels != IGNORE]
    assert tokenizer.decode(said) == "Here.<|im_end|>That.<|im_end|>"


@pytest.mark.parametrize("architecture", ["patch", "pooled"])
def test_a_packed_head_reads_its_own_question(architecture, model, tokenizer):
    packer = Packer(tokenizer)
    asked = [("Where is the danger?", "Here."), ("Why?", "Because it is so.")]
    features = torch.randn(1, 84, SHAPE.width)
    grid = [16, 16] if architecture == "pooled" else None
    head = build_head({"architecture": architecture, "hidden_size": SHAPE.width, "grid": grid})
    with torch.no_grad():
        packed = packer.pack([asked], GRID)
        both = head_outputs(head, hidden_states(model, packed, features), packed, GRID)
        for i, question in enumerate(asked):
            alone = packer.pack([[question]], GRID)
            one = head_outputs(head, hidden_states(model, alone, features), alone, GRID)
            torch.testing.assert_close(both[i].point01, one[0].point01, atol=1e-5, rtol=1e-4)


def test_a_tokens_offset_leads_to_the_centre_of_the_nearest_thing_it_shows():
    def agent(index: int, box01: tuple[float, float, float, float], depth_m: float) -> AgentView:
        return AgentView(
            index, "car", "red", "away", False, None, True, False, depth_m, 0.5, box01
        )  # fmt: skip

    far, near = agent(0, (0.0, 0.0, 0.5, 1.0), 50.0), agent(1, (0.25, 0.5, 0.5, 1.0), 9.0)
    tiny = agent(2, (0.93, 0.05, 0.94, 0.06), 80.0)  # smaller than a token: keeps the one it is in
    view = make_view(stored(0), (2, 4), None)
    offsets, weight = centres(dataclasses.replace(view, agents=(near, far, tiny)), (2, 4))
    offsets, weight = offsets.reshape(2, 4, 2), weight.reshape(2, 4)
    assert offsets[0, 0].tolist() == pytest.approx([0.5, 0.5])
    assert offsets[1, 0].tolist() == pytest.approx([0.5, -0.5])
    assert offsets[1, 1].tolist() == pytest.approx([0.0, 0.0])  # the near one hides the far one
    assert offsets[0, 3].tolist() == pytest.approx([0.24, -0.39])
    assert weight[:, 2].tolist() == [0.0, 0.0]
    assert weight[1, 1] == weight[0, 3] == 1.0
    assert weight[0, 0] == pytest.approx(4**-0.5)


def test_only_tokens_that_show_something_count_in_the_offset_loss():
    offsets = torch.zeros(1, 1, 2, 2)
    wanted = torch.tensor([[[0.5, -0.25], [9.0, 9.0]]])
    assert offset_loss(offsets, wanted, torch.tensor([[2.0, 0.0]])).item() == pytest.approx(0.75)
    assert offset_loss(offsets, wanted, torch.zeros(1, 2)).item() == 0.0


def test_places_are_one_token_each(tokenizer):
    assert all(len(tokenizer.encode(str(n))) == 1 for n in range(0, 1001, 10))
    text = "Any text: é, 😀, 12345 and <tags>."
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_mirrored_view_mirrors_its_truth(scenes):
    scene = stored(1, only=frozenset({"cut_in"}))
    whole = make_view(scene, GRID, None)
    for seed in range(40):
        view = make_view(scene, GRID, np.random.default_rng(seed))
        if view.hazard is None:
            continue
        swapped = view.rationale != whole.rationale
        if swapped and "left" in whole.rationale:
            assert "right" in view.rationale
    assert whole.rationale == scene.truth["rationale"]


def test_the_hazards_tokens_belong_to_it(scenes):
    for scene in scenes:
        view = make_view(scene, GRID, None)
        assert view.hazard is not None
        targets = dense_targets(view)
        x, y = view.hazard.centre01
        assert targets["agent"].any()
        assert targets["semantics"].sum(-1) == pytest.approx(1.0)
        assert view.instances.shape == (GRID[0] * CELL, GRID[1] * CELL)
        assert 0 <= x <= 1 and 0 <= y <= 1


def test_general_questions_never_ask_for_the_hazard(scenes):
    rng = np.random.default_rng(0)
    for scene in scenes:
        for qa in draw_questions(make_view(scene, GRID, rng), rng, len(QUESTIONS)):
            assert not re.search(r"\b(hazard|danger|attention|risk)\b", " ".join(qa), re.IGNORECASE)


def test_hazard_answers_are_the_papers_sentence(scenes):
    view = make_view(scenes[0], GRID, None)
    _, answer = hazard_answer(view, with_reason=False)
    assert answer.startswith("The area around (")
    assert answer.endswith(") should be paid more attention to.")
    _, longer = hazard_answer(view, with_reason=True)
    assert longer.startswith(answer) and len(longer) > len(answer)


def test_unseen_slices_are_kept_from_the_adapters():
    views = [make_view(stored(s, only=frozenset({k})), GRID, None) for s, k in
             enumerate(["debris", "animal", "pedestrian"])]  # fmt: skip
    seen = []
    for view in views:
        truth = {**view.scene.truth}
        truth["kinds"] = sorted({a["kind"] for a in truth["agents"]})
        light = dataclasses.replace(view, scene=dataclasses.replace(view.scene, truth=truth))
        seen.append(Encoded(GRID, np.zeros((84, 4), np.float16), light))
    kept = trainable(seen)
    assert all("debris" not in s.view.scene.truth["kinds"] for s in kept)
    assert all("animal" not in s.view.scene.truth["kinds"] for s in kept)


@pytest.mark.parametrize(
    ("decay", "rates"),
    [
        (1.0, {0.05: 0.5, 0.1: 1.0, 1.0: 0.0}),
        (0.2, {0.1: 1.0, 0.5: 1.0, 0.8: 1.0, 0.9: 0.5, 1.0: 0.0}),
    ],
    ids=["plain cosine", "held, then falling"],
)
def test_the_learning_rate_rises_and_ends_at_zero(decay, rates):
    plan = Plan(100, 1, 1.0, warmup=0.1, decay=decay)
    for progress, rate in rates.items():
        assert learning_rate(plan, progress) == pytest.approx(rate)


def test_a_stopped_stage_goes_on_where_it_stopped(tmp_path):
    def train(steps: int, folder) -> torch.Tensor:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1)
        x = torch.arange(12.0).view(4, 3) / 10

        def step(index: int):
            return (layer(x + index) - 1).square().mean(), {}

        run(
            "toy", Plan(20, 4, 0.05), {"layer": layer}, lambda i: stop_at(i, steps, step), folder,
            save_every_s=-1.0,
        )  # fmt: skip
        return layer.weight.detach().clone()

    def stop_at(index: int, limit: int, step):
        if index >= limit:
            raise KeyboardInterrupt
        return step(index)

    whole = train(99, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(7, tmp_path / "parts")
    assert torch.equal(train(99, tmp_path / "parts"), whole)


def test_a_finished_stage_reports_its_last_figures_again(tmp_path):
    layer = torch.nn.Linear(1, 1)

    def step(index: int):
        return layer(torch.ones(1, 1)).square().mean(), {"text": float(index)}

    found = [
        run("toy", Plan(10, 4, 0.05), {"layer": layer}, step, tmp_path, log_every=5)
        for _ in range(2)
    ]
    assert (found[1]["text"], found[1]["step"]) == (7.0, 10)
    assert found[1]["loss"] == pytest.approx(found[0]["loss"], abs=1e-5)


def test_a_lost_machine_goes_on_from_the_spare_weights(tmp_path):
    def train(steps: int, folder) -> torch.nn.Module:
        layer = torch.nn.Linear(2, 1)

        def step(index: int):
            return (layer(torch.ones(1, 2)) - index).square().mean(), {}

        result = run(
            "toy", Plan(steps, 4, 0.05), {"layer": layer}, step, folder,
            spare=tmp_path / "spare.safetensors",
        )  # fmt: skip
        assert result["step"] == steps
        return layer

    first = train(10, tmp_path / "lost")
    same = train(10, tmp_path / "new machine")  # all steps are done: the weights as they were
    torch.testing.assert_close(same.weight, first.weight, atol=1e-3, rtol=1e-3)
