"""What the Corrections page shows: the queue, one case, the filters' choices. Plain functions, no
gradio, and nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inference.errors import UserError
from inference.registry import TASKS
from training.store.database import connect
from training.store.feedback import Case, CaseFilter, Feedback
from ui.corrections import case_view as pieces
from ui.corrections import view
from ui.corrections.address import PAGE_ROWS, QueueAddress, to_query
from ui.corrections.handlers.learned import can_run, lessons
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor

Choices = list[tuple[str, str]]
NOTHING = '<div class="sl-empty"><p>No case is chosen.</p></div>'


@dataclass(frozen=True)
class CaseView:
    """The middle and the right, as HTML: a field for each of the page's parts. can_run: whether the
    adapter in use can be run on the case."""

    id: str = ""
    head: str = NOTHING
    stage: str = ""
    said: str = ""
    history: str = ""
    learned: str = ""
    cards: str = ""
    can_run: bool = False


@dataclass(frozen=True)
class PageView:
    """The whole page. where: with the shown case in it. address: the query for the address bar."""

    where: QueueAddress
    address: str
    stamp: str
    anything: bool
    empty: str
    summary: str
    queue: str
    has_before: bool
    has_after: bool
    choices: dict[str, Choices]
    case: CaseView


def page_view(visitor: Visitor, desk: Desk, where: QueueAddress, chose: bool = True) -> PageView:
    """Everything. chose: a person chose the case, so it belongs into the address."""
    stamp = news(desk)
    feedback = Feedback(desk.home)
    total = feedback.count(where.filter)
    where = replace(where, page=min(where.page, max(1, -(-total // PAGE_ROWS))))
    first = (where.page - 1) * PAGE_ROWS
    rows = feedback.cases(where.filter, limit=PAGE_ROWS, offset=first)
    shown = _chosen(feedback, where.case, rows)
    in_address = where if chose else replace(where, case="")
    where = replace(where, case=shown.id if shown else "")
    examples = desk.services.examples()
    return PageView(
        where=where,
        address=to_query(in_address),
        stamp=stamp,
        anything=bool(total or feedback.count(CaseFilter())),
        empty=view.empty(examples[0].id if examples else None),
        summary=view.summary((first + 1, first + len(rows)), total, where.filtered),
        queue=view.queue(
            [(case, feedback.media_path(case.media.hash)) for case in rows], where.case
        ),
        has_before=where.page > 1,
        has_after=first + len(rows) < total,
        choices=choices(feedback),
        case=case_view(visitor, desk, shown) if shown else CaseView(),
    )


def case_view(visitor: Visitor, desk: Desk, case: Case) -> CaseView:
    """One case."""
    stage = _stage(desk, case)
    return CaseView(
        id=case.id,
        head=pieces.head(case, scene_link(case)),
        stage=stage,
        said=pieces.differences(case) + pieces.answers(case),
        history=pieces.history(case),
        learned=pieces.learned(lessons(desk.home, case)),
        cards=view.cards(case, visitor.name),
        can_run=bool(stage) and can_run(case),
    )


def open_case(visitor: Visitor, desk: Desk, case_id: str) -> CaseView:
    """One case by its id; UserError where there is no such case."""
    return case_view(visitor, desk, Feedback(desk.home).case(case_id))


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


def news(desk: Desk) -> str:
    """A stamp of the store that changes whenever an event was added or a person forgotten; cheap
    enough to ask every few seconds."""
    tables = ("predictions", "corrections", "reviews", "withdrawals", "evaluations", "jobs")
    counts = ", ".join(f"(select count(*) from {t}), (select max(rowid) from {t})" for t in tables)
    with connect(desk.home) as db:
        return str(next(iter(db.execute(f"select {counts}"))))


def _chosen(feedback: Feedback, wanted: str, rows: list[Case]) -> Case | None:
    """The wanted case if it exists, whatever the filters, else the first of the queue."""
    if wanted:
        try:
            return feedback.case(wanted)
        except UserError:
            pass  # a link to a case that was forgotten: the rest of the link still works
    return rows[0] if rows else None


def _stage(desk: Desk, case: Case) -> str:
    """The image, or a clip's first frame, with its marks; nothing where the file is gone or
    broken."""
    try:
        path = Feedback(desk.home).media_path(case.media.hash)
        image = desk.services.load_media(path).still()
    except UserError:
        image = None
    return pieces.picture(case, desk.pictures.url(image), image.size_wh) if image else ""
