"""The Corrections page: what people said about the models, reviewed case by case. Events only;
`ui.corrections.handlers` does the work, `parts` has the components."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from ui.components import markup
from ui.components.endpoints import Endpoints, Event, Values, needs, roles
from ui.corrections import view
from ui.corrections.address import QueueAddress, from_query, to_query
from ui.corrections.handlers import exchange, queue, review
from ui.corrections.handlers.agreement import agreement_html
from ui.corrections.handlers.learned import run_now
from ui.corrections.parts import Parts
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.visitors import READABLE, Role, Visitor, require

LABEL = "Corrections"
READING: tuple[Role, str] = (READABLE["corrections"], "Reading corrections")
NEEDS = needs(
    "format import_clear bulk_cancel",
    {
        **dict.fromkeys(
            ("opened", "refresh", "filter", "clear", "page_before", "page_after", "open",
             "agreement"), READING),
        "run": ("annotator", "Running the model"),
        "accept": ("trainer", "Accepting corrections"),
        "reject": ("trainer", "Rejecting corrections"),
        "comment": ("annotator", "Commenting on corrections"),
        "undo": ("trainer", "Undoing reviews"),
        "withdraw": ("annotator", "Withdrawing corrections"),
        "bulk_queue": ("trainer", "Accepting corrections"),
        "bulk_marked": ("trainer", "Accepting corrections"),
        "bulk_accept": ("trainer", "Accepting corrections"),
        "export": ("trainer", "Exporting corrections"),
        "import_preview": ("trainer", "Importing corrections"),
        "import": ("trainer", "Importing corrections"),
        "forget": ("annotator", "Deleting corrections"),
    },
)  # fmt: skip
ENDPOINTS = roles("corrections", NEEDS)
HIDDEN = gr.update(visible=False)
# `sent` is the newest of the parts, so it comes last.
TARGET_JS = "(...args) => [...args.slice(0, -1), window.sightlineCorrections.target()]"
FREE_JS = "() => { window.sightlineCorrections.setBusy(false); }"
BUSY_JS = "(...args) => { window.sightlineCorrections.setBusy(true); return args; }"
MARKS_JS = "() => [window.sightlineCorrections.marks()]"
CLEAR_JS = "() => { window.sightlineCorrections.clearMarks(); }"
DOWNLOAD_JS = "() => window.sightline.download('sl-cor-file')"


def build() -> Parts:
    return Parts()


def wire(p: Parts, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds the events, one function for each part of the page."""
    ends = Endpoints(desk, "corrections", NEEDS)
    wire_queue(p, desk, ends, page)
    wire_case(p, desk, ends)
    wire_decisions(p, desk, ends)
    wire_bulk(p, desk, ends)
    wire_exchange(p, desk, ends)


def now(p: Parts, values: Values) -> QueueAddress:
    """What the page shows."""
    return values[p.where] or QueueAddress()


def page_at(p: Parts, desk: Desk, visitor: Visitor, where: QueueAddress, **more: Any) -> Values:
    return p.show_page(queue.page_view(visitor, desk, where), visitor, **more)


def slowly(place: Any) -> dict[str, Any]:
    """For an event that takes a while, whose progress is shown there."""
    return {**AT_ONCE, "queue": True, "show_progress": "full", "show_progress_on": place}


