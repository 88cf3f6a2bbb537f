"""The worker in one process: what it writes and what it computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from inference.adapters import read_card, validate_adapter
from inference.backbones.loading import load_backbone
from inference.errors import UserError
from inference.heads import build_head, usual_config
from tests.tiny import FAMILIES, make_tiny, make_tiny_adapter
from tests.training.snapshot_hand import REPLAY_ENTRY, SMALL, config, home_with, snapshot
from tests.training.worker_hand import Train, row_of, with_job
from training.jobs.config import EXIT_FAILED, EXIT_TRAINED
from training.snapshots import replayed
from training.store.database import connect
from training.worker import run
from training.worker.items import Collate, Preparer, Samples, pad_id, whole_items
from training.worker.model import Pointing
from training.worker.start import target_names, with_lora

# ---- what it writes -----------------------------------------------------------------------------


def test_adapter_loads_and_its_card_names_its_origin(train: Train, made: Any, base: Path) -> None:
    home, frozen = made
    code, done = train(job=with_job(home, frozen))
    assert code == EXIT_TRAINED
    checked = validate_adapter(done.output)
    card = read_card(done.output)
    assert checked.entry.has_head
    assert card is not None
    assert card.extra["lineage"] == {"snapshot": frozen.hash, "parent": None, "job": "j1"}
    assert card.extra["settings"] == done.settings.to_json()
    assert card.extra["figures"]["last"]["val_median_px"] > 0
    assert (card.head, card.task, card.name) == ("patch", "hazard", "tiny")
    row = row_of(home)
    assert (row["stage"], row["step"], row["steps"]) == ("trained", 4, 4)
    assert not list(done.output.parent.glob(".*"))


def test_figures_reach_the_database(train: Train, made: Any) -> None:
    home, frozen = made
    train(job=with_job(home, frozen))
    with connect(home) as db:
        rows = list(db.query("select * from job_metrics where job = 'j1'"))
    steps: dict[str, list[int]] = {}
    for row in rows:
        steps.setdefault(row["name"], []).append(row["step"])
    for name in ("loss", "text_loss", "coord_loss", "learning_rate", "grad_norm"):
        assert sorted(steps[name]) == [1, 2, 3, 4], name
    assert {"samples_per_s", "memory_mb", "eta_s"} <= steps.keys()
    for name in ("val_mean_px", "val_mse_px2", "val_corrected_px"):
        assert sorted(steps[name]) == [0, 2, 4], name  # before, and after each epoch


def test_loss_falls_and_the_base_is_untouched(train: Train, base: Path) -> None:
    before = load_file(base / "model.safetensors")
    code, done = train(epochs=12, learning_rate=2e-2)
    assert code == EXIT_TRAINED
    figures = read_card(done.output).extra["figures"]  # type: ignore[union-attr]
    assert figures["last"]["val_text_loss"] < figures["before"]["val_text_loss"] - 0.5
    after = load_file(base / "model.safetensors")
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize("head", ["pooled", "none"])
def test_other_heads(train: Train, head: str) -> None:
    code, done = train(head=head, epochs=1)
    assert code == EXIT_TRAINED
    assert (done.output / "head.safetensors").exists() == (head == "pooled")


def test_the_head_alone(train: Train, base: Path, tmp_path: Path) -> None:
    parent = make_tiny_adapter(base, tmp_path / "parent", "patch")
    code, done = train(parent_adapter=parent, learning_rate=1e-2, train="head")
    assert code == EXIT_TRAINED
    same = {}
    for file in ("adapter_model.safetensors", "head.safetensors"):
        old, new = load_file(parent / file), load_file(done.output / file)
        same[file] = all(torch.equal(old[k], new[k]) for k in old)
    assert same == {"adapter_model.safetensors": True, "head.safetensors": False}


def test_interpolated_weights_lie_between_the_parents_and_the_trained(
    train: Train, base: Path, tmp_path: Path
) -> None:
    parent = make_tiny_adapter(base, tmp_path / "parent", "patch")
    options = {"parent_adapter": parent, "learning_rate": 1e-2}
    trained, between = (
        train(folder=tmp_path / f"run{share:g}", interpolation=share, **options)[1]
        for share in (1.0, 0.25)
    )
    for file in ("adapter_model.safetensors", "head.safetensors"):
        old, whole, part = (load_file(d / file) for d in (parent, trained.output, between.output))
        assert any(not torch.equal(old[k], whole[k]) for k in old)
        for k in old:
            assert torch.allclose(part[k], old[k].lerp(whole[k], 0.25), atol=1e-6), k
    extra = read_card(between.output).extra  # type: ignore[union-attr]
    assert extra["lineage"]["parent"] == "parent"
    figures = extra["figures"]
    assert figures["saved"] != figures["last"]
    assert figures["last"] == read_card(trained.output).extra["figures"]["last"]  # type: ignore[union-attr]


def test_a_head_that_the_parent_did_not_have_is_saved_as_trained(
    train: Train, base: Path, tmp_path: Path
) -> None:
    parent = make_tiny_adapter(base, tmp_path / "parent")
    options = {"parent_adapter": parent, "learning_rate": 1e-2, "epochs": 1}
    trained, between = (
        train(folder=tmp_path / f"run{share:g}", interpolation=share, **options)[1]
        for share in (1.0, 0.25)
    )
    for file, same in (("head.safetensors", True), ("adapter_model.safetensors", False)):
        whole, part = (load_file(d.output / file) for d in (trained, between))
        assert all(torch.equal(whole[k], part[k]) for k in whole) == same


@pytest.mark.parametrize(
    ("values", "field"),
    [({"rank": 4}, "rank"), ({"alpha": 8}, "alpha"), ({"head": "pooled"}, "head")],
)
def test_parent_of_another_shape_is_refused(
    train: Train, made: Any, base: Path, tmp_path: Path, values: dict[str, Any], field: str
) -> None:
    home, frozen = made
    parent = make_tiny_adapter(base, tmp_path / "parent", "patch")
    code, done = train(job=with_job(home, frozen), parent_adapter=parent, **values)
    assert code == EXIT_FAILED
    assert "parent" in row_of(home)["reason"]
    assert not done.output.exists()


def test_slices_that_were_learned_are_no_longer_unseen(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replayed.REPLAYS, "hazard/world", REPLAY_ENTRY)
    home, _ = home_with(tmp_path, 4)
    frozen = snapshot(home, replay_share=0.5)
    parent = make_tiny_adapter(base, tmp_path / "parent", "patch")
    card = json.loads((parent / "card.json").read_text())
    card["not_trained_on"] = ["pedestrian", "debris"]
    (parent / "card.json").write_text(json.dumps(card))
    chosen = config(home, frozen, base, tmp_path / "run", parent_adapter=parent, epochs=1)
    assert run.run(chosen) == EXIT_TRAINED
    assert read_card(chosen.output).not_trained_on == ("debris",)  # type: ignore[union-attr]


@pytest.mark.slow
def test_nf4_with_paged_eight_bit_adamw_and_checkpointing(train: Train, avx512_bf16: bool) -> None:
    """The paper's recipe, on a CPU with AVX512-BF16 and on one without."""
    code, done = train(
        quantize="nf4",
        optimiser="paged_adamw_8bit",
        gradient_checkpointing=True,
        precision="bf16",
        head="pooled",
        epochs=1,
    )
    assert code == EXIT_TRAINED
    assert validate_adapter(done.output).entry.has_head


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES[1:])
def test_other_families_train(train: Train, family: str, tmp_path: Path) -> None:
    code, done = train(base=make_tiny(family, tmp_path / family), epochs=1)
    assert code == EXIT_TRAINED
    assert not validate_adapter(done.output).entry.targets_vision


