"""What a snapshot is made of: examples, what was left out, the plan, the frozen result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.fields import Value, value_to_json
from inference.registry import task as find_task

VERSION = 2
READABLE = (1, VERSION)  # version 1 had point_px instead of values
PICTURES = "pictures"
TRAIN, VALIDATION = "train", "validation"
CORRECTED, REPLAY = "correction", "replay"
WH = tuple[int, int]


@dataclass(frozen=True)
class SnapshotExample:
    """One image with its answer.

    split: train | validation. source: correction | replay. picture: its file. sha256: of the file.
    pixels_sha256: of its RGB values. values: by field, in the image's own pixels. target: the text
    that is taught, in the plan's coordinate frame. scene: images of one scene are in one split.
    corrections: ids of those that agreed on the values.
    """

    split: str
    source: str
    picture: Path
    sha256: str
    pixels_sha256: str
    size_wh: WH
    values: Mapping[str, Value]
    prompt: str
    target: str
    scene: str
    name: str = ""
    slices: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest: the image by its place in the snapshot's folder."""
        return {
            "split": self.split,
            "source": self.source,
            "picture": f"{PICTURES}/{self.sha256}{self.picture.suffix.lower()}",
            "sha256": self.sha256,
            "pixels_sha256": self.pixels_sha256,
            "size_wh": list(self.size_wh),
            "values": {k: _rounded(value_to_json(v)) for k, v in self.values.items()},
            "prompt": self.prompt,
            "target": self.target,
            "scene": self.scene,
            "name": self.name,
            "slices": sorted(self.slices),
            "corrections": sorted(self.corrections),
        }

    @classmethod
    def from_json(cls, task: str, values: Mapping[str, Any], folder: Path) -> SnapshotExample:
        made = dict(values)
        if point := made.pop("point_px", None):
            made["values"] = {"point": {"x_px": point[0], "y_px": point[1], "source": "human"}}
        made["picture"] = folder / made["picture"]
        made["values"] = find_task(task).values(made["values"])
        for name in ("size_wh", "slices", "corrections"):
            made[name] = tuple(made[name])
        return cls(**made)


def _rounded(value: dict[str, Any]) -> dict[str, Any]:
    """Pixels to thousandths."""
    return {k: round(v, 3) if k.endswith("_px") and k != "box_px" else v for k, v in value.items()}


@dataclass(frozen=True)
class LeftOut:
    """what: a case or image, for people. reason: a sentence. corrections: their ids."""

    what: str
    reason: str
    corrections: tuple[str, ...] = ()


@dataclass(frozen=True)
class SnapshotPlan:
    """What would be frozen. choices: how it was chosen (filter, shares, seed, frame), for the
    manifest."""

    task: str
    examples: tuple[SnapshotExample, ...]
    left_out: tuple[LeftOut, ...]
    choices: Mapping[str, Any]

    def part(self, split: str) -> tuple[SnapshotExample, ...]:
        return tuple(e for e in self.examples if e.split == split)

    @property
    def counts(self) -> dict[str, int]:
        """Examples by split and source, e.g. {"train correction": 51, ...}, and "left out"."""
        return counts_of(self.manifest())

    def manifest(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "task": self.task,
            "choices": dict(self.choices),
            "examples": [e.to_json() for e in self.examples],
            "left_out": [
                {"what": x.what, "reason": x.reason, "corrections": sorted(x.corrections)}
                for x in self.left_out
            ],
        }


@dataclass(frozen=True)
class Snapshot:
    """A frozen plan. folder holds the manifest and the images."""

    hash: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def task(self) -> str:
        return str(self.manifest["task"])

    @property
    def examples(self) -> tuple[SnapshotExample, ...]:
        return tuple(
            SnapshotExample.from_json(self.task, values, self.folder)
            for values in self.manifest["examples"]
        )


def counts_of(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Examples by split and source, and "left out"."""
    found: dict[str, int] = {}
    for example in manifest["examples"]:
        key = f"{example['split']} {example['source']}"
        found[key] = found.get(key, 0) + 1
    return {**dict(sorted(found.items())), "left out": len(manifest["left_out"])}
