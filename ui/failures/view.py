"""Pieces of HTML for the Failures page. What came from a file or a model is escaped here."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape

from inference.fields import Point, first_point
from inference.registry import task as find_task
from inference.schema import Side
from ui.components.fields import kind_of
from ui.components.marks import placed
from ui.components.markup import sign
from ui.components.thumbnails import small
from ui.components.words import bare, count
from ui.failures.batches import Batch, Compared
from ui.shell.address import query_of

THUMB_PX = 300  # width of an image in the grid, for the size of its marks


def summary(batch: Batch) -> str:
    """What the whole batch says, loudest first."""
    scored = [row for row in batch.rows if row.errors]
    failed = sum(bool(row.problem) for row in batch.rows)
    rest = len(batch.paths) - len(batch.rows)
    quiet = [count(len(batch.rows), "image")]
    quiet += ["errors in px at 1280 × 720"] if scored and batch.unit == "px" else []
    quiet += [f"{failed} could not be compared"] if failed else []
    quiet += [f"{rest} not compared yet"] if rest else []
    quiet += ["the table names none of them"] if batch.truth and not scored else []
    return (
        f'<p class="fl-loud">{_loud(batch, scored)}</p><p class="sl-quiet">{", ".join(quiet)}.</p>'
    )


def _loud(batch: Batch, scored: Sequence[Compared]) -> str:
    if scored:
        sides = [s for s in ("base", "finetuned") if all(s in row.errors for row in scored)]
        medians = [statistics.median(row.errors[s] for row in scored) for s in sides]  # type: ignore[index]
        parts = [
            f"{sign(s)}{bare(m, batch.unit)} {batch.unit}"
            for s, m in zip(sides, medians, strict=True)
        ]
        words = (
            f"Median error {' → '.join(parts)} over {count(len(scored), 'image')} with ground truth"
        )
        changes = [row.change for row in scored if row.change is not None]
        if changes:
            better, worse = sum(c < 0 for c in changes), sum(c > 0 for c in changes)
            words += f"; {better} better, {worse} worse"
        return words + "."
    apart = [row.apart for row in batch.rows if row.apart is not None]
    if apart:
        share = f"{100 * statistics.median(apart):.1f} %"
        of = "of the diagonal apart" if find_task(batch.task).points else "apart"
        return f"Base and fine-tuned are {share} {of} (median). Nobody scored them."
    return "No answers to compare yet."


def grid(batch: Batch, rows: Sequence[Compared]) -> str:
    """An image each with both sides' marks and numbers; a press opens it in Scene."""
    items = "".join(f"<li>{_card(batch, row)}</li>" for row in rows)
    return f'<ol class="fl-grid" aria-label="Compared images">{items}</ol>' if items else ""


def _card(batch: Batch, row: Compared) -> str:
    name = f"<b>{escape(row.name)}</b>"
    if row.problem:
        return (
            f'<div class="fl-card">{name}<span class="sl-error">{escape(row.problem)}</span></div>'
        )
    asked = {
        "image": row.image,
        "task": batch.task if batch.task != "hazard" else None,
        "adapter": batch.adapter or "none",
    }
    lines = [_apart(batch, row), _errors(batch, row), _sure(row)]
    facts = "".join(f"<span>{line}</span>" for line in lines if line)
    return f'<a class="fl-card" href="./?{escape(query_of(asked))}">{_image(row)}{name}{facts}</a>'


def _image(row: Compared) -> str:
    width, height = row.size_wh
    marks: dict[str, Point] = {}
    for kind, values in (*row.values.items(), ("truth", row.truth)):
        point = first_point(values)
        if point is not None:
            marks[kind] = point
    drawn = "".join(placed(kind, point) for kind, point in marks.items())
    return (
        f'<svg viewBox="0 0 {width} {height}" style="--sl-px:{width / THUMB_PX:.3f}" '
        f'aria-hidden="true"><image href="{small(row.path)}" width="{width}" height="{height}"/>'
        f"{drawn}</svg>"
    )


def _apart(batch: Batch, row: Compared) -> str:
    """By kind of field, as in Scene, but for points, whose marks are on the image."""
    task = find_task(batch.task)
    main = task.main_field
    sides = [row.values.get(s, {}).get(main.name) for s in ("base", "finetuned")]
    if isinstance(sides[0], Point) and isinstance(sides[1], Point):
        return f"{sides[0].distance_px(sides[1]):.0f} px apart"
    words = [
        f"{sign(s)}{kind_of(main).words(main, value) if value else 'no answer'}"
        for s, value in zip(("base", "finetuned"), sides, strict=True)
        if s in row.values
    ]
    return " ".join(words)


def _errors(batch: Batch, row: Compared) -> str:
    parts = [f"{sign(s)}{bare(e, batch.unit)}" for s, e in row.errors.items()]
    change = row.change or 0.0
    word = "better" if change < 0 else "worse" if change > 0 else "unchanged"
    verdict = f' <b class="fl-{word}">{word}</b>' if row.change is not None else ""
    return f"error {' → '.join(parts)} {batch.unit}{verdict}" if parts else ""


def _sure(row: Compared) -> str:
    sides: list[Side] = ["base", "finetuned"]
    parts = [f"{sign(s)}{100 * row.confidence[s]:.0f} %" for s in sides if s in row.confidence]
    return f"token probability {' '.join(parts)}" if parts else ""
