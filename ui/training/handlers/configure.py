"""The Configure step: settings, what is wrong at which field, where the job runs, the exact command
and config, and starting it. No gradio.

The form is made from `settings.FIELDS` of training.jobs: a new setting there is a new field here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inference.errors import UserError, unknown
from training.adapters.folders import adapter_folder
from training.adapters.lineage import can_push
from training.adapters.promotion import in_use
from training.jobs import control as jobs
from training.jobs.config import WorkerConfig, command_text
from training.jobs.rows import JobRow
from training.jobs.runners import HUB, RUNNERS, default_runner, why_not_here
from training.jobs.settings import FIELDS, PRESETS, Preset, TrainSettings, changed
from training.snapshots.freezing import load_snapshot
from training.store.home import Home
from ui.components.words import setting
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor, names_only
from ui.training.handlers.place import Place, task_of

SNAPSHOT_FIELDS = ("replay_share", "validation_share")
"""Settings that decide what goes in: they stand in the Choose step, the snapshot fixes them."""

NAMES = tuple(name for name in FIELDS if name not in SNAPSHOT_FIELDS)
"""Of the fields of this step, in order."""

NO_SNAPSHOT = "0" * 64
Change = tuple[str, str, str]
"""Label of a setting, its value before, its value now."""


# ---- settings ------------------------------------------------------------------------------------


def form_values(settings: TrainSettings) -> dict[str, Any]:
    """What the form's fields show for these settings."""
    values = settings.to_json()
    return {name: values[name] for name in NAMES}


def read_settings(
    home: Home, place: Place, values: Mapping[str, Any]
) -> tuple[TrainSettings | None, dict[str, UserError]]:
    """The form with what the snapshot decides; None while a field is wrong, with what is wrong by
    field."""
    made: dict[str, Any] = {}
    if place.snapshot:
        chosen = load_snapshot(home, place.snapshot).manifest["choices"]
        made = {name: chosen[name] for name in SNAPSHOT_FIELDS if name in chosen}
    problems: dict[str, UserError] = {}
    for name in NAMES:
        try:
            made[name] = FIELDS[name].checked(name, values.get(name))
        except UserError as problem:
            problems[name] = problem
    if problems:
        return None, problems
    try:
        return TrainSettings.from_json(made), {}
    except UserError as problem:
        return None, {problem.field or "": problem}


def differences(
    before: TrainSettings, after: TrainSettings, names: Sequence[str] = tuple(FIELDS)
) -> dict[str, Change]:
    """What differs, by the setting's name."""
    return {
        name: (label(name), setting(old), setting(new))
        for name, (old, new) in changed(before, after).items()
        if name in names
    }


def preset_of(name: str | None) -> Preset:
    """UserError for a preset that does not exist."""
    if name is None or name not in PRESETS:
        raise unknown("preset", str(name)[:100], PRESETS, field="preset")
    return PRESETS[name]


def presets_of(task: str) -> dict[str, Preset]:
    """Those that are made for the task; all where none is."""
    return {k: p for k, p in PRESETS.items() if task in p.tasks} or PRESETS


def nearest_preset(settings: TrainSettings) -> str:
    def far(name: str) -> int:
        return len(differences(PRESETS[name].settings, settings, NAMES))

    return min(PRESETS, key=far)


def label(name: str) -> str:
    """A field's label with its unit."""
    spec = FIELDS[name]
    named = not spec.unit or spec.unit in spec.label
    return spec.label if named else f"{spec.label} ({spec.unit})"


# ---- what would be run, and where ----------------------------------------------------------------


def places_to_run() -> tuple[list[tuple[str, str]], str, str]:
    """(label, runner) of those that can be used, the usual one, and what to know about them: the
    hub's only with a token, this machine unless it cannot."""
    offered = [(spec.label, key) for key, spec in RUNNERS.items()]
    notes = []
    if (why := why_not_here()) is not None:
        notes.append(why)
        offered = [o for o in offered if o[1] == HUB]
    if not can_push():
        offered = [o for o in offered if o[1] != HUB] or offered
        notes.append("Hugging Face Jobs need a login: run `hf auth login`, or set HF_TOKEN.")
    values = [o[1] for o in offered]
    usual = default_runner() if default_runner() in values else values[0]
    return offered, usual, " ".join([*(RUNNERS[v].about for v in values), *notes])


def recipe(
    visitor: Visitor, desk: Desk, place: Place, settings: TrainSettings, name: str
) -> tuple[str, str]:
    """The command and config that would train this in a terminal, without a job."""
    home, name = desk.home, name or "my-adapter"
    folder = home.root / "by-hand" / name
    current = in_use(home, task_of(home, place)) if settings.start == "current" else None
    config = WorkerConfig(
        job=None, home=home.root, snapshot=place.snapshot or NO_SNAPSHOT, settings=settings,
        base=desk.services.base_model() or str(jobs.EMBEDDED_MODEL),
        parent_adapter=adapter_folder(home, current) if current else None,
        output=folder / "adapter", name=name, checkpoints=folder / "checkpoints",
        device=_device(desk),
    )  # fmt: skip
    return _readable(visitor, config, folder / "config.json")


def recipe_of_job(visitor: Visitor, desk: Desk, job: JobRow) -> tuple[str, str]:
    """The same of a job that exists."""
    return _readable(visitor, jobs.worker_config(desk.home, job), job.config_file)


def _readable(visitor: Visitor, config: WorkerConfig, file: Path) -> tuple[str, str]:
    command = command_text(config.settings, file, cpu=config.device == "cpu")
    text = json.dumps(config.to_json(), indent=2, ensure_ascii=False)
    if visitor.reads("paths of the server"):
        return command, text
    return names_only(command), names_only(text)


def _device(desk: Desk) -> str:
    device = desk.services.model_info().device
    return "cuda" if device.startswith("cuda") else device if device == "cpu" else "auto"


# ---- starting ------------------------------------------------------------------------------------


def submit(
    visitor: Visitor, desk: Desk, place: Place, values: Mapping[str, Any], name: str, runner: str
) -> Place:
    """Queues a job on the frozen snapshot; the place where it is watched. UserError names the
    field that is wrong."""
    if not place.snapshot:
        raise UserError(
            "Nothing is chosen to train on",
            hint="Choose corrections, press “Preview training set”, then “Use this set”",
            field="snapshot",
        )
    settings, problems = read_settings(desk.home, place, values)
    if settings is None:
        raise next(iter(problems.values()))
    if runner == HUB and not can_push():
        raise UserError(
            "Hugging Face Jobs need a login", hint="Run `hf auth login`, or set HF_TOKEN"
        )
    job_id = jobs.submit(
        desk.home, place.snapshot, settings, visitor.name, runner or default_runner(),
        place.retry or None, base=desk.services.base_model(), name=(name or "").strip() or None,
        device=_device(desk),
    )  # fmt: skip
    return Place("run", job_id, place.snapshot)
