"""Snapshots: the exact images and answers that a training run may see, frozen in a folder that is
named by the hash of its manifest. No torch.

A snapshot never changes. The manifest holds no author and no date, so the same content always has
the same hash, and freezing it again gives the same snapshot.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.errors import UserError
from inference.fingerprint import file_sha256
from training.snapshots.types import (
    PICTURES,
    READABLE,
    TRAIN,
    Snapshot,
    SnapshotExample,
    SnapshotPlan,
    counts_of,
)
from training.store.database import connect
from training.store.home import Home
from training.store.rows import now, writing

MANIFEST = "manifest.json"


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """sha256 of the manifest in one fixed spelling."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def freeze(home: Home, plan: SnapshotPlan, author: str) -> Snapshot:
    """Write the folder, then the rows. A folder that is there has everything: it is written beside
    its place and renamed. Raises UserError (field "snapshot"): nothing to train on; an image is
    gone or was changed."""
    if not plan.part(TRAIN):
        raise UserError(
            "The snapshot would hold nothing to train on",
            expected="at least one accepted correction that says what is right",
            got=_why(plan),
            field="snapshot",
        )
    manifest = plan.manifest()
    digest = manifest_hash(manifest)
    folder = home.snapshots / digest
    if not (folder / MANIFEST).is_file():
        _write_folder(folder, plan, manifest)
    with connect(home) as db, writing(db):
        db.execute(
            "insert or ignore into snapshots (hash, task, folder, manifest, author, created)"
            " values (?, ?, ?, ?, ?, ?)",
            [digest, plan.task, digest, json.dumps(manifest), author, now()],
        )
        for example in plan.examples:
            for correction in example.corrections:
                db.execute(
                    "insert or ignore into snapshot_corrections (snapshot, correction, split)"
                    " values (?, ?, ?)",
                    [digest, correction, example.split],
                )
    return Snapshot(digest, folder, manifest)


def _why(plan: SnapshotPlan) -> str:
    reasons = sorted({x.reason for x in plan.left_out})
    return "; ".join(reasons)[:300] or "no accepted corrections"


def _write_folder(folder: Path, plan: SnapshotPlan, manifest: Mapping[str, Any]) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        (fresh / PICTURES).mkdir()
        for example, values in zip(plan.examples, manifest["examples"], strict=True):
            _copy(example, fresh / values["picture"])
        text = json.dumps(manifest, indent=1) + "\n"
        (fresh / MANIFEST).write_text(text, encoding="utf-8")
        fresh.chmod(0o755)
        fresh.rename(folder)
    except OSError as error:
        if not (folder / MANIFEST).is_file():  # somebody else may have frozen the same
            raise UserError(
                "The snapshot could not be written",
                expected=f"a folder that can be written at {folder.parent}",
                got=str(error.strerror or error),
                hint="Free some space; nothing was changed",
                field="snapshot",
            ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy(example: SnapshotExample, target: Path) -> None:
    if not example.picture.is_file():
        raise UserError("An image is gone", got=str(example.picture), field="snapshot")
    shutil.copyfile(example.picture, target)
    if file_sha256(target) != example.sha256:
        raise UserError(
            "An image changed since the preview", got=str(example.picture), field="snapshot"
        )


def load_snapshot(home: Home, digest: str) -> Snapshot:
    """A frozen snapshot, from its folder; works without the database, as on another machine. Raises
    UserError (field "snapshot"): it is not there, or it is not what its name says."""
    folder = home.snapshots / digest
    if folder.parent != home.snapshots or not (folder / MANIFEST).is_file():
        raise UserError(
            "There is no such snapshot",
            expected=f"a folder of {home.snapshots}",
            got=digest[:80],
            field="snapshot",
        )
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if manifest_hash(manifest) != digest:
        raise UserError(
            "The snapshot was changed after it was frozen",
            expected=f"a manifest with the hash {digest[:16]}...",
            got=f"{manifest_hash(manifest)[:16]}...",
            hint="Freeze the corrections again",
            field="snapshot",
        )
    if manifest.get("version") not in READABLE:
        raise UserError(
            "The snapshot is of another version",
            expected=" or ".join(map(str, READABLE)),
            got=str(manifest.get("version")),
            field="snapshot",
        )
    return Snapshot(digest, folder, manifest)


def snapshots(home: Home) -> list[dict[str, Any]]:
    """All frozen snapshots, newest first: {"hash", "task", "author", "created", "counts"}."""
    with connect(home) as db:
        rows = list(db.query("select * from snapshots order by created desc"))
    return [
        {k: row[k] for k in ("hash", "task", "author", "created")}
        | {"counts": counts_of(json.loads(row["manifest"]))}
        for row in rows
    ]


def verify(snapshot: Snapshot) -> None:
    """Check every image against its hash. Raises UserError (field "snapshot"): one is gone or was
    changed; names it."""
    for example in snapshot.examples:
        if not example.picture.is_file() or file_sha256(example.picture) != example.sha256:
            raise UserError(
                "An image of the snapshot is damaged or gone",
                got=example.name or example.picture.name,
                hint="Leave its case out and freeze the corrections again",
                field="snapshot",
            )
