"""What a snapshot is made of: examples, what was left out, the plan, the frozen result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
PICTURES = "pictures"
TRAIN, VALIDATION = "train", "validation"
CORRECTED, REPLAY = "correction", "replay"
XY = tuple[float, float]
WH = tuple[int, int]


@dataclass(frozen=True)
class SnapshotExample:
    """One picture with its point.

    split: train | validation. source: correction | replay. picture: its file. sha256: of the file.
    pixels_sha256: of its RGB pixels. point_px: in its own pixels. target: the sentence that is
    taught, in the plan's coordinate frame. scene: pictures of one scene are in one split.
    corrections: ids of those that agreed on the point.
    """

    split: str
    source: str
    picture: Path
    sha256: str
    pixels_sha256: str
    size_wh: WH
    point_px: XY
    prompt: str
    target: str
    scene: str
    name: str = ""
    slices: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest: the picture by its place in the snapshot's folder."""
        return {
            "split": self.split,
            "source": self.source,
            "picture": f"{PICTURES}/{self.sha256}{self.picture.suffix.lower()}",
            "sha256": self.sha256,
            "pixels_sha256": self.pixels_sha256,
            "size_wh": list(self.size_wh),
            "point_px": [round(v, 3) for v in self.point_px],
            "prompt": self.prompt,
            "target": self.target,
            "scene": self.scene,
            "name": self.name,
            "slices": sorted(self.slices),
            "corrections": sorted(self.corrections),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], folder: Path) -> SnapshotExample:
        made = dict(values)
        made["picture"] = folder / made["picture"]
        for name in ("size_wh", "point_px", "slices", "corrections"):
            made[name] = tuple(made[name])
        return cls(**made)


@dataclass(frozen=True)
class LeftOut:
    """what: a case or picture, for people. reason: a sentence. corrections: their ids."""

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
    """A frozen plan. folder holds the manifest and the pictures."""

    hash: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def task(self) -> str:
        return str(self.manifest["task"])

    @property
    def examples(self) -> tuple[SnapshotExample, ...]:
        return tuple(
            SnapshotExample.from_json(values, self.folder) for values in self.manifest["examples"]
        )


def counts_of(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Examples by split and source, and "left out"."""
    found: dict[str, int] = {}
    for example in manifest["examples"]:
        key = f"{example['split']} {example['source']}"
        found[key] = found.get(key, 0) + 1
    return {**dict(sorted(found.items())), "left out": len(manifest["left_out"])}
