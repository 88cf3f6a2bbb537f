"""The Prove step: the comparison that a visitor may read, and maps before and after. No gradio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from explain.measures import share_near_point
from explain.types import MapSettings
from inference.errors import Cancelled, UserError, unknown
from inference.fields import Point
from inference.registry import task as find_task
from inference.schema import Heatmap, PairPrediction, PairRequest
from training.adapters import promotion
from training.jobs.rows import JobRow
from training.proof.comparison import Comparison, compare, picture
from training.proof.results import CORRECTED, CURRENT, CaseResult
from training.store.home import Home
from ui.components.panels import Panel, stage
from ui.shell.desk import Desk, ask_model, check_adapter
from ui.shell.runs import Work
from ui.shell.services import Progress
from ui.shell.visitors import Visitor


def proof(visitor: Visitor, home: Home, job: JobRow) -> Comparison | None:
    """The job's proof against what is in use now, as much of it as the visitor may read; None
    while there is none."""
    comparison = compare(home, job.name, promotion.in_use(home, job.task))
    if comparison is None or visitor.reads("corrections"):
        return comparison
    return replace(comparison, cases=tuple(c for c in comparison.cases if c.kind != CORRECTED))


def label(case: CaseResult) -> str:
    """Where a case comes from, and its first slices."""
    kinds = {"train": "corrected, trained on", "validation": "corrected, validation set"}
    what = kinds.get(case.split or "", "corrected") if case.kind == CORRECTED else "held out"
    return ", ".join([what, *case.slices[:2]])


# ---- maps before and after -----------------------------------------------------------------------


def comparing(visitor: Visitor, desk: Desk, job: JobRow | None, case_id: str) -> Work:
    """Work whose result is the panels of one case before and after, as HTML, and what they show in
    words; UserError where its maps cannot be compared."""
    if job is None:
        raise UserError("No job is selected", field="case")
    comparison = proof(visitor, desk.home, job)
    if comparison is None:
        raise UserError("There is no proof yet", hint="Wait until the job is done", field="case")
    case = next((c for c in comparison.cases if c.id == case_id), None)
    if case is None:
        raise unknown("case", case_id, [c.id for c in comparison.cases[:5]], field="case")
    path = picture(desk.home, case)
    if path is None:
        raise UserError("The case's image is not on this machine", got=case.id, field="case")
    if (true := case.true_point) is None:
        raise UserError("This case has no point to compare maps at", field="case")
    truth = Point(*true.xy, source="human" if case.kind == CORRECTED else "truth")
    names = comparison.names.get(CURRENT), job.name
    for name in names:
        check_adapter(visitor, desk.services, name)

    def work(progress: Progress, cancelled: Callable[[], bool]) -> tuple[list[str], str]:
        image, pairs = desk.services.load_media(path), []
        for i, (when, name) in enumerate(zip(("Before", "After"), names, strict=True)):

            def tell(said: str, part: float, when: str = when, i: int = i) -> None:
                progress(f"{when}: {said}", (i + part) / 2)

            asked = PairRequest(job.task, find_task(job.task).prompt, name, forced="base")
            pairs.append(ask_model(desk.services, image, asked, progress=tell, cancelled=cancelled))
            if cancelled():
                raise Cancelled
        return _drawn(desk, case, truth, pairs, head=job.settings.train == "head")

    return work


def _drawn(
    desk: Desk, case: CaseResult, truth: Point, pairs: list[PairPrediction], head: bool
) -> tuple[list[str], str]:
    """Both maps on one colour range, with each adapter's own point. head: a training that left
    LoRA as it was cannot have changed the attention, so the head's heatmaps are shown."""
    heatmaps = [_heatmap(desk, pair, head) for pair in pairs]
    vmax = max((float(h.values.max()) for h in heatmaps if h is not None), default=1.0) or 1.0
    what = "heatmap" if head else "attention"
    shown, near = [], []
    for when, pair, heatmap in zip(("Before", "After"), pairs, heatmaps, strict=True):
        side = pair.finetuned or pair.base
        points: dict[str, Point] = {truth.source: truth}
        points |= {side.side: side.point} if side.point else {}
        share = None if heatmap is None else share_near_point(heatmap, truth)
        near.append("no map" if share is None else f"{share:.1%}".replace("%", " %"))
        panel = Panel(
            side.side, f"{when}: {pair.request.adapter or 'base alone'}",
            desk.pictures.url(pair.image.still()), pair.image.size_wh, heatmap, vmax, points,
            said=f"{near[-1]} of the {what} near the right place.",
        )  # fmt: skip
        shown.append(stage([panel], f"{case.id} {pairs[1].request.adapter}", modes=False))
    said = (
        f"Share of the {what} near the right place (within 10 % of the image's width): "
        f"{near[0]} before, {near[1]} after. The point was off by "
        f"{case.before:.0f} px, now by {case.after:.0f} px (at 1280 × 720)."
    )
    return shown, said


def _heatmap(desk: Desk, pair: PairPrediction, head: bool) -> Heatmap | None:
    """None where the head's is wanted and there is no head."""
    if head:
        return (pair.finetuned or pair.base).head_map
    maps = desk.services.make_pair_maps(pair, MapSettings())
    heatmap = maps.finetuned or maps.base
    if heatmap is None:
        raise UserError("The model gave no attention map for this case", field="case")
    return heatmap