def wire_queue(p: Parts, desk: Desk, ends: Endpoints, page: gr.Blocks) -> None:
    """Opening, filters and pages; what others do meanwhile."""

    def opened(request: gr.Request) -> Values:
        visitor, start = desk.visitor(request), from_query(dict(request.query_params))
        try:
            require(visitor, *READING)
            found = queue.page_view(visitor, desk, start, chose=bool(start.case))
        except Exception as error:
            return {p.empty: markup.error(explain_failure(error))}
        return p.show_page(found, visitor, controls=True)

    def refresh(visitor: Visitor, values: Values) -> Values:
        """What has changed in the store meanwhile; the open case stays open."""
        if values[p.where] is None or queue.news(desk) == values[p.stamp]:
            return {p.stamp: gr.skip()}
        found = page_at(p, desk, visitor, values[p.where])
        # A person may be reading the adapter's answer.
        return {part: value for part, value in found.items() if part not in (p.answer, p.address)}

    def chosen(visitor: Visitor, values: Values) -> Values:
        return page_at(p, desk, visitor, p.read_filters(values))

    def clear(visitor: Visitor, values: Values) -> Values:
        return page_at(p, desk, visitor, QueueAddress(), controls=True)

    def turning(by: int) -> Event:
        def turned(visitor: Visitor, values: Values) -> Values:
            here = now(p, values)
            return page_at(p, desk, visitor, replace(here, page=max(1, here.page + by), case=""))

        return turned

    page.load(opened, None, p.shown, api_name="corrections_opened", **AT_ONCE)
    ends.bind(p.timer.tick, "refresh", refresh, {p.where, p.stamp}, p.shown, p.summary,
              **{**AT_ONCE, "trigger_mode": "once"})  # fmt: skip
    picked = [part.input for part in (p.task, p.status, p.author, p.adapter, p.slice)]
    typed = [p.since.submit, p.since.blur, p.until.submit, p.until.blur, p.least.release]
    ends.bind(partial(gr.on, [*picked, *typed]), "filter", chosen,
              set(p.filters.values()), p.shown, p.summary, **LATEST)  # fmt: skip
    ends.bind(p.clear.click, "clear", clear, {p.where}, p.shown, p.summary)
    ends.bind(p.sooner.click, "page_before", turning(-1), {p.where}, p.shown, p.summary)
    ends.bind(p.later.click, "page_after", turning(1), {p.where}, p.shown, p.summary)


def wire_case(p: Parts, desk: Desk, ends: Endpoints) -> None:
    """One case, large; and how far people agree."""

    def opened(visitor: Visitor, values: Values) -> Values:
        found = queue.open_case(visitor, desk, values[p.asked_case] or "")
        here = replace(now(p, values), case=found.id)
        return {**p.show_case(found), p.where: here, p.address: to_query(here), p.message: ""}

    def run(visitor: Visitor, values: Values) -> Values:
        return {p.answer: run_now(desk, now(p, values).case)}

    def agreement(visitor: Visitor, values: Values) -> Values:
        return {p.agreement_text: agreement_html(desk, now(p, values))}

    ends.bind(p.queue.select, "open", opened, {p.where, p.asked_case},
              [*p.case, p.message, p.where, p.address], p.message, **LATEST)  # fmt: skip
    # The model's own queue: one request at a time, whichever page it comes from.
    alone = {"concurrency_id": MODEL_QUEUE, "concurrency_limit": 1}
    ends.bind(p.run.click, "run", run, {p.where}, [p.answer], p.answer, **slowly(p.answer), **alone)
    ends.bind(p.agreement.expand, "agreement", agreement, {p.where}, [p.agreement_text],
              p.agreement_text, **slowly(p.agreement_text))  # fmt: skip


def wire_decisions(p: Parts, desk: Desk, ends: Endpoints) -> None:
    """Accept, reject, comment; undo and withdraw."""

    def after(visitor: Visitor, values: Values, outcome: review.Outcome) -> Values:
        """The page as it is afterwards."""
        shown = page_at(p, desk, visitor, replace(now(p, values), case=outcome.case))
        return shown | {p.message: view.done(outcome.message)}

    def deciding(verdict: str) -> Event:
        def decided(visitor: Visitor, values: Values) -> Values:
            done = review.decide(visitor, desk, values[p.sent], verdict, values[p.comment])
            # A problem keeps what was typed.
            return after(visitor, values, done) | {p.comment: gr.update(value="")}

        return decided

    def undo(visitor: Visitor, values: Values) -> Values:
        return after(visitor, values, review.undo(visitor, desk))

    def withdraw(visitor: Visitor, values: Values) -> Values:
        wanted = values[p.asked_withdraw] or ""
        return after(visitor, values, review.withdraw(visitor, desk, wanted, now(p, values).case))

    for button, verdict in ((p.accept, "accept"), (p.reject, "reject"), (p.remark, "comment")):
        ends.bind(button.click, verdict, deciding(verdict), {p.sent, p.comment, p.where}, p.shown,
                  p.message, **AT_ONCE, js=TARGET_JS).then(None, js=FREE_JS)  # fmt: skip
    ends.bind(p.undo.click, "undo", undo, {p.where}, p.shown, p.message, **AT_ONCE,
              js=BUSY_JS).then(None, js=FREE_JS)  # fmt: skip
    ends.bind(p.cards.select, "withdraw", withdraw, {p.where, p.asked_withdraw}, p.shown, p.message)


