"""The cases that a proof asks: held-out scenes, drawn once and kept on disk, and the corrected
pictures of a snapshot. Knows no model.

Kept pictures are named by a hash of the code that draws them, so that a change of the drawn world
is never hidden by old files.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.errors import UserError
from inference.fields import values_to_json
from inference.media import load_image
from inference.registry import task as find_task
from inference.schema import ImageInput
from training.evaluation.sets import SPLITS, EvalCase, EvalSet, load_split
from training.proof.results import CORRECTED, HELDOUT
from training.snapshots.counts import snapshot_counts
from training.snapshots.freezing import CORRECTED as BY_PEOPLE
from training.snapshots.freezing import Snapshot
from training.store.database import connect
from training.store.home import Home

SPLIT = "proof"
MOST_CORRECTED = 200
HELDOUT_N = 120  # scenes of the trained slices; a third as many of the unseen ones come on top
DRAWN_WITH = ("numpy", "opencv-python-headless", "pillow")


@dataclass(frozen=True)
class ProofCase:
    """A case with what the page needs to show it. picture: file below the home. media: hash of the
    corrected upload. split: train or validation, of a corrected case."""

    case: EvalCase
    id: str
    kind: str
    picture: str
    media: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class ProofSet:
    """cases: made one by one, to be gone through once. data: what they are measured as."""

    data: EvalSet
    cases: Iterable[ProofCase]


def planned(home: Home, snapshot: str) -> int:
    """How many cases a proof of a training on that snapshot will have."""
    corrections, _ = snapshot_counts(home, snapshot) or (0, 0)
    return HELDOUT_N + HELDOUT_N // 3 + min(corrections, MOST_CORRECTED)


def pace_s(home: Home) -> float | None:
    """Seconds a case of the newest proof that was made here; None without one."""
    with connect(home) as db:
        rows = list(
            db.query(
                "select adapter, json_extract(result, '$.seconds') as seconds, "
                "json_array_length(result, '$.cases') as n from evaluations "
                "where name in (?, ?) order by created desc limit 2",
                [HELDOUT, CORRECTED],
            )
        )
    same = [row["n"] for row in rows if row["adapter"] == rows[0]["adapter"]]
    return rows[0]["seconds"] / sum(same) if sum(same) and rows[0]["seconds"] else None


def heldout(home: Home, task: str, n: int, split: str = SPLIT) -> ProofSet:
    """The first n held-out scenes and those of unseen slices that belong to them."""
    folder = home.root / "cache" / f"heldout-{task}-{drawing_hash(task, split)}"
    index = folder / f"{split}-{n}.json"
    if not index.is_file():
        _draw(folder, index, load_split(task, split, n))
    listed = json.loads(index.read_text(encoding="utf-8"))
    data = EvalSet(
        listed["name"],
        len(listed["cases"]),
        tuple,
        listed["constant"],
        frozenset(listed["unseen"]),
    )
    return ProofSet(data, (_kept(home, folder, task, row) for row in listed["cases"]))


def _kept(home: Home, folder: Path, task: str, row: dict[str, Any]) -> ProofCase:
    path = folder / f"{row['name']}.png"
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    case = EvalCase(
        ImageInput(pixels, row["hash"], row["name"]),
        find_task(task).values(row["truth"]),
        frozenset(row["slices"]),
    )
    return ProofCase(case, row["name"], HELDOUT, str(path.relative_to(home.root)))


def _draw(folder: Path, index: Path, data: EvalSet) -> None:
    """Each file whole or not at all, the list last: a run that is killed goes on where it was."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rows = [_keep(folder, case) for case in data.cases()]
        listed = {
            "name": data.name,
            "constant": data.constant,
            "unseen": sorted(data.unseen),
            "cases": rows,
        }
        _whole(index, json.dumps(listed).encode())
    except OSError as error:
        raise UserError(
            "The held-out pictures could not be kept",
            expected=f"a folder that can be written at {folder}",
            got=str(error.strerror or error),
            hint="Free some space and press Resume; the adapter is trained",
        ) from error


def _keep(folder: Path, case: EvalCase) -> dict[str, Any]:
    path = folder / f"{case.image.name}.png"
    if not path.is_file():
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        Image.fromarray(case.image.pixels).save(fresh, "PNG", compress_level=1)
        os.replace(fresh, path)
    return {
        "name": case.image.name,
        "hash": case.image.content_hash,
        "truth": values_to_json(case.truth),
        "slices": sorted(case.slices),
    }


def _whole(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    os.replace(fresh, path)


@cache
def drawing_hash(task: str, split: str = SPLIT) -> str:
    """Of the code of the package that makes the split, and of the libraries that it draws with."""
    spec = find_spec(SPLITS[f"{task}/{split}"].partition(":")[0])
    assert spec is not None and spec.origin is not None
    digest = hashlib.sha256()
    package = Path(spec.origin).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    for name in DRAWN_WITH:
        digest.update(f"{name} {version(name)}".encode())
    return digest.hexdigest()[:12]


def corrected(home: Home, snapshot: Snapshot, most: int = MOST_CORRECTED) -> ProofSet:
    """The pictures of a snapshot that people corrected; a drawn sample, the same each time, where
    there are more than `most`."""
    examples = [e for e in snapshot.examples if e.source == BY_PEOPLE]
    if len(examples) > most:
        examples = random.Random(snapshot.hash).sample(examples, most)

    def cases() -> Iterator[ProofCase]:
        for example in examples:
            image = load_image(example.picture)
            case = EvalCase(image, example.values, frozenset(example.slices))
            place = str(example.picture.relative_to(home.root))
            case_id = f"{snapshot.task}:{example.sha256}"
            yield ProofCase(case, case_id, CORRECTED, place, example.sha256, example.split)

    return ProofSet(EvalSet(CORRECTED, len(examples), tuple), cases())
