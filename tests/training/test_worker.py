"""The worker in one process: what it writes, what it says, and how it fails."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from inference.adapters import read_card, validate_adapter
from inference.backbones.loading import load_backbone
from inference.errors import UserError
from inference.heads import soft_argmax
from tests.tiny import FAMILIES, make_tiny, make_tiny_adapter
from tests.training.snapshot_hand import REPLAY_ENTRY, SMALL, config, home_with, snapshot
from training import replayed
from training.config import EXIT_FAILED, EXIT_TRAINED, WorkerConfig
from training.database import connect
from training.home import Home
from training.losses import answer_loss, keep_loss, map_loss
from training.snapshots import Snapshot
from training.worker import items, run
from training.worker import model as worker_model
from training.worker.checkpoints import keep_best, newest
from training.worker.items import Collate, Preparer, Samples, pad_id, whole_items
from training.worker.model import Pointing
from training.worker.reasons import explained
from training.worker.start import build_head, target_names, with_lora


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("qwen2_vl", tmp_path_factory.mktemp("base"))


@pytest.fixture
def made(tmp_path: Path) -> tuple[Home, Snapshot]:
    home, _ = home_with(tmp_path, 6)  # 4 to train on: 2 steps an epoch
    return home, snapshot(home)


def with_job(home: Home, made: Snapshot, name: str = "j1") -> str:
    with connect(home) as db:
        db.execute(
            "insert into jobs (id, task, snapshot, state, runner, config, folder, author, created)"
            " values (?, 'hazard', ?, 'running', 'local', '{}', 'j1', 'ann', 'now')",
            [name, made.hash],
        )
    return name


def row_of(home: Home) -> dict[str, Any]:
    with connect(home) as db:
        return next(iter(db.query("select * from jobs where id = 'j1'")))


Train = Callable[..., tuple[int, WorkerConfig]]


@pytest.fixture
def train(made: tuple[Home, Snapshot], base: Path, tmp_path: Path) -> Train:
    def go(**values: Any) -> tuple[int, WorkerConfig]:
        chosen = config(*made, values.pop("base", base), tmp_path / "run", **values)
        return run.run(chosen), chosen

    return go


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
    for name in ("val_mae_px", "val_mse_px2", "val_corrected_px"):
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


def test_goes_on_from_its_parent(train: Train, base: Path, tmp_path: Path) -> None:
    """With a learning rate of next to nothing the child is its parent."""
    parent = make_tiny_adapter(base, tmp_path / "parent", "patch")
    code, done = train(parent_adapter=parent, learning_rate=1e-8, epochs=1)
    assert code == EXIT_TRAINED
    for file in ("adapter_model.safetensors", "head.safetensors"):
        old, new = load_file(parent / file), load_file(done.output / file)
        assert old.keys() == new.keys()
        assert all(torch.allclose(old[k], new[k], atol=1e-5) for k in old)
    assert read_card(done.output).extra["lineage"]["parent"] == "parent"  # type: ignore[union-attr]


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
    monkeypatch.setitem(replayed.REPLAYS, "world", REPLAY_ENTRY)
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
def test_nf4_with_paged_eight_bit_adamw_and_checkpointing(train: Train) -> None:
    """The paper's recipe, on a CPU."""
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
    config = {"architecture": "patch", "hidden_size": 64, "decode": "window"}
    torch.manual_seed(1)
    pointing = Pointing(backbone, build_head(config), SMALL).eval()
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


class FakeCache(dict[str, Any]):
    put = dict.__setitem__


def test_answer_loss_by_hand() -> None:
    """Two samples, of 1 and 3 tokens: the mean of their means, not of all tokens."""
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    labels, rows = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 1, 1])
    log2, wrong = float(np.log(2)), float(np.log(1 + np.exp(2)))
    expected = (log2 + (log2 + wrong + log2) / 3) / 2
    assert float(answer_loss(logits, labels, rows)) == pytest.approx(expected, rel=1e-6)


def test_map_loss_by_hand() -> None:
    """A point a quarter of a cell right of the first cell's centre, on a 1x2 map."""
    maps = torch.tensor([[[0.75, 0.25]]])
    target = torch.tensor([[0.375, 0.5]])
    expected = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert float(map_loss(maps, target, cell_centres=True)) == pytest.approx(expected, rel=1e-6)
    corner = torch.tensor([[0.0, 0.0]])  # outside the cells' centres: all to the last cell
    loss = map_loss(maps, corner, cell_centres=True)
    assert float(loss) == pytest.approx(-np.log(0.75), rel=1e-6)
    middle = torch.tensor([[0.5, 0.5]])
    loss = map_loss(maps, middle, cell_centres=False)
    assert float(loss) == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2, rel=1e-6)


def test_map_loss_is_least_where_the_mean_is_the_point() -> None:
    """The target's own soft-argmax is the point, so both losses pull the same way."""
    maps = torch.full((1, 4, 5), 1e-9)
    maps[0, 1, 2], maps[0, 1, 3] = 0.6, 0.4
    point = soft_argmax(maps / maps.sum(), cell_centres=True)
    best = map_loss(maps, point, cell_centres=True)
    assert best < map_loss(maps, point + 0.05, cell_centres=True)
    assert best < map_loss(maps, point - 0.05, cell_centres=True)


def test_keep_loss_is_zero_for_the_same_map_and_by_hand_for_another() -> None:
    one, two = torch.tensor([[[0.5, 0.5]]]), torch.tensor([[[0.25, 0.75]]])
    assert float(keep_loss(one, one)) == pytest.approx(0.0, abs=1e-7)
    expected = 0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    assert float(keep_loss(two, one)) == pytest.approx(expected, rel=1e-5)


