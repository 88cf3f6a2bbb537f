"""Choose and Preview: which corrections go in, shown with their exact texts before they are frozen.

Plain functions, no gradio.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from inference.errors import Cancelled, UserError
from inference.fields import Point
from inference.registry import BACKBONES
from training.snapshots.freezing import (
    CORRECTED,
    REPLAY,
    TRAIN,
    VALIDATION,
    LeftOut,
    Snapshot,
    SnapshotExample,
    SnapshotPlan,
    freeze,
    load_snapshot,
    plan_snapshot,
)
from training.store.feedback import CaseFilter, CorrectionFilter, Feedback
from training.store.home import Home
from ui.components.thumbnails import small
from ui.shell.desk import Desk
from ui.shell.runs import Run
from ui.shell.services import Progress
from ui.shell.visitors import READABLE, Visitor, require
from ui.training.views import PreviewView, SampleView

SHOWN_CORRECTIONS, SHOWN_REPLAY = 18, 6
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Asked:
    """What the Choose step was filled in with. Shares in 0..1; "" means all."""

    replay_share: float
    validation_share: float
    seed: int
    author: str = ""
    slice: str = ""
    adapter: str = ""
    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            value = getattr(self, name)
            if value and not _DAY.fullmatch(value):
                raise UserError(
                    "Not a day", expected="a day such as 2026-11-21", got=value[:40], field=name
                )


@dataclass(frozen=True)
class Choices:
    """What the choosers of the Choose step offer, and how many accepted corrections there are."""

    accepted: int
    authors: tuple[str, ...]
    slices: tuple[str, ...]
    adapters: tuple[str, ...]


def choices(visitor: Visitor, home: Home, task: str) -> Choices:
    require(visitor, READABLE["training previews"], "The list of corrections")
    kept = Feedback(home)
    return Choices(
        accepted_count(home, task),
        tuple(map(str, kept.authors())),
        tuple(map(str, kept.slices())),
        tuple(str(a) for a in kept.adapters() if a),
    )


def accepted_count(home: Home, task: str) -> int:
    return len(Feedback(home).corrections(CorrectionFilter(task=task, status="accepted")))


def asked_of(values: Mapping[str, object]) -> Asked:
    """Reads the form; shares come in percent. UserError names the field that is wrong."""
    seed = values.get("seed")
    if not isinstance(seed, (int, float)) or seed != int(seed) or not 0 <= seed < 2**31:
        raise UserError(
            "Not a seed", expected="a whole number from 0 on", got=repr(seed)[:40], field="seed"
        )
    texts = {
        key: str(values.get(key) or "").strip()[:200]
        for key in ("author", "slice", "adapter", "since", "until")
    }
    return Asked(
        **texts,
        replay_share=_share(values, "replay", 0.95),
        validation_share=_share(values, "validation", 0.5),
        seed=int(seed),
    )


def _share(values: Mapping[str, object], key: str, most: float) -> float:
    percent = values.get(key)
    if not isinstance(percent, (int, float)) or not 0 <= percent <= 100 * most:
        raise UserError(
            "Not a share", expected=f"0 to {100 * most:.0f} %", got=repr(percent)[:40], field=key
        )
    return float(percent) / 100


def begin_plan(visitor: Visitor, desk: Desk, asked: Asked, task: str) -> Run:
    """A run that works out what would be frozen; nothing is written but replayed pictures."""
    require(visitor, READABLE["training previews"], "The preview of a training")
    run = desk.runs.new()
    run.task = (Feedback(desk.home), asked, task, _frame(desk))
    run.stage = "Reading the corrections"
    return run


def start_plan(desk: Desk, run: Run) -> None:
    """Starts it, unless it was started already. Its result is a SnapshotPlan."""
    if run.claimed():
        return
    kept, asked, task, frame = run.task

    def work(progress: Progress, cancelled: Callable[[], bool]) -> SnapshotPlan:
        def tell(done: int, total: int) -> None:
            if cancelled():
                raise Cancelled
            progress(f"Gathering pictures, {done:,} of {total:,}", done / max(total, 1))

        return plan_snapshot(
            kept,
            case_filter(asked, task),
            task=task,
            replay_share=asked.replay_share,
            validation_share=asked.validation_share,
            seed=asked.seed,
            frame=frame,
            tell=tell,
        )

    desk.runs.start(run, work)


def case_filter(asked: Asked, task: str) -> CaseFilter:
    """The last day counts to its end."""
    return CaseFilter(
        task=task, status="accepted", author=asked.author or None, slice=asked.slice or None,
        adapter=asked.adapter or None, since=asked.since or None,
        until=f"{asked.until}T23:59:59.999999+00:00" if asked.until else None,
    )  # fmt: skip


def _frame(desk: Desk) -> str:
    """The coordinate frame in which this model family writes positions."""
    spec = BACKBONES.get(desk.services.model_info().family)
    return spec.frame if spec is not None else "norm1000"


def freeze_plan(visitor: Visitor, desk: Desk, run_id: str) -> Snapshot:
    """Freezes exactly what the preview showed."""
    require(visitor, "trainer", "Freezing corrections for a training")
    run = desk.runs.get(run_id)
    plan = run.result if run is not None else None
    if not isinstance(plan, SnapshotPlan):
        raise UserError(
            "The preview is not there any more",
            hint="Go back to Choose and press “Show what goes in” again",
            field="snapshot",
        )
    return freeze(desk.home, plan, visitor.name)


def preview_of(examples: Sequence[SnapshotExample], left_out: Sequence[LeftOut]) -> PreviewView:
    """Counts, samples with their exact texts, and what was left out and why."""
    counts = Counter((e.split, e.source) for e in examples)
    corrected = [e for e in examples if e.source == CORRECTED]
    replayed = [e for e in examples if e.source == REPLAY]
    few = len(corrected) + len(replayed) <= SHOWN_CORRECTIONS + SHOWN_REPLAY
    shown = (
        [*corrected, *replayed]
        if few
        else [*corrected[:SHOWN_CORRECTIONS], *replayed[:SHOWN_REPLAY]]
    )
    reasons: dict[str, list[str]] = {}
    for item in left_out:
        reasons.setdefault(item.reason, []).append(item.what)
    return PreviewView(
        counts=(
            (
                "To learn from",
                counts[TRAIN, CORRECTED],
                "corrected pictures in the training part",
            ),
            ("Replayed", counts[TRAIN, REPLAY], "original training scenes against forgetting"),
            (
                "Kept aside",
                counts[VALIDATION, CORRECTED] + counts[VALIDATION, REPLAY],
                f"to measure, {counts[VALIDATION, CORRECTED]} of them corrected",
            ),
            ("Left out", len(left_out), "see below"),
        ),
        samples=tuple(_sample(e) for e in shown),
        shown_of=len(examples),
        left_out=tuple(
            (reason, len(names), tuple(names[:4])) for reason, names in sorted(reasons.items())
        ),
    )


def frozen_preview(visitor: Visitor, home: Home, snapshot: str) -> PreviewView:
    """The same of a frozen snapshot."""
    require(visitor, READABLE["training previews"], "A snapshot")
    found = load_snapshot(home, snapshot)
    left = [LeftOut(x["what"], x["reason"]) for x in found.manifest["left_out"]]
    return preview_of(found.examples, left)


def _sample(example: SnapshotExample) -> SampleView:
    n = len(example.corrections)
    who = "correction" if n <= 1 else f"{n} corrections that agree"
    return SampleView(
        picture=small(example.picture),
        text=example.target,
        split="for training" if example.split == TRAIN else "kept aside",
        source=who if example.source == CORRECTED else "original training scene",
        name=example.name,
        mark=_mark(example),
        note=", ".join(example.slices[:3]),
    )


def _mark(example: SnapshotExample) -> tuple[float, float] | None:
    """The point as fractions of width and height, where the answer has one."""
    width, height = example.size_wh
    points = [v for v in example.values.values() if isinstance(v, Point)]
    return (points[0].x_px / width, points[0].y_px / height) if points else None


def fixed_settings(home: Home, snapshot: str) -> dict[str, float]:
    """The settings that a snapshot decides, for the job's record."""
    found = load_snapshot(home, snapshot).manifest["choices"]
    return {k: found[k] for k in ("replay_share", "validation_share") if k in found}
