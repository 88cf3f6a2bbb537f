"""The Set step: preset, fields, what is wrong at which field, the exact command and config.

Plain functions, no gradio. The form is made from `settings.FIELDS` of training.jobs: a new setting
there is a new field here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import UserError, unknown
from training.jobs.config import WorkerConfig, command_text
from training.jobs.settings import FIELDS, PRESETS, FieldSpec, TrainSettings, changed

SNAPSHOT_FIELDS = ("replay_share", "validation_share")
"""Settings that decide what goes in: they stand in the Choose step, the snapshot fixes them."""

NO_SNAPSHOT = "0" * 64


@dataclass(frozen=True)
class Checked:
    """settings: None while a field is wrong. problems: field -> what is wrong with it."""

    settings: TrainSettings | None
    problems: dict[str, UserError] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """What would be run, to be read and copied."""

    command: str
    config: str


def form_fields() -> dict[str, list[tuple[str, FieldSpec]]]:
    """The fields of the Set step by their group, in order."""
    groups: dict[str, list[tuple[str, FieldSpec]]] = {}
    for name, spec in FIELDS.items():
        if name not in SNAPSHOT_FIELDS:
            groups.setdefault(spec.group, []).append((name, spec))
    return groups


def form_names() -> list[str]:
    return [name for name in FIELDS if name not in SNAPSHOT_FIELDS]


def preset(name: str) -> TrainSettings:
    """UserError for a preset that does not exist."""
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS, field="preset")
    return PRESETS[name].settings


def form_values(settings: TrainSettings) -> dict[str, Any]:
    """What the form's fields show for these settings."""
    values = settings.to_json()
    return {name: values[name] for name in form_names()}


def check(values: Mapping[str, Any], fixed: Mapping[str, Any]) -> Checked:
    """Reads the form. fixed: the settings that the snapshot decides."""
    problems: dict[str, UserError] = {}
    made: dict[str, Any] = dict(fixed)
    for name in form_names():
        try:
            made[name] = FIELDS[name].checked(name, values.get(name))
        except UserError as problem:
            problems[name] = problem
    if problems:
        return Checked(None, problems)
    try:
        return Checked(TrainSettings.from_json(made))
    except UserError as problem:
        return Checked(None, {problem.field or "": problem})


def differences(before: TrainSettings, after: TrainSettings) -> tuple[tuple[str, str, str], ...]:
    """What changed, as (label, before, after)."""
    return tuple(
        (label(name), shown(name, old), shown(name, new))
        for name, (old, new) in changed(before, after).items()
    )


def label(name: str) -> str:
    """A field's label with its unit."""
    spec = FIELDS[name]
    return f"{spec.label} ({spec.unit})" if spec.unit else spec.label


def shown(name: str, value: Any) -> str:
    """A value in words."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def in_words(settings: TrainSettings) -> str:
    """The preset's name where the settings are one, else the preset nearest to them."""
    near = {name: len(_own_changes(p.settings, settings)) for name, p in PRESETS.items()}
    best = min(near, key=lambda name: near[name])
    if near[best] == 0:
        return PRESETS[best].label
    some = "one change" if near[best] == 1 else f"{near[best]} changes"
    return f"{PRESETS[best].label}, {some}"


def _own_changes(one: TrainSettings, other: TrainSettings) -> list[str]:
    return [name for name in changed(one, other) if name not in SNAPSHOT_FIELDS]


def recipe(config: WorkerConfig, path: Path, *, cpu: bool) -> Recipe:
    """The command and the file that it reads."""
    text = json.dumps(config.to_json(), indent=2, ensure_ascii=False)
    return Recipe(command_text(config.settings, path, cpu=cpu), text)
