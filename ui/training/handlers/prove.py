"""The Prove step: the table with intervals, the gallery, and maps before and after. No gradio."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from explain.measures import share_near_point
from explain.types import MapSettings
from inference.errors import Cancelled, UserError, unknown
from inference.fields import Point, Source
from inference.schema import Heatmap, ImageInput, PairPrediction, PairRequest
from training.adapters import promotion
from training.evaluation.bootstrap import Interval
from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.proof.comparison import Comparison, compare, picture
from training.proof.results import (
    ALL,
    CORRECTED,
    CURRENT,
    FATES,
    HELDOUT,
    KEPT,
    LEARNED,
    UNSEEN,
    CaseResult,
    Change,
)
from training.store.home import Home
from ui.components import figures
from ui.components.thumbnails import small
from ui.shell.desk import Desk, ask_model, check_adapter, default_prompt
from ui.shell.runs import Run
from ui.shell.services import Progress
from ui.shell.visitors import READABLE, Visitor, require
from ui.training.views import CaseView, Cell, ProofRow

GROUPS = {CORRECTED: "Corrected cases", HELDOUT: "Held-out scenes, never trained on"}
LABELS = {
    (CORRECTED, ALL): "all",
    (CORRECTED, KEPT): "kept back from training",
    (CORRECTED, LEARNED): "trained on",
    (HELDOUT, ALL): "all",
    (HELDOUT, UNSEEN): "kinds that the shipped adapter never saw",
}
MOST_CORRECTED, MOST_CONTROLS = 60, 12
ADAPTER_ROLES = {"base": "base", "current": "current", "candidate": "candidate"}


@dataclass(frozen=True)
class Proof:
    """All that the step shows. names: side -> column heading. choices: (label, case id)."""

    rows: tuple[ProofRow, ...]
    names: dict[str, str]
    cases: tuple[CaseView, ...]
    choices: tuple[tuple[str, str], ...]
    headline: str


@dataclass(frozen=True)
class MapsPair:
    """Two figures as JSON text with their titles, and what they show in words."""

    before: str
    after: str
    before_title: str
    after_title: str
    said: str
    aspect: float


def found(home: Home, job: JobRow) -> Comparison | None:
    """The job's proof against what is in use now; None while there is none."""
    return compare(home, job.name, promotion.in_use(home, job.task))


def proof(visitor: Visitor, home: Home, job: JobRow) -> Proof | None:
    require(visitor, READABLE["metrics"], "A job's proof")
    comparison = found(home, job)
    if comparison is None:
        return None
    cases = [c for c in comparison.cases if visitor.reads("corrections") or c.kind != CORRECTED]
    names = {side: _heading(side, comparison) for side in ADAPTER_ROLES if side in comparison.names}
    return Proof(
        tuple(_row(change, names) for change in _ordered(comparison.changes)),
        names,
        tuple(_case_view(home, case) for case in _telling(cases)),
        tuple(_choices(cases)),
        comparison.headline,
    )


def prove_again(visitor: Visitor, desk: Desk, job_id: str) -> str:
    require(visitor, "trainer", "Proving an adapter again")
    jobs.prove_again(desk.home, job_id)
    return "Queued: the proof is made again, against the adapter that is in use now."


def _heading(side: str, comparison: Comparison) -> str:
    name = comparison.names[side]
    return "base" if side == "base" else f"{side}: {name}"


def _ordered(changes: Iterable[Change]) -> list[Change]:
    """Corrected first; within a group the wholes before the slices."""
    wholes = [ALL, KEPT, LEARNED, UNSEEN]
    return sorted(
        changes,
        key=lambda c: (
            c.kind != CORRECTED,
            wholes.index(c.label) if c.label in wholes else len(wholes),
            c.label,
        ),
    )


def _row(change: Change, names: dict[str, str]) -> ProofRow:
    return ProofRow(
        group=GROUPS.get(change.kind, change.kind),
        label=LABELS.get((change.kind, change.label), change.label.replace("_", " ")),
        n=change.n,
        unit="px",
        cells={
            side: _cell(change.mean.get(side), change.median.get(side))
            for side in names
            if side in change.mean
        },
        difference=_cell(change.mean_change),
        verdict=change.verdict,
    )


def _cell(interval: Interval | None, median: Interval | None = None) -> Cell:
    if interval is None:
        return Cell(None)
    low, high = (v if math.isfinite(v) else None for v in (interval.low, interval.high))
    middle = None if median is None else median.estimate
    return Cell(interval.estimate, low, high, middle)


# ---- gallery -------------------------------------------------------------------------------------


def _telling(cases: Iterable[CaseResult]) -> list[CaseResult]:
    """What the gallery shows: what changed for the worse anywhere, and each corrected case."""
    worse = ("newly wrong", "much worse")
    chosen = [c for c in cases if c.fate in worse or (c.kind == CORRECTED and c.fate != "kept")]
    return sorted(chosen, key=lambda c: (c.kind != CORRECTED, -abs(c.change)))[:90]


def _case_view(home: Home, case: CaseResult) -> CaseView:
    width, height = case.size_wh

    def share(point: Point | None) -> tuple[float, float] | None:
        return None if point is None else (point.x_px / width, point.y_px / height)

    points = case.points
    return CaseView(
        id=case.id,
        picture=small(picture(home, case)),
        label=_label(case),
        fate=case.fate,
        before_px=case.before,
        after_px=case.after,
        truth=share(case.true_point),
        before=share(points.get(CURRENT, points.get("base"))),
        after=share(points.get("candidate")),
    )


