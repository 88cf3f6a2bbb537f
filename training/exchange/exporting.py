"""Corrections out of the store into a folder or zip, with their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import UserError, unknown
from inference.registry import resolve
from inference.registry import task as find_task
from training.exchange.fields import MODEL, to_cells
from training.exchange.folders import appearing
from training.exchange.formats import FORMATS
from training.exchange.rows import Row
from training.store.cases import Case, CaseFilter, Correction, values_of
from training.store.feedback import Feedback


@dataclass(frozen=True)
class Exported:
    """rows: corrections written. pictures: different ones. left_out: reason -> how many."""

    path: Path
    format: str
    rows: int
    pictures: int
    left_out: Mapping[str, int]


def export(
    feedback: Feedback, name: str, target: Path, wanted: CaseFilter | None = None
) -> Exported:
    """Write the corrections that the filter shows.

    name: in FORMATS. target: a folder that is not there yet or is empty, or a file ending in .zip.
    Status, author and time are asked of each correction, everything else of its case. Withdrawn
    corrections go only where that status is asked for. Raises UserError: unknown format, nothing to
    export, or the target is taken or cannot be written.
    """
    if name not in FORMATS:
        raise unknown("format", name, FORMATS, "format")
    rows, left_out = choose(feedback, name, wanted or CaseFilter())
    if not rows:
        reasons = "; ".join(f"{n}: {why}" for why, n in left_out.items())
        raise UserError(
            "There is nothing to export",
            expected="at least one correction that the filters show",
            got=reasons or "none",
            field="format",
        )
    with appearing(target) as folder:
        resolve(FORMATS[name].entry)(rows, folder)
    pictures = len({row.sha256 for row in rows})
    return Exported(target, name, len(rows), pictures, left_out)


def choose(feedback: Feedback, name: str, wanted: CaseFilter) -> tuple[list[Row], dict[str, int]]:
    """The rows that go, all of one task, and how many stay for which reason."""
    entry = FORMATS[name].refuses
    refuses = resolve(entry) if entry else None
    rows, left_out = [], Counter[str]()
    every = feedback.chosen(wanted)
    task = wanted.task or (every[0][0].task if every else "")
    for case, correction in ((case, c) for case, corrections in every for c in corrections):
        why = _unfit(feedback, case, task)
        row = None if why else _row(feedback, case, correction)
        if row is not None and refuses is not None:
            why = refuses(row)
        if why or row is None:
            left_out[why] += 1
        else:
            rows.append(row)
    return rows, dict(left_out)


def _unfit(feedback: Feedback, case: Case, task: str) -> str:
    if case.task != task:
        return f"another task than {task}: choose it in the filter"
    if case.media.kind != find_task(task).media:
        return f"the media is a {case.media.kind}, and the task takes a {find_task(task).media}"
    if not (feedback.home.media / case.media.file).is_file():
        return "the image is not kept any more"
    return ""


def _row(feedback: Feedback, case: Case, correction: Correction) -> Row:
    media, task, fix = case.media, find_task(case.task), correction.payload
    asked = next((p for p in case.predictions if p.id == correction.prediction), None)
    label = (correction.before or {}).get("label")
    cells = {
        "id": correction.id,
        "task": case.task,
        "verdict": fix.verdict,
        "five_second": fix.five_second,
        "author": correction.author,
        "status": correction.status,
        **_review(correction),
        "created": correction.created,
        "adapter": (asked.adapter if asked else None) or (label if isinstance(label, str) else ""),
        "slices": list(media.slices),
        "name": media.name,
        **to_cells(task, fix.values),
        **to_cells(task, values_of(case.task, correction.before), MODEL),
    }
    source = feedback.home.media / media.file
    file, size_wh = f"{task.media}s/{media.file}", (media.width, media.height)
    return Row(source, file, media.hash, size_wh, task, cells, correction.values)


def _review(correction: Correction) -> dict[str, Any]:
    """The newest review that decided, where one still stands."""
    decided = [r for r in correction.reviews if r.verdict in ("accept", "reject")]
    if not decided or correction.status not in ("accepted", "rejected"):
        return {"reviewer": "", "comment": "", "reviewed": ""}
    last = decided[-1]
    return {"reviewer": last.reviewer, "comment": last.comment, "reviewed": last.created}
