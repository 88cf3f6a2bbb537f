"""Settings: every field has a meaning and limits, wrong values are refused at their field."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from inference.errors import UserError
from training.jobs.config import WorkerConfig, command_text, launch_command, read_config
from training.jobs.settings import FIELDS, PRESETS, TrainSettings, changed


def test_fields_describe_every_setting_and_nothing_else() -> None:
    assert set(FIELDS) == {f.name for f in dataclasses.fields(TrainSettings)}
    for spec in FIELDS.values():
        assert spec.label
        assert spec.meaning.endswith(".")
        assert spec.limits


def test_defaults_are_the_papers() -> None:
    """INSIGHT, Sec. IV-C."""
    s = PRESETS["insight"].settings
    assert (s.rank, s.alpha, s.dropout) == (8, 16, 0.05)
    assert s.target_modules == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert (s.lambda_text, s.lambda_coord) == (1.0, 0.1)
    assert (s.learning_rate, s.schedule, s.warmup, s.epochs) == (5e-4, "cosine", 0.1, 3)
    assert (s.batch, s.accumulation, s.seed) == (1, 1, 42)
    assert (s.quantize, s.precision, s.optimiser) == ("nf4", "bf16", "paged_adamw_8bit")
    assert s.gradient_checkpointing
    assert (s.head, s.max_pixels) == ("pooled", 512 * 288)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rank", 0),
        ("rank", 8.5),
        ("rank", True),
        ("rank", "8"),
        ("alpha", 0),
        ("dropout", 1.0),
        ("dropout", float("nan")),
        ("target_modules", []),
        ("target_modules", "q_proj"),
        ("target_modules", ["q_proj", "q_proj"]),
        ("target_modules", ["lm_head"]),
        ("learning_rate", -1e-4),
        ("learning_rate", float("inf")),
        ("schedule", "cosinus"),
        ("epochs", 0),
        ("batch", 0),
        ("quantize", "int8"),
        ("precision", "fp16"),
        ("gradient_checkpointing", "yes"),
        ("replay_share", 1.0),
        ("seed", -1),
        ("time_limit_minutes", None),
    ],
)
def test_wrong_value_is_refused_at_its_field(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        TrainSettings.from_json({name: value})
    assert caught.value.field == name
    assert caught.value.expected == FIELDS[name].limits


def test_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match="Unknown setting"):
        TrainSettings.from_json({"learning_rat": 1e-3})


@pytest.mark.parametrize(
    ("values", "field"),
    [({"deepspeed": True}, "optimiser"), ({"train": "head", "head": "none"}, "train")],
    ids=["8-bit optimiser", "no head"],
)
def test_what_does_not_go_together(values: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as caught:
        TrainSettings(**values)
    assert caught.value.field == field


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_survive_json(name: str) -> None:
    settings = PRESETS[name].settings
    assert TrainSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_form_values_come_back_in_their_types() -> None:
    """A slider hands 3.0 for 3."""
    settings = TrainSettings.from_json({"rank": 4.0, "epochs": 2})
    assert isinstance(settings.rank, int)
    assert isinstance(settings.epochs, float)


def test_changed_names_what_differs() -> None:
    one = TrainSettings()
    assert changed(one, one.changed_by(rank=4, seed=42)) == {"rank": (8, 4)}


def worker_config(tmp_path: Path, **values: object) -> WorkerConfig:
    usual = {
        "job": "j1",
        "home": str(tmp_path),
        "snapshot": "0" * 64,
        "settings": {"rank": 4},
        "base": "somewhere/base",
        "parent_adapter": None,
        "output": str(tmp_path / "out"),
        "name": "fix-1",
        "checkpoints": str(tmp_path / "ck"),
        "resume": False,
    }
    return WorkerConfig.from_json({**usual, **values})


def test_config_survives_its_file(tmp_path: Path) -> None:
    config = worker_config(tmp_path)
    assert read_config(config.write(tmp_path / "config.json")) == config


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "../up"}, "name"),
        ({"name": ""}, "name"),
        ({"snapshot": "../../etc"}, "snapshot"),
        ({"device": "tpu"}, "device"),
        ({"resume": "yes"}, "resume"),
        ({"settings": {"rank": 0}}, "rank"),
        ({"settings": None}, None),
        ({"extra": 1}, None),
        ({"home": 1}, None),
    ],
)
def test_config_is_checked(tmp_path: Path, values: dict[str, object], field: str | None) -> None:
    with pytest.raises(UserError) as caught:
        worker_config(tmp_path, **values)
    assert caught.value.field == field


def test_config_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(UserError, match="not a JSON object"):
        read_config(tmp_path / "config.json")


def test_command_is_a_line_for_a_terminal() -> None:
    settings = PRESETS["quick_fix"].settings
    line = command_text(settings, Path("a folder/config.json"), cpu=True)
    assert line.startswith("python -m accelerate.commands.launch --num_processes 1")
    assert line.endswith("-m training.worker 'a folder/config.json'")
    assert "--cpu" in line
    two = launch_command(settings.changed_by(processes=2), Path("c"), cpu=True)
    assert "--multi_gpu" in two  # accelerate's word for several processes, on a CPU too


def test_deepspeed_is_started_by_the_launcher() -> None:
    settings = TrainSettings(deepspeed=True, optimiser="adamw", processes=2)
    line = command_text(settings, Path("c"))
    assert "--use_deepspeed --zero_stage 2" in line
    assert "--multi_gpu" not in line
