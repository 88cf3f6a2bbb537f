"""Chooses what goes into a snapshot: accepted corrections, replayed training examples, the split,
and what is left out and why. No torch.

The frozen held-out set never enters, by the name of its scene and by the content of its pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from inference.errors import UserError
from inference.fields import Point, Value
from inference.media import load_image
from inference.registry import task as find_task
from training.agreement.consensus import Vote, consensus
from training.evaluation.sources import is_heldout
from training.snapshots.replayed import replayed
from training.snapshots.types import (
    CORRECTED,
    REPLAY,
    TRAIN,
    VALIDATION,
    WH,
    LeftOut,
    SnapshotExample,
    SnapshotPlan,
)
from training.store.feedback import Case, CaseFilter, Correction, Feedback

NAMELESS = frozenset({"", "image", "upload", "photo"})  # names that say nothing of the scene
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class _Found:
    """An image that may enter."""

    picture: Path
    sha256: str
    pixels_sha256: str
    size_wh: WH
    values: Mapping[str, Value]
    name: str
    slices: tuple[str, ...]
    corrections: tuple[str, ...] = ()

    @cached_property
    def scene(self) -> str:
        """Images of one scene: the same name without its ending, else the same pixels."""
        stem = Path(self.name).stem.lower()
        return self.pixels_sha256 if stem in NAMELESS else stem


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
    replayed pictures.

    chosen: which cases; of its fields, status does not count. replay_share: of all
    examples. frame: coordinate frame of the target sentences. tell(done, total): progress.

    Raises:
        UserError: a share or name is not valid.
    """
    for name, share, most in (
        ("replay_share", replay_share, 0.95),
        ("validation_share", validation_share, 0.5),
    ):
        if not 0 <= share <= most:
            raise UserError("Not a share", expected=f"0 to {most}", got=str(share), field=name)
    # Status is looked at correction by correction: a case with one accepted and one open is taken.
    wanted = replace(chosen or CaseFilter(), task=task, status="accepted")
    out: list[LeftOut] = []
    corrected = _unique(_corrected(feedback, wanted, out, tell), out, ())
    n_replay = round(len(corrected) * replay_share / (1 - replay_share))
    sources = replayed(feedback.home, task, replay, n_replay, seed, tell)
    originals = _unique((_of_replay(task, s) for s in sources), out, corrected)
    examples = [
        *_examples(corrected, CORRECTED, task, frame, validation_share, seed),
        *_examples(originals, REPLAY, task, frame, validation_share, seed),
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
    feedback: Feedback, wanted: CaseFilter, out: list[LeftOut], tell: Tell
) -> Iterable[_Found]:
    chosen = sorted(feedback.chosen(wanted, predictions=False), key=lambda found: found[0].id)
    for i, (case, accepted) in enumerate(chosen, 1):
        standing = {c.id for c in case.standing}
        mine = [c for c in accepted if c.id in standing]
        found = _of_case(feedback, case, mine) if mine else _replaced(case, accepted)
        tell(i, len(chosen))
        if isinstance(found, LeftOut):
            out.append(found)
        else:
            yield found


def _of_case(feedback: Feedback, case: Case, accepted: Sequence[Correction]) -> _Found | LeftOut:
    ids = tuple(c.id for c in accepted)
    media, task = case.media, find_task(case.task)
    label = media.name or media.hash[:12]
    if media.kind != "image":
        return LeftOut(label, "it is a clip, and the task takes images", ids)
    path, size_wh = feedback.home.media / media.file, (media.width, media.height)
    votes = [Vote(c.id, c.values) for c in accepted]
    agreed = consensus(votes, task.main, size_wh)
    if not agreed.values:
        return LeftOut(label, agreed.reason, ids)
    if any(isinstance(v, Point) and not v.inside(size_wh) for v in agreed.values.values()):
        return LeftOut(label, "its point lies outside the image", ids)
    try:
        whole = path.is_file() and path.stat().st_size == media.bytes
        pixels = (media.pixels_sha256 if whole else None) or load_image(path).pixels_sha256
    except UserError as error:
        return LeftOut(label, f"its image cannot be read: {error.message}", ids)
    if is_heldout(media.name, pixels):
        return LeftOut(label, "it belongs to the frozen held-out set", ids)
    return _Found(
        path,
        media.hash,
        pixels,
        size_wh,
        agreed.values,
        media.name,
        tuple(media.slices),
        agreed.corrections,
    )


def _replaced(case: Case, accepted: Sequence[Correction]) -> LeftOut:
    reason = "the same person has corrected it again since, and that is not accepted yet"
    return LeftOut(case.media.name or case.media.hash[:12], reason, tuple(c.id for c in accepted))


# ---- replay, duplicates, split ----------------------------------------------------------------


def _of_replay(task: str, values: dict[str, Any]) -> _Found:
    return _Found(
        Path(values["picture"]),
        values["sha256"],
        values["pixels_sha256"],
        (values["size_wh"][0], values["size_wh"][1]),
        find_task(task).values(values["values"]),
        values["name"],
        tuple(values["slices"]),
    )


def _unique(found: Iterable[_Found], out: list[LeftOut], before: Sequence[_Found]) -> list[_Found]:
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


def _examples(
    found: Sequence[_Found], source: str, task: str, frame: str, share: float, seed: int
) -> list[SnapshotExample]:
    kept_apart = _validation(found, share, seed)
    of = find_task(task)
    return [
        SnapshotExample(
            split=VALIDATION if f.scene in kept_apart else TRAIN,
            source=source,
            picture=f.picture,
            sha256=f.sha256,
            pixels_sha256=f.pixels_sha256,
            size_wh=f.size_wh,
            values=f.values,
            prompt=of.prompt,
            target=of.target_text(f.values, f.size_wh, frame, f.size_wh),
            scene=f.scene,
            name=f.name,
            slices=tuple(sorted(f.slices)),
            corrections=f.corrections,
        )
        for f in found
    ]


def _validation(found: Sequence[_Found], share: float, seed: int) -> set[str]:
    """Scenes for validation, drawn by hash so that one more scene does not move the others. Of two
    or more at least one, where any are asked for."""

    def draw(scene: str) -> str:
        return hashlib.sha256(f"{seed}|{scene}".encode()).hexdigest()

    scenes = sorted({f.scene for f in found}, key=draw)
    least = 1 if share and len(scenes) > 1 else 0
    count = max(least, round(len(scenes) * share))
    return set(scenes[:count])


def _plain(wanted: CaseFilter) -> dict[str, Any]:
    """A filter as JSON, without what was left open."""
    unsaid = ("status", "task", "order")
    return {k: v for k, v in sorted(asdict(wanted).items()) if v is not None and k not in unsaid}
