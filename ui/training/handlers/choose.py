"""Choose and Preview: which corrections go in, shown with their exact texts before they are frozen.

Plain functions, no gradio.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inference.errors import Cancelled, UserError
from inference.registry import BACKBONES
from training.jobs.settings import FIELDS
from training.snapshots.freezing import freeze, load_snapshot
from training.snapshots.plan import plan_snapshot
from training.snapshots.types import LeftOut, SnapshotExample, SnapshotPlan
from training.store.feedback import CaseFilter, Feedback
from training.store.home import Home
from ui.shell.desk import Desk
from ui.shell.runs import Work
from ui.shell.services import Progress
from ui.shell.visitors import Visitor
from ui.training.handlers.place import Place

FILTERS = ("author", "slice", "adapter", "since", "until")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def choices(home: Home) -> dict[str, list[str]]:
    """What the filters offer, by their key."""
    stored = Feedback(home)
    adapters = [name for name in stored.adapters() if name]
    return {"author": stored.authors(), "slice": stored.slices(), "adapter": adapters}


def options_of(form: Mapping[str, object], task: str) -> dict[str, Any]:
    """What `plan_snapshot` is to do, from the form: shares in percent, "" means all, the last day
    counts to its end. UserError names the field that is wrong."""
    wanted = {key: str(form.get(key) or "").strip()[:200] or None for key in FILTERS}
    for key in ("since", "until"):
        day = wanted[key]
        if day is not None and not _DAY.fullmatch(day):
            raise UserError(
                "Not a day", expected="a day such as 2026-11-21", got=day[:40], field=key
            )
    if wanted["until"]:
        wanted["until"] += "T23:59:59.999999+00:00"
    return {
        "chosen": CaseFilter(task=task, status="accepted", **wanted),  # type: ignore[arg-type]
        "task": task,
        "replay_share": _share(form, "replay", 0.95),
        "validation_share": _share(form, "validation", 0.5),
        "seed": FIELDS["seed"].checked("seed", form.get("seed")),
    }


def _share(form: Mapping[str, object], key: str, most: float) -> float:
    percent = form.get(key)
    if not isinstance(percent, (int, float)) or not 0 <= percent <= 100 * most:
        raise UserError(
            "Not a share", expected=f"0 to {100 * most:.0f} %", got=repr(percent)[:40], field=key
        )
    return float(percent) / 100


def planning(desk: Desk, form: Mapping[str, object], task: str) -> Work:
    """Work whose result is the SnapshotPlan of what would be frozen; nothing is written but
    replayed images."""
    family = BACKBONES.get(desk.services.model_info().family)
    frame = family.frame if family is not None else "norm1000"
    stored, options = Feedback(desk.home), options_of(form, task)

    def work(progress: Progress, cancelled: Callable[[], bool]) -> SnapshotPlan:
        def tell(done: int, total: int) -> None:
            if cancelled():
                raise Cancelled
            progress(f"Gathering images, {done:,} of {total:,}", done / max(total, 1))

        return plan_snapshot(stored, tell=tell, frame=frame, **options)

    return work


def freeze_plan(visitor: Visitor, desk: Desk, run_id: str) -> Place:
    """Freezes exactly what the preview of that run showed; where it is configured."""
    run = desk.runs.get(run_id)
    plan = run.result if run is not None else None
    if not isinstance(plan, SnapshotPlan):
        raise UserError(
            "The preview is not there any more",
            hint="Go back to Choose and press “Preview training set” again",
            field="snapshot",
        )
    return Place("configure", "", freeze(desk.home, plan, visitor.name).hash)


def frozen(home: Home, snapshot: str) -> tuple[Sequence[SnapshotExample], Sequence[LeftOut]]:
    """What a frozen snapshot holds, and what was left out and why."""
    found = load_snapshot(home, snapshot)
    return found.examples, [LeftOut(x["what"], x["reason"]) for x in found.manifest["left_out"]]