def test_kept_heatmaps_move_less(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replayed.REPLAYS, "world", REPLAY_ENTRY)
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


# ---- how it fails -------------------------------------------------------------------------------


def test_loss_that_is_no_number_fails_in_words(
    train: Train, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, frozen = made
    calls: list[int] = []

    def diverging(*given: Any) -> torch.Tensor:
        calls.append(1)
        return answer_loss(*given) * (float("nan") if len(calls) > 4 else 1.0)

    monkeypatch.setattr(worker_model, "answer_loss", diverging)
    code, done = train(job=with_job(home, frozen))
    assert code == EXIT_FAILED
    row = row_of(home)
    assert row["stage"] == "failed"
    assert "not a number" in row["reason"]
    assert "learning rate" in row["hint"]
    assert not done.output.exists()


def test_broken_picture_is_named(train: Train, made: Any) -> None:
    home, frozen = made
    frozen.examples[2].picture.write_bytes(b"no picture")
    code, done = train(job=with_job(home, frozen))
    assert code == EXIT_FAILED
    row = row_of(home)
    assert frozen.examples[2].name in row["reason"]
    assert "Leave its case out" in row["hint"]
    assert not done.output.exists()


def test_full_disk_while_features_are_written(
    train: Train, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, frozen = made

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(items.FeatureCache, "put", full)
    code, _ = train(job=with_job(home, frozen))
    assert code == EXIT_FAILED
    row = row_of(home)
    assert row["reason"].startswith("The disk is full")
    assert "Free some space" in row["hint"]


def test_failed_saving_leaves_no_adapter(
    train: Train, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, frozen = made

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run.saving, "save_head", full)
    code, done = train(job=with_job(home, frozen), epochs=1)
    assert code == EXIT_FAILED
    assert sorted(p.name for p in done.output.parent.iterdir()) == ["checkpoints"]


def test_what_is_there_is_not_written_over(train: Train, tmp_path: Path) -> None:
    (tmp_path / "run" / "adapter").mkdir(parents=True)
    (tmp_path / "run" / "adapter" / "mine").write_text("x")
    code, done = train()
    assert code == EXIT_FAILED
    assert (done.output / "mine").read_text() == "x"


def test_saved_adapter_that_answers_otherwise_is_not_handed_out(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = run.saving.write

    def spoilt(folder: Path, tuned: Any, *rest: Any) -> None:
        with torch.no_grad():
            for name, parameter in tuned.named_parameters():
                if "lora_B" in name:
                    parameter.add_(0.5)
        write(folder, tuned, *rest)
        with torch.no_grad():
            for name, parameter in tuned.named_parameters():
                if "lora_B" in name:
                    parameter.sub_(0.5)

    monkeypatch.setattr(run.saving, "write", spoilt)
    code, done = train(epochs=1)
    assert code == EXIT_FAILED
    assert not done.output.exists()


@pytest.mark.parametrize(
    ("error", "reason", "hint"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried"), "memory", "smaller batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you"), "memory", "NF4"),
        (MemoryError(), "memory", "smaller batch"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full", "Free some"),
        (RuntimeError("PytorchStreamWriter failed: No space left"), "disk is full", "Free some"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "could not be used", "written"),
        (ImportError("No module named 'bitsandbytes'"), "package is missing", "Install"),
        (ValueError("odd"), "ValueError: odd", "log"),
        (UserError("Bad.", expected="a", got="b", hint="do c"), "Bad. Expected a. Got b.", "do c"),
    ],
)
def test_reasons_in_words(error: BaseException, reason: str, hint: str) -> None:
    said, advice = explained(error)
    assert reason in said
    assert hint in advice


# ---- checkpoints --------------------------------------------------------------------------------


def test_changed_learning_rate_on_resume_is_refused_at_its_field(train: Train) -> None:
    train(epochs=1)
    _, done = train(epochs=1)  # the first one's adapter is there: fails, checkpoints stay
    with pytest.raises(UserError) as caught:
        newest(done.checkpoints, done.settings.changed_by(learning_rate=1e-3), done.snapshot)
    assert caught.value.field == "learning_rate"
    free = done.settings.changed_by(time_limit_minutes=1, threads=1)
    assert newest(done.checkpoints, free, done.snapshot) is not None
    with pytest.raises(UserError, match="another snapshot"):
        newest(done.checkpoints, done.settings, "f" * 64)


def test_unfinished_checkpoint_does_not_count(train: Train) -> None:
    _, done = train(epochs=2)
    last = newest(done.checkpoints, done.settings, done.snapshot)
    assert last is not None
    half = done.checkpoints / f"checkpoint-{last.step + 2}"
    half.mkdir()
    (half / "optimizer.pt").write_bytes(b"half")
    found = newest(done.checkpoints, done.settings, done.snapshot)
    assert found is not None
    assert found.step == last.step
    assert not half.exists()


def test_best_is_kept_only_while_it_is_best(tmp_path: Path) -> None:
    one, two = {"w": torch.zeros(2)}, {"w": torch.ones(2)}
    assert keep_best(tmp_path, one, 5.0, 1)
    assert not keep_best(tmp_path, two, 5.0, 2)
    assert keep_best(tmp_path, two, 4.0, 3)
    assert torch.equal(load_file(tmp_path / "best.safetensors")["w"], torch.ones(2))


def test_time_limit_keeps_what_there_is(train: Train) -> None:
    code, done = train(epochs=10_00, time_limit_minutes=0.02)
    assert code == EXIT_TRAINED
    assert read_card(done.output).extra["figures"]["steps"] < 3000  # type: ignore[union-attr]
