"""What the Corrections page shows: the queue, one case, the filters' choices. Plain functions, no
gradio, and nothing here writes. Each takes the visitor first and checks what they may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from inference.errors import UserError
from inference.registry import TASKS
from training.store.database import connect
from training.store.feedback import Case, CaseFilter, Feedback
from training.store.home import Home
from ui.components.markup import aspect_style
from ui.corrections import case_view as corrections_case
from ui.corrections import figures as corrections_figures
from ui.corrections import view
from ui.corrections.address import PAGE_ROWS, QueueAddress, to_query
from ui.corrections.handlers.learned import lessons
from ui.corrections.words import signs
from ui.shell.desk import Desk
from ui.shell.visitors import READABLE, Visitor, require

Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class CaseView:
    """The middle and the right: HTML, and the figure as JSON text. can_ask: the adapter in use can
    be asked about it."""

    id: str
    head: str
    plot: str | None
    said: str
    history: str
    learned: str
    cards: str
    can_ask: bool


@dataclass(frozen=True)
class PageView:
    """The whole page. where: with the shown case in it. query: for the address bar."""

    where: QueueAddress
    query: str
    stamp: str
    anything: bool
    empty: str
    summary: str
    queue: str
    has_before: bool
    has_after: bool
    choices: dict[str, Choices]
    case: CaseView


NO_CASE = CaseView(
    "", '<div class="sl-empty"><p>No case is chosen.</p></div>', None, "", "", "", "", False
)


def page_view(visitor: Visitor, desk: Desk, where: QueueAddress, chose: bool = True) -> PageView:
    """Everything. chose: a person chose the case, so it belongs into the address."""
    require(visitor, READABLE["corrections"], "Reading corrections")
    feedback = Feedback(desk.home)
    stamp = stamp_of(desk.home)
    total = feedback.count(filter_of(where))
    where = replace(where, page=min(where.page, max(1, -(-total // PAGE_ROWS))))
    first = (where.page - 1) * PAGE_ROWS
    rows = feedback.cases(filter_of(where), limit=PAGE_ROWS, offset=first)
    shown = _chosen(feedback, where.case, rows)
    in_address = where if chose else replace(where, case="")
    where = replace(where, case=shown.id if shown else "")
    examples = desk.services.examples()
    return PageView(
        where=where,
        query=to_query(in_address),
        stamp=stamp,
        anything=bool(total) or not is_empty(desk.home),
        empty=view.empty(examples[0].id if examples else None),
        summary=view.summary(
            (first + 1, first + len(rows)), total, where.filtered(status="open") != QueueAddress()
        ),
        queue=view.queue([(case, _picture(feedback, case)) for case in rows], where.case),
        has_before=where.page > 1,
        has_after=first + len(rows) < total,
        choices=choices(feedback),
        case=case_view(visitor, desk, shown),
    )


def case_view(visitor: Visitor, desk: Desk, case: Case | None) -> CaseView:
    """One case; NO_CASE where there is none."""
    require(visitor, READABLE["corrections"], "Reading corrections")
    if case is None:
        return NO_CASE
    feedback = Feedback(desk.home)
    plot = _plot(desk, feedback, case)
    said = (
        aspect_style("sl-cor-plot", case.media.width / max(case.media.height, 1))
        + corrections_case.sentence(case)
        + corrections_case.differences(case)
        + corrections_case.answers(case)
    )
    return CaseView(
        id=case.id,
        head=corrections_case.head(case, scene_link(case)),
        plot=plot,
        said=said,
        history=corrections_case.history(case),
        learned=corrections_case.learned(case, lessons(desk.home, case)),
        cards=view.cards(case, visitor.name),
        can_ask=plot is not None and case.task == "hazard",
    )


def open_case(visitor: Visitor, desk: Desk, case_id: str) -> CaseView:
    """One case by its id; UserError where there is no such case."""
    require(visitor, READABLE["corrections"], "Reading corrections")
    return case_view(visitor, desk, Feedback(desk.home).case(case_id))


def filter_of(where: QueueAddress) -> CaseFilter:
    """The store's filter behind an address."""
    return CaseFilter(
        task=where.task or None,
        status=None if where.status == "any" else where.status,
        author=where.author or None,
        adapter=where.adapter or None,
        slice=where.slice or None,
        since=where.since or None,
        until=where.until or None,
        min_disagreement=where.least / 100 or None,
    )


def choices(feedback: Feedback) -> dict[str, Choices]:
    """What the filters offer, by the name of the filter."""
    return {
        "task": [("All tasks", ""), *((spec.label, name) for name, spec in TASKS.items())],
        "author": [("Everyone", ""), *((n, n) for n in feedback.authors())],
        "adapter": [("All adapters", ""), *((n, n) for n in feedback.adapters())],
        "slice": [("All slices", ""), *((n, n) for n in feedback.slices())],
    }


def scene_link(case: Case) -> str | None:
    """Address of the case in Scene, with the settings that it was corrected under."""
    for prediction in case.predictions:
        if query := prediction.settings.get("query"):
            return f"./?{query}"
    return f"./?image={case.media.hash}" if case.media.kind == "image" else None


def stamp_of(home: Home) -> str:
    """Changes whenever an event was added or a person forgotten; cheap enough to ask every few
    seconds."""
    tables = ("predictions", "corrections", "reviews", "withdrawals", "evaluations", "jobs")
    counts = ", ".join(f"(select count(*) from {t}), (select max(rowid) from {t})" for t in tables)
    with connect(home) as db:
        return str(next(iter(db.execute(f"select {counts}"))))


def news(visitor: Visitor, desk: Desk) -> str:
    """The stamp of the store as it is now."""
    require(visitor, READABLE["corrections"], "Reading corrections")
    return stamp_of(desk.home)


def is_empty(home: Home) -> bool:
    """Has nobody corrected anything yet?"""
    with connect(home) as db:
        return not next(iter(db.execute("select exists (select 1 from corrections)")))[0]


def _chosen(feedback: Feedback, wanted: str, rows: list[Case]) -> Case | None:
    """The wanted case if it exists, whatever the filters, else the first of the queue."""
    if wanted:
        try:
            return feedback.case(wanted)
        except UserError:
            pass  # a link to a case that was forgotten: the rest of the link still works
    return rows[0] if rows else None


def _picture(feedback: Feedback, case: Case) -> Path | None:
    return feedback.media_path(case.media.hash) if case.media.kind == "image" else None


def _plot(desk: Desk, feedback: Feedback, case: Case) -> str | None:
    path = _picture(feedback, case)
    if path is None or not path.is_file():
        return None
    try:
        image = desk.services.load_image(path)
    except UserError:
        return None
    url = desk.pictures.url(image)
    return corrections_figures.case_picture(url, image.size_wh, signs(case), case.id)