# ---- what it computes ---------------------------------------------------------------------------


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = make_tiny(request.param, tmp_path_factory.mktemp(request.param))
    return load_backbone(folder, device="cpu")


def batch_of(backbone: Any, examples: Any, cache: Any) -> tuple[Pointing, Samples, Collate]:
    with_lora(backbone, SMALL)
    torch.manual_seed(1)
    head = build_head(usual_config("patch", 64))
    torch.nn.init.normal_(head.scorer.offset.weight, std=0.1)
    pointing = Pointing(backbone, head, SMALL).eval()
    preparer = Preparer(backbone, "hazard", "norm1000", cache)
    samples = Samples(whole_items(examples, SMALL), preparer)
    return pointing, samples, Collate(backbone, pad_id(backbone))


def test_a_batch_is_the_mean_of_its_samples(family: Any, made: Any) -> None:
    """Padding, pictures side by side, and answers of different lengths change nothing; nor does
    where the features come from."""
    pointing, samples, collate = batch_of(family, made[1].examples, None)
    with torch.no_grad():
        alone = [pointing(**collate([samples[i]])) for i in range(3)]
        together = pointing(**collate([samples[i] for i in range(3)]))
        kept = FakeCache()
        cached = Samples(samples.items, Preparer(family, "hazard", "norm1000", kept))  # type: ignore[arg-type]
        again = pointing(**collate([cached[i] for i in range(3)]))
    for name in ("text_loss", "coord_loss", "map_loss", "loss"):
        mean = sum(float(a[name]) for a in alone) / 3
        assert float(together[name]) == pytest.approx(mean, rel=1e-4), name
        assert float(again[name]) == pytest.approx(float(together[name]), rel=1e-6), name
    points = torch.cat([a["points01"] for a in alone])
    assert torch.allclose(points, together["points01"], atol=1e-4)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_shown_points_loss_alone_trains_the_offsets(
    weight: float, family: Any, made: Any
) -> None:
    pointing, samples, collate = batch_of(family, made[1].examples, None)
    settings = SMALL.changed_by(train="head", lambda_map=1.0, lambda_shown=weight, dropout=0)
    pointing = Pointing(family, pointing.head, settings)
    out = pointing(**collate([samples[i] for i in range(3)]))
    out["loss"].backward()
    assert pointing.head is not None
    offset = pointing.head.scorer.offset
    assert bool(offset.weight.grad.any()) == bool(weight)
    with torch.no_grad():
        offset.bias += 1.0
        moved = pointing(**collate([samples[i] for i in range(3)]))
    grids = [samples[i]["encoded"].grid for i in range(3)]
    cells = torch.tensor([(g.cols, g.rows) for g in grids])
    assert torch.allclose(moved["points01"] - out["points01"], 1 / cells, atol=1e-5)
    assert float(moved["coord_loss"]) == pytest.approx(float(out["coord_loss"].detach()))


