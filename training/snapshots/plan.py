"""Chooses what goes into a snapshot: accepted corrections, replayed training examples, the split,
and what is left out and why. No torch.

The frozen held-out set never enters, by the name of its scene and by the content of its images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from inference.errors import UserError
from inference.fields import Point
from inference.media import load_media
from inference.registry import task as find_task
from inference.tasks.base import Task
from training.agreement.consensus import Vote, consensus
from training.evaluation.drawn import Row
from training.evaluation.sources import is_heldout
from training.snapshots.replayed import replayed
from training.snapshots.types import (
    CORRECTED,
    REPLAY,
    TRAIN,
    VALIDATION,
    LeftOut,
    SnapshotExample,
    SnapshotPlan,
)
from training.store.feedback import Case, CaseFilter, Correction, Feedback

NAMELESS = frozenset({"", "image", "upload", "photo"})  # names that say nothing of the scene
Tell = Callable[[int, int], None]


def scene_of(name: str, pixels_sha256: str) -> str:
    """Images of one scene: the same name without its ending, else the same pixels."""
    stem = Path(name).stem.lower()
    return pixels_sha256 if stem in NAMELESS else stem


def plan_snapshot(
    feedback: Feedback,
    chosen: CaseFilter | None = None,
    *,
    task: str = "hazard",
    replay_share: float = 0.0,
    validation_share: float = 0.1,
    seed: int = 42,
    frame: str = "norm1000",
    replay: str = "world",
    tell: Tell = lambda done, total: None,
) -> SnapshotPlan:
    """What a snapshot of the accepted corrections would hold. Changes nothing but a cache of
    replayed images.

    chosen: which cases; of its fields, status does not count. replay_share: of all examples. frame:
    coordinate frame of the target sentences. tell(done, total): progress. Raises UserError: a share
    or name is not valid.
    """
    for name, share, most in (
        ("replay_share", replay_share, 0.95),
        ("validation_share", validation_share, 0.5),
    ):
        if not 0 <= share <= most:
            raise UserError("Not a share", expected=f"0 to {most}", got=str(share), field=name)
    # Status is judged correction by correction: a case with one accepted and one open is taken.
    wanted = replace(chosen or CaseFilter(), task=task, status="accepted")
    out: list[LeftOut] = []
    corrected = _unique(_corrected(feedback, wanted, frame, out, tell), out, ())
    n_replay = round(len(corrected) * replay_share / (1 - replay_share))
    sources = replayed(feedback.home, task, replay, n_replay, seed, tell)
    originals = _unique((_of_replay(task, frame, row) for row in sources), out, corrected)
    examples = [
        *_split(corrected, validation_share, seed),
        *_split(originals, validation_share, seed),
    ]
    choices = {
        "filter": _plain(wanted),
        "replay": replay,
        "replay_share": replay_share,
        "validation_share": validation_share,
        "seed": seed,
        "frame": frame,
    }
    return SnapshotPlan(task, tuple(examples), tuple(out), choices)


# ---- corrections ------------------------------------------------------------------------------


def _corrected(
    feedback: Feedback, wanted: CaseFilter, frame: str, out: list[LeftOut], tell: Tell
) -> Iterable[SnapshotExample]:
    chosen = sorted(feedback.chosen(wanted, predictions=False), key=lambda found: found[0].id)
    for i, (case, accepted) in enumerate(chosen, 1):
        standing = {c.id for c in case.standing}
        mine = [c for c in accepted if c.id in standing]
        found = _of_case(feedback, case, mine, frame) if mine else _replaced(case, accepted)
        tell(i, len(chosen))
        if isinstance(found, LeftOut):
            out.append(found)
        else:
            yield found


def _of_case(
    feedback: Feedback, case: Case, accepted: Sequence[Correction], frame: str
) -> SnapshotExample | LeftOut:
    ids = tuple(c.id for c in accepted)
    media, task = case.media, find_task(case.task)
    label = media.name or media.hash[:12]
    if media.kind != task.media:
        return LeftOut(label, f"it is a {media.kind}, and the task takes a {task.media}", ids)
    path, size_wh = feedback.home.media / media.file, (media.width, media.height)
    votes = [Vote(c.id, c.values) for c in accepted]
    agreed = consensus(votes, task.main, size_wh)
    if not agreed.values:
        return LeftOut(label, agreed.reason, ids)
    if any(isinstance(v, Point) and not v.inside(size_wh) for v in agreed.values.values()):
        return LeftOut(label, "its point lies outside the image", ids)
    try:
        whole = path.is_file() and path.stat().st_size == media.bytes
        pixels = (media.pixels_sha256 if whole else None) or load_media(path).pixels_sha256
    except UserError as error:
        return LeftOut(label, f"its image cannot be read: {error.message}", ids)
    if is_heldout(media.name, pixels):
        return LeftOut(label, "it belongs to the frozen held-out set", ids)
    return _example(
        task,
        frame,
        CORRECTED,
        picture=path,
        sha256=media.hash,
        pixels_sha256=pixels,
        size_wh=size_wh,
        values=agreed.values,
        name=media.name,
        slices=tuple(sorted(media.slices)),
        corrections=agreed.corrections,
    )


def _example(task: Task, frame: str, source: str, **known: Any) -> SnapshotExample:
    size_wh = known["size_wh"]
    return SnapshotExample(
        split=TRAIN,
        source=source,
        prompt=task.prompt,
        target=task.target_text(known["values"], size_wh, frame, size_wh),
        scene=scene_of(known["name"], known["pixels_sha256"]),
        **known,
    )


def _replaced(case: Case, accepted: Sequence[Correction]) -> LeftOut:
    reason = "the same person has corrected it again since, and that is not accepted yet"
    return LeftOut(case.media.name or case.media.hash[:12], reason, tuple(c.id for c in accepted))


# ---- replay, duplicates, split ----------------------------------------------------------------


def _of_replay(task_name: str, frame: str, row: Row) -> SnapshotExample:
    task, (width, height) = find_task(task_name), row["size_wh"]
    changed = {
        "picture": Path(row["picture"]),
        "size_wh": (width, height),
        "values": task.values(row["values"]),
        "slices": tuple(row["slices"]),
    }
    return _example(task, frame, REPLAY, **{**row, **changed})


def _unique(
    found: Iterable[SnapshotExample], out: list[LeftOut], before: Sequence[SnapshotExample]
) -> list[SnapshotExample]:
    """Without those whose content is there already, and without replay of a corrected scene."""
    seen = {f.pixels_sha256 for f in before}
    scenes = {f.scene for f in before}
    kept = []
    for f in found:
        label = f.name or f.sha256[:12]
        if f.pixels_sha256 in seen:
            out.append(LeftOut(label, "the same image is there already", f.corrections))
        elif f.scene in scenes:
            out.append(LeftOut(label, "its scene was corrected, the correction counts"))
        else:
            seen.add(f.pixels_sha256)
            kept.append(f)
    return kept


def _split(examples: Sequence[SnapshotExample], share: float, seed: int) -> list[SnapshotExample]:
    """With the validation part. Its scenes are drawn by hash, so that one more scene does not move
    the others. Of two or more at least one, where any are asked for."""

    def draw(scene: str) -> str:
        return hashlib.sha256(f"{seed}|{scene}".encode()).hexdigest()

    scenes = sorted({e.scene for e in examples}, key=draw)
    least = 1 if share and len(scenes) > 1 else 0
    apart = set(scenes[: max(least, round(len(scenes) * share))])
    return [replace(e, split=VALIDATION) if e.scene in apart else e for e in examples]


def _plain(wanted: CaseFilter) -> dict[str, Any]:
    """A filter as JSON, without what was left open."""
    unsaid = ("status", "task", "order")
    return {k: v for k, v in sorted(asdict(wanted).items()) if v is not None and k not in unsaid}
