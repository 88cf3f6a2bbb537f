"""What can be plugged in, by name. Entries are strings, resolved on first use, so that listing
them imports neither torch nor transformers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from inference.errors import unknown


@dataclass(frozen=True)
class Spec:
    """label: for people. entry: "module:attribute"."""

    label: str
    entry: str


@dataclass(frozen=True)
class BackboneSpec(Spec):
    """frame: the coordinate frame in which this family writes positions unless an adapter's card
    says otherwise (see inference.tasks.coordinates.FRAMES)."""

    frame: str = "norm1000"


# Keys are the `model_type` of a model's config.json.
BACKBONES: dict[str, BackboneSpec] = {
    "qwen2_vl": BackboneSpec("Qwen2-VL", "inference.backbones.qwen_vl:QwenVL", "norm1000"),
    "qwen2_5_vl": BackboneSpec("Qwen2.5-VL", "inference.backbones.qwen_vl:QwenVL", "resized_px"),
    "qwen3_vl": BackboneSpec("Qwen3-VL", "inference.backbones.qwen_vl:QwenVL", "norm1000"),
    "smolvlm": BackboneSpec("SmolVLM", "inference.backbones.smolvlm:SmolVLM", "original_px"),
}

TASKS: dict[str, Spec] = {
    "hazard": Spec("Hazard point", "inference.tasks.hazard:TASK"),
}


PLUGINS = "SIGHTLINE_PLUGINS"


def load_plugins() -> None:
    """Import the modules that the variable SIGHTLINE_PLUGINS names, separated by commas: each adds
    its tasks, explainers, presets or splits to the registries when it is imported. Called by every
    program at its start."""
    for name in filter(None, os.environ.get(PLUGINS, "").split(",")):
        import_module(name.strip())


def resolve(entry: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, attribute = entry.partition(":")
    return getattr(import_module(module), attribute)


def task(name: str) -> Any:
    """The task of that name (an inference.tasks.base.Task)."""
    if name not in TASKS:
        raise unknown("task", name, TASKS, "task")
    return resolve(TASKS[name].entry)