def wire_bulk(p: Parts, desk: Desk, ends: Endpoints) -> None:
    """Many at once: the question, and its answer."""
    closed = {p.confirm_box: HIDDEN, p.bulk: ()}

    def question(found: review.Bulk) -> Values:
        n = len(found.ids)
        return {
            p.confirm_box: gr.update(visible=True),
            p.confirm_text: view.confirm(n, found.cases, found.people),
            p.confirm: gr.update(value=f"Accept {n:,}"),
            p.message: "",
            p.bulk: found.ids,
        }

    def of_queue(visitor: Visitor, values: Values) -> Values:
        return question(review.bulk_of_queue(desk, now(p, values)))

    def of_marked(visitor: Visitor, values: Values) -> Values:
        return question(review.bulk_of_marked(desk, values[p.sent]))

    def accept(visitor: Visitor, values: Values) -> Values:
        said = review.accept_all(visitor, desk, values[p.bulk] or ())
        shown = page_at(p, desk, visitor, replace(now(p, values), case=""))
        return {**shown, **closed, p.message: view.done(said)}

    def cancel(visitor: Visitor, values: Values) -> Values:
        return closed

    asking = [p.confirm_box, p.confirm_text, p.confirm, p.message, p.bulk]
    ends.bind(p.bulk_filtered.click, "bulk_queue", of_queue, {p.where}, asking, p.message)
    ends.bind(p.bulk_marked.click, "bulk_marked", of_marked, {p.sent}, asking, p.message,
              **AT_ONCE, js=MARKS_JS)  # fmt: skip
    ends.bind(p.confirm.click, "bulk_accept", accept, {p.bulk, p.where}, p.shown,
              p.message).then(None, js=CLEAR_JS)  # fmt: skip
    ends.bind(p.refuse.click, "bulk_cancel", cancel, {p.bulk}, asking, p.message)


def wire_exchange(p: Parts, desk: Desk, ends: Endpoints) -> None:
    """Export, import, forgetting a person."""

    def export(visitor: Visitor, values: Values) -> Values:
        wanted = values[p.where] or QueueAddress(status="any")
        path, text = exchange.export_zip(desk, wanted, str(values[p.format] or ""))
        return {p.export_file: path, p.export_message: text}

    def told(visitor: Visitor, values: Values) -> Values:
        return {p.export_message: exchange.format_note(str(values[p.format] or ""))}

    def importing(dry_run: bool) -> Event:
        def imported(visitor: Visitor, values: Values) -> Values:
            text, fresh = exchange.import_rows(visitor, desk, values[p.upload], dry_run=dry_run)
            button = gr.update(value=f"Import {fresh:,}", visible=fresh > 0)
            return {p.preview: text, p.bring: button, **({} if dry_run else {p.upload: None})}

        return imported

    def clear(visitor: Visitor, values: Values) -> Values:
        return {p.preview: "", p.bring: HIDDEN}

    def forget(visitor: Visitor, values: Values) -> Values:
        person, typed = str(values[p.person] or ""), str(values[p.typed] or "")
        said = review.forget(visitor, desk, person, typed)
        return {p.forget_message: view.done(said), p.typed: "", p.person: None}

    ends.bind(p.export.click, "export", export, {p.format, p.where},
              [p.export_file, p.export_message], p.export_message,
              **slowly(p.export_message)).then(None, js=DOWNLOAD_JS)  # fmt: skip
    ends.bind(p.format.input, "format", told, {p.format}, [p.export_message], p.export_message,
              **LATEST)  # fmt: skip
    seen = [p.preview, p.bring, p.upload]
    ends.bind(p.upload.upload, "import_preview", importing(True), {p.upload}, seen, p.preview,
              **slowly(p.preview))  # fmt: skip
    ends.bind(p.upload.clear, "import_clear", clear, {p.upload}, seen, p.preview)
    ends.bind(p.bring.click, "import", importing(False), {p.upload}, seen, p.preview,
              **slowly(p.preview))  # fmt: skip
    ends.bind(p.forget.click, "forget", forget, {p.person, p.typed},
              [p.forget_message, p.typed, p.person], p.forget_message)  # fmt: skip
