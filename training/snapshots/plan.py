"""Chooses what goes into a snapshot: accepted corrections, replayed training examples, the split,
and what is left out and why. No torch.

The frozen held-out set never enters, by the name of its scene and by the content of its pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from inference.errors import UserError, unknown
from inference.fields import Point
from inference.media import load_image
from inference.registry import task as find_task
from training.agreement.consensus import Vote, consensus
from training.evaluation.sources import REPLAYS, is_heldout
from training.snapshots.replayed import replayed
from training.snapshots.types import (
    CORRECTED,
    REPLAY,
    TRAIN,
    VALIDATION,
    WH,
    XY,
    LeftOut,
    SnapshotExample,
    SnapshotPlan,
)
from training.store.cases import voices
from training.store.feedback import Case, CaseFilter, Correction, Feedback

NAMELESS = frozenset({"", "image", "upload", "photo"})  # names that say nothing of the scene
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class _Found:
    """A picture that may enter."""

    picture: Path
    sha256: str
    pixels_sha256: str
    size_wh: WH
    point_px: XY
    name: str
    slices: tuple[str, ...]
    corrections: tuple[str, ...] = ()

    @property
    def scene(self) -> str:
        """Pictures of one scene: the same name without its ending, else the same pixels."""
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
    if replay not in REPLAYS:
        raise unknown("source of replay", replay, REPLAYS, "replay")
    # Status is looked at correction by correction: a case with one accepted and one open is taken.
    wanted = replace(chosen or CaseFilter(), task=task, status="accepted")
    out: list[LeftOut] = []
    corrected = _unique(_corrected(feedback, wanted, out, tell), out, ())
    n_replay = round(len(corrected) * replay_share / (1 - replay_share))
    sources = replayed(feedback.home, replay, n_replay, seed, tell)
    originals = _unique(map(_of_replay, sources), out, corrected)
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


def target_text(task: str, point_px: XY, size_wh: WH, frame: str) -> str:
    """The sentence that the model is taught for a point of that picture."""
    text: str = find_task(task).target_text(
        Point(*point_px, source="human"), size_wh, frame, size_wh
    )
    return text


# ---- corrections ------------------------------------------------------------------------------


def _corrected(
    feedback: Feedback, wanted: CaseFilter, out: list[LeftOut], tell: Tell
) -> Iterable[_Found]:
    chosen = sorted(feedback.chosen(wanted), key=lambda found: found[0].id)
    for i, (case, accepted) in enumerate(chosen, 1):
        found = _of_case(feedback, case, voices(accepted))
        tell(i, len(chosen))
        if isinstance(found, LeftOut):
            out.append(found)
        else:
            yield found


def _of_case(feedback: Feedback, case: Case, accepted: Sequence[Correction]) -> _Found | LeftOut:
    ids = tuple(c.id for c in accepted)
    label = case.media.name or case.media.hash[:12]
    if case.media.kind != "image":
        return LeftOut(label, "it is a clip, and the task takes pictures", ids)
    path = feedback.home.media / case.media.file
    try:
        image = load_image(path)
    except UserError as error:
        return LeftOut(label, f"its picture cannot be read: {error.message}", ids)
    votes = [Vote(c.id, c.point_px) for c in accepted]
    agreed = consensus(votes, image.size_wh)
    if agreed.point_px is None:
        return LeftOut(label, agreed.reason, ids)
    x, y = agreed.point_px
    if not (0 <= x <= image.size_wh[0] and 0 <= y <= image.size_wh[1]):
        return LeftOut(label, "its point lies outside the picture", ids)
    pixels = hashlib.sha256(image.pixels.tobytes()).hexdigest()
    if is_heldout(case.media.name, pixels):
        return LeftOut(label, "it belongs to the frozen held-out set", ids)
    return _Found(
        path,
        image.content_hash,
        pixels,
        image.size_wh,
        agreed.point_px,
        case.media.name,
        tuple(case.media.slices),
        agreed.corrections,
    )


# ---- replay, duplicates, split ----------------------------------------------------------------


def _of_replay(values: dict[str, Any]) -> _Found:
    return _Found(
        Path(values["picture"]),
        values["sha256"],
        values["pixels_sha256"],
        (values["size_wh"][0], values["size_wh"][1]),
        (values["point_px"][0], values["point_px"][1]),
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
            out.append(LeftOut(label, "the same picture is there already", f.corrections))
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
    prompt = find_task(task).prompt
    return [
        SnapshotExample(
            split=VALIDATION if f.scene in kept_apart else TRAIN,
            source=source,
            picture=f.picture,
            sha256=f.sha256,
            pixels_sha256=f.pixels_sha256,
            size_wh=f.size_wh,
            point_px=f.point_px,
            prompt=prompt,
            target=target_text(task, f.point_px, f.size_wh, frame),
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
