"""The cases that a proof measures: held-out scenes, drawn once and stored, and the corrected
images of a snapshot. Knows no model.

Stored images are named by a hash of the code that draws them, so that a change of the drawn world
is never hidden by old files.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from inference.media import load_media
from training.evaluation.drawn import store, stored_case
from training.evaluation.sets import SPLITS, EvalCase, EvalSet, load_split
from training.proof.results import CORRECTED, HELDOUT
from training.snapshots.counts import snapshot_counts
from training.snapshots.types import CORRECTED as BY_PEOPLE
from training.snapshots.types import Snapshot
from training.store.database import connect
from training.store.home import Home
from training.store.whole import write_json

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
    picture: str | None = None
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


def heldout(home: Home, task: str, n: int) -> ProofSet:
    """The first n held-out scenes and those of unseen slices that belong to them."""
    folder = home.root / "cache" / f"heldout-{task}-{drawing_hash(task)}"
    index = folder / f"{SPLIT}-{n}-cases.json"
    if not index.is_file():
        data = load_split(task, SPLIT, n)
        listed = {"name": data.name, "constant": data.constant, "unseen": sorted(data.unseen)}
        write_json(index, {**listed, "cases": store(folder, data.cases())})
    listed = json.loads(index.read_text(encoding="utf-8"))
    rows, unseen = listed["cases"], frozenset(listed["unseen"])

    def cases() -> Iterator[ProofCase]:
        for row in rows:
            place = str((folder / row["picture"]).relative_to(home.root))
            yield ProofCase(stored_case(folder, task, row), row["name"], HELDOUT, place)

    return ProofSet(EvalSet(listed["name"], len(rows), tuple, listed["constant"], unseen), cases())


@cache
def drawing_hash(task: str) -> str:
    """Of the code of the package that makes the split, and of the libraries that it draws with."""
    spec = find_spec(SPLITS[f"{task}/{SPLIT}"].partition(":")[0])
    assert spec is not None and spec.origin is not None
    digest = hashlib.sha256()
    package = Path(spec.origin).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    for name in DRAWN_WITH:
        digest.update(f"{name} {version(name)}".encode())
    return digest.hexdigest()[:12]


def corrected(home: Home, snapshot: Snapshot, most: int = MOST_CORRECTED) -> ProofSet:
    """The images of a snapshot that people corrected; a drawn sample, the same each time, where
    there are more than `most`."""
    examples = [e for e in snapshot.examples if e.source == BY_PEOPLE]
    if len(examples) > most:
        examples = random.Random(snapshot.hash).sample(examples, most)

    def cases() -> Iterator[ProofCase]:
        for example in examples:
            image = load_media(example.picture)
            case = EvalCase(image, example.values, frozenset(example.slices))
            place = str(example.picture.relative_to(home.root))
            case_id = f"{snapshot.task}:{example.sha256}"
            yield ProofCase(case, case_id, CORRECTED, place, example.sha256, example.split)

    return ProofSet(EvalSet(CORRECTED, len(examples), tuple), cases())