def _label(case: CaseResult) -> str:
    kinds = {"train": "corrected, trained on", "validation": "corrected, kept back"}
    what = kinds.get(case.split or "", "corrected") if case.kind == CORRECTED else "held out"
    return ", ".join([what, *case.slices[:2]])


def _choices(cases: Iterable[CaseResult]) -> list[tuple[str, str]]:
    """Corrected cases, then controls: held-out scenes, spread evenly over the set."""
    cases = list(cases)
    corrected = sorted(
        (c for c in cases if c.kind == CORRECTED), key=lambda c: FATES.index(c.fate)
    )[:MOST_CORRECTED]
    held = [c for c in cases if c.kind == HELDOUT]
    controls = held[:: max(1, len(held) // MOST_CONTROLS)][:MOST_CONTROLS]
    extra = [c for c in held if c.fate == "newly wrong" and c not in controls]
    return [
        (f"{what} · {c.fate} · {_label(c)} · {c.before:.0f} → {c.after:.0f} px", c.id)
        for what, group in (("Case", corrected), ("Newly wrong", extra), ("Control", controls))
        for c in group
    ]


# ---- maps before and after -----------------------------------------------------------------------


def begin_maps(visitor: Visitor, desk: Desk, job: JobRow | None, case_id: str) -> Run:
    """A run that compares the maps of one case; UserError where it cannot."""
    require(visitor, READABLE["corrections"], "Comparing attention maps")
    if job is None:
        raise UserError("No job is selected", field="case")
    comparison = found(desk.home, job)
    if comparison is None:
        raise UserError("There is no proof yet", hint="Wait until the job is done", field="case")
    case = next((c for c in comparison.cases if c.id == case_id), None)
    if case is None:
        raise unknown("case", case_id, [c.id for c in comparison.cases[:5]], field="case")
    path = picture(desk.home, case)
    if path is None:
        raise UserError("The case's picture is not on this machine", got=case.id, field="case")
    before = comparison.names.get(CURRENT)
    for name in (before, job.name):
        check_adapter(visitor, desk.services, name)
    run = desk.runs.new()
    run.task = (case, path, before, job.name)
    run.stage = "Waiting for the model"
    return run


def start_maps(desk: Desk, run: Run) -> None:
    """Starts it, unless it was started already."""
    if not run.claimed():
        case, path, before, after = run.task

        def work(progress: Progress, cancelled: Callable[[], bool]) -> MapsPair:
            return _maps(desk, case, path, (before, after), progress, cancelled)

        desk.runs.start(run, work)


def _maps(
    desk: Desk,
    case: CaseResult,
    path: Path,
    names: tuple[str | None, str],
    progress: Progress,
    cancelled: Callable[[], bool],
) -> MapsPair:
    image = desk.services.load_image(path)
    pairs = []
    for i, name in enumerate(names):
        request = PairRequest(prompt=default_prompt(desk.services), adapter=name, forced="base")
        tell = _half(progress, i)
        pairs.append(ask_model(desk.services, image, request, progress=tell, cancelled=cancelled))
        if cancelled():
            raise Cancelled
    return _drawn(desk, case, image, pairs, names)


def _half(progress: Progress, second: int) -> Progress:
    """Progress of one of the two predictions."""
    stage = ("Before", "After")[second]

    def tell(said: str, part: float) -> None:
        progress(f"{stage}: {said}", (second + part) / 2)

    return tell


def _drawn(
    desk: Desk,
    case: CaseResult,
    image: ImageInput,
    pairs: list[PairPrediction],
    names: tuple[str | None, str],
) -> MapsPair:
    """Both maps on one colour range, with each adapter's own point."""
    heatmaps = [_heatmap(desk, pair) for pair in pairs]
    vmax = max(float(h.values.max()) for h in heatmaps) or 1.0
    if case.true_point is None:
        raise UserError("This case has no point to compare maps with", field="case")
    source: Source = "human" if case.kind == CORRECTED else "truth"
    truth = Point(*case.true_point.xy, source=source)
    plots = []
    for pair, heatmap in zip(pairs, heatmaps, strict=True):
        side = pair.finetuned or pair.base
        points: dict[str, Point] = {truth.source: truth}
        if side.point is not None:
            points["finetuned" if pair.finetuned else "base"] = side.point
        plots.append(
            figures.overlay(
                heatmap, desk.pictures.url(image), image.size_wh, points, vmax=vmax, opacity=0.75,
                case=f"{case.id} {names[1]}",
            )
        )  # fmt: skip
    near = [100 * share_near_point(h, truth) for h in heatmaps]
    said = (
        f"Share of the map near the right place (within 10 % of the picture's width): "
        f"{near[0]:.1f} % before, {near[1]:.1f} % after. The point was off by "
        f"{case.before:.0f} px, now by {case.after:.0f} px (at 1280 × 720)."
    )
    width, height = image.size_wh
    before = names[0] or "base alone"
    return MapsPair(plots[0], plots[1], before, names[1], said, width / height)


def _heatmap(desk: Desk, pair: PairPrediction) -> Heatmap:
    maps = desk.services.make_pair_maps(pair, MapSettings())
    heatmap = maps.finetuned or maps.base
    if heatmap is None:
        raise UserError("The model gave no attention map for this case", field="case")
    return heatmap