def test_kept_states_change_nothing(family: Any, made: Any) -> None:
    """The head alone: the language model sees each sample once, whatever batch it comes in."""
    pointing, samples, collate = batch_of(family, made[1].examples, None)
    alone = SMALL.changed_by(train="head", lambda_coord=1.0, lambda_map=1.0, dropout=0)
    keeping = Pointing(family, pointing.head, alone)
    runs: list[Any] = []
    hook = family.decoder.register_forward_hook(lambda *_: runs.append(None))
    grads = []
    try:
        for model in (pointing, keeping, keeping):
            model.settings = alone if model is keeping else alone.changed_by(train="all")
            model.head.zero_grad()  # type: ignore[union-attr]
            batches = ([0, 1], [2]) if len(grads) < 2 else ([2, 1], [0])
            for chosen in batches:
                share = len(chosen) / 3
                (share * model(**collate([samples[i] for i in chosen]))["loss"]).backward()
            grads.append([p.grad.clone() for p in model.head.parameters()])  # type: ignore[union-attr]
    finally:
        hook.remove()
    assert len(runs) == 2 + 3
    for one, two, three in zip(*grads, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(two, three, rtol=1e-4, atol=1e-7)


class FakeCache(dict[str, Any]):
    put = dict.__setitem__


def test_kept_heatmaps_move_less(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replayed.REPLAYS, "hazard/world", REPLAY_ENTRY)
    home, _ = home_with(tmp_path, 3)
    frozen = snapshot(home, replay_share=0.5)
    parent = make_tiny_adapter(base, tmp_path / "parent", "patch")
    moved = {}
    for keep in (1e-6, 5.0):
        chosen = config(
            home, frozen, base, tmp_path / f"run{keep}", job=with_job(home, frozen, f"j{keep}"),
            parent_adapter=parent, epochs=8, learning_rate=2e-3, lambda_keep=keep, lambda_text=0,
            lambda_map=1, dropout=0,
        )  # fmt: skip
        assert run.run(chosen) == EXIT_TRAINED
        with connect(home) as db:
            query = "select value from job_metrics where name = 'keep_loss' and job = ?"
            values = [row["value"] for row in db.query(query + " order by step", [f"j{keep}"])]
        assert values[0] < 1e-4, "the first step is the parent itself"
        moved[keep] = sum(values[-4:])
    assert moved[5.0] < 0.5 * moved[1e-6]


def test_only_the_language_model_gets_lora(family: Any) -> None:
    names = target_names(family, ("q_proj",)) if not _has_lora(family) else []
    assert not [n for n in names if "visual" in n or "vision" in n]
    with pytest.raises(UserError) as caught:
        target_names(family, ("c_attn",))
    assert caught.value.field == "target_modules"


def _has_lora(backbone: Any) -> bool:
    return any("lora_" in n for n, _ in backbone.model.named_parameters())
