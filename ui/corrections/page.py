"""The Corrections page: what people said about the models, reviewed case by case. Events only;
`ui.corrections.handlers` does the work, `parts` has the components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import gradio as gr

from ui.components import markup
from ui.corrections import case_view, view
from ui.corrections.address import QueueAddress, from_query
from ui.corrections.handlers import exchange, queue, review
from ui.corrections.handlers.agreement import agreement_view
from ui.corrections.handlers.learned import ask_now
from ui.corrections.parts import Parts, Values, plot_value
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.visitors import Role, Visitor

LABEL = "Corrections"
ENDPOINTS: dict[str, Role] = {}
HIDDEN = gr.update(visible=False)
TARGET_JS = "(...args) => [window.sightlineCorrections.target(), ...args.slice(1)]"
FREE_JS = "() => { window.sightlineCorrections.setBusy(false); }"
BUSY_JS = "(...args) => { window.sightlineCorrections.setBusy(true); return args; }"
MARKS_JS = "() => [window.sightlineCorrections.marks()]"
CLEAR_JS = "() => { window.sightlineCorrections.clearMarks(); }"
PULSE_JS = "() => { window.sightlineCorrections.look(); }"
DOWNLOAD_JS = "() => window.sightline.download('sl-cor-file')"


def endpoint(
    role: Role, message: str, **otherwise: Any
) -> Callable[[Callable[..., Values]], Callable[..., Values]]:
    """The least role of an event, whose name is its method's. What goes wrong in it becomes the
    text of the component `message`; otherwise: what other components become then, by name."""

    def made(event: Callable[..., Values]) -> Callable[..., Values]:
        ENDPOINTS[name_of(event)] = role

        @wraps(event)
        def tried(self: Events, *args: Any, **more: Any) -> Values:
            try:
                return event(self, *args, **more)
            except Exception as error:
                said = gr.update(value=markup.error(explain_failure(error)), visible=True)
                rest = {getattr(self.parts, name): value for name, value in otherwise.items()}
                return {getattr(self.parts, message): said, **rest}

        return tried

    return made


def name_of(event: Callable[..., Any]) -> str:
    return f"corrections_{event.__name__.rstrip('_')}"


class Events:
    """What each event does to the page."""

    def __init__(self, parts: Parts, desk: Desk) -> None:
        self.parts, self.desk = parts, desk

    # ---- reading ------------------------------------------------------------------------------

    @endpoint("annotator", "bridge")
    def pulse(self, request: gr.Request) -> Values:
        return {self.parts.bridge: queue.news(self.desk.visitor(request), self.desk)}

    @endpoint("annotator", "empty")
    def refresh(self, where: Any, stamp: str, event: gr.EventData, request: gr.Request) -> Values:
        """The first time all of the page, later what has changed; the open case stays open."""
        p, desk, visitor = self.parts, self.desk, self.desk.visitor(request)
        if where is None:
            start = from_query(str(getattr(event, "query", "")))
            found = queue.page_view(visitor, desk, start, chose=bool(start.case))
            return p.show_page(found, visitor, controls=True)
        if queue.news(visitor, desk) == stamp:
            return {p.stamp: stamp}
        found = queue.page_view(visitor, desk, where)
        # The figure and the answer stay: a person may be working with them.
        same = found.where.case == where.case
        kept = {p.answer, p.address, *([p.plot] if same else [])}
        values = p.show_page(found, visitor)
        return {part: value for part, value in values.items() if part not in kept}

    def _page(self, where: QueueAddress, request: gr.Request, controls: bool = False) -> Values:
        visitor = self.desk.visitor(request)
        found = queue.page_view(visitor, self.desk, where)
        return self.parts.show_page(found, visitor, controls)

    @endpoint("annotator", "summary")
    def filter(self, values: Values, request: gr.Request) -> Values:
        return self._page(self.parts.read_filters(values), request)

    @endpoint("annotator", "summary")
    def clear(self, request: gr.Request) -> Values:
        return self._page(QueueAddress(), request, controls=True)

    @endpoint("annotator", "summary")
    def page_before(self, where: Any, request: gr.Request) -> Values:
        now = where or QueueAddress()
        return self._page(replace(now, page=max(1, now.page - 1), case=""), request)

    @endpoint("annotator", "summary")
    def page_after(self, where: Any, request: gr.Request) -> Values:
        now = where or QueueAddress()
        return self._page(replace(now, page=now.page + 1, case=""), request)

    @endpoint("annotator", "message")
    def open(self, where: Any, case: str | None, request: gr.Request) -> Values:
        p = self.parts
        found = queue.open_case(self.desk.visitor(request), self.desk, case or "")
        now = replace(where or QueueAddress(), case=found.id)
        address = queue.to_query(now)
        return {**p.show_case(found), p.where: now, p.address: address, p.message: ""}

    @endpoint("annotator", "answer")
    def ask(self, where: Any, request: gr.Request) -> Values:
        answer = ask_now(self.desk.visitor(request), self.desk, where.case if where else "")
        return {self.parts.answer: case_view.asked(answer)}

    @endpoint("annotator", "agreement_text")
    def agreement(self, where: Any, request: gr.Request) -> Values:
        p = self.parts
        found = agreement_view(self.desk.visitor(request), self.desk, where or QueueAddress())
        return {p.agreement_plot: plot_value(found.plot), p.agreement_text: found.text}

    # ---- deciding -----------------------------------------------------------------------------

    def _after(self, visitor: Visitor, where: Any, outcome: review.Outcome) -> Values:
        """The page as it is afterwards."""
        now = replace(where or QueueAddress(), case=outcome.case)
        values = self.parts.show_page(queue.page_view(visitor, self.desk, now), visitor)
        return values | {self.parts.message: view.done(outcome.message)}

    def _decide(self, verdict: str, sent: str, comment: str, where: Any, request: Any) -> Values:
        visitor = self.desk.visitor(request)
        outcome = review.decide(visitor, self.desk, sent, verdict, comment)
        cleared = {self.parts.comment: gr.update(value="")}  # a problem keeps what was typed
        return self._after(visitor, where, outcome) | cleared

    @endpoint("trainer", "message")
    def accept(self, sent: str, comment: str, where: Any, request: gr.Request) -> Values:
        return self._decide("accept", sent, comment, where, request)

    @endpoint("trainer", "message")
    def reject(self, sent: str, comment: str, where: Any, request: gr.Request) -> Values:
        return self._decide("reject", sent, comment, where, request)

    @endpoint("annotator", "message")
    def comment(self, sent: str, comment: str, where: Any, request: gr.Request) -> Values:
        return self._decide("comment", sent, comment, where, request)

    @endpoint("trainer", "message")
    def undo(self, where: Any, request: gr.Request) -> Values:
        visitor = self.desk.visitor(request)
        return self._after(visitor, where, review.undo(visitor, self.desk))

    @endpoint("annotator", "message")
    def withdraw(self, where: Any, event: gr.EventData, request: gr.Request) -> Values:
        visitor, wanted = self.desk.visitor(request), str(getattr(event, "correction", ""))
        done = review.withdraw(visitor, self.desk, wanted, where.case if where else "")
        return self._after(visitor, where, done)

    def _question(self, found: review.Bulk) -> Values:
        p, n = self.parts, len(found.ids)
        return {
            p.confirm_box: gr.update(visible=True),
            p.confirm_text: view.confirm(n, found.cases, found.people),
            p.confirm: gr.update(value=f"Accept {n:,}"),
            p.message: "",
            p.bulk: found.ids,
        }

    @endpoint("trainer", "message", bulk=(), confirm_box=HIDDEN)
    def bulk_queue(self, where: Any, request: gr.Request) -> Values:
        visitor = self.desk.visitor(request)
        return self._question(review.bulk_of_queue(visitor, self.desk, where or QueueAddress()))

    @endpoint("trainer", "message", bulk=(), confirm_box=HIDDEN)
    def bulk_marked(self, sent: str, request: gr.Request) -> Values:
        visitor = self.desk.visitor(request)
        return self._question(review.bulk_of_marked(visitor, self.desk, sent))

    @endpoint("trainer", "message", bulk=(), confirm_box=HIDDEN)
    def bulk_accept(self, ids: Any, where: Any, request: gr.Request) -> Values:
        visitor = self.desk.visitor(request)
        outcome = review.accept_all(visitor, self.desk, tuple(ids or ()))
        closed = {self.parts.confirm_box: HIDDEN, self.parts.bulk: ()}
        return self._after(visitor, where, outcome) | closed

    @endpoint("viewer", "message")
    def bulk_cancel(self) -> Values:
        return {self.parts.confirm_box: HIDDEN, self.parts.bulk: ()}

    # ---- export, import, forgetting -----------------------------------------------------------

    @endpoint("trainer", "export_message", export_file=None)
    def export(self, name: Any, where: Any, request: gr.Request) -> Values:
        p, wanted = self.parts, where or QueueAddress(status="any")
        made = exchange.export_zip(
            self.desk.visitor(request), self.desk, wanted, str(name or "")
        )  # fmt: skip
        return {p.export_file: made.path, p.export_message: made.text}

    @endpoint("viewer", "export_message")
    def format(self, name: Any) -> Values:
        return {self.parts.export_message: exchange.format_note(str(name or ""))}

    @endpoint("trainer", "preview", bring=HIDDEN)
    def import_preview(self, path: Any, request: gr.Request) -> Values:
        p, found = self.parts, exchange.preview(self.desk.visitor(request), self.desk, path)
        button = gr.update(value=f"Import {found.fresh:,}", visible=found.fresh > 0)
        return {p.preview: found.text, p.bring: button}

    @endpoint("viewer", "preview")
    def import_clear(self) -> Values:
        return {self.parts.preview: "", self.parts.bring: HIDDEN}

    @endpoint("trainer", "preview")
    def import_(self, path: Any, request: gr.Request) -> Values:
        p, found = self.parts, exchange.bring_in(self.desk.visitor(request), self.desk, path)
        return {p.preview: found.text, p.bring: HIDDEN, p.upload: None}

    @endpoint("annotator", "forget_message")
    def forget(self, person: Any, typed: Any, request: gr.Request) -> Values:
        p, visitor = self.parts, self.desk.visitor(request)
        said = review.forget(visitor, self.desk, str(person or ""), str(typed or ""))
        return {p.forget_message: view.done(said), p.typed: "", p.person: None}


def build() -> Parts:
    return Parts()


def wire(p: Parts, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds the events."""
    do = Events(p, desk)

    def on(trigger: Any, event: Callable[..., Values], inputs: Any, outputs: Any,
           **more: Any) -> Any:  # fmt: skip
        options = {**AT_ONCE, **more}
        return trigger(event, inputs, outputs, api_name=name_of(event), **options)

    def slowly(place: Any) -> dict[str, Any]:
        """For an event that takes a while, whose progress is shown there."""
        return {"queue": True, "show_progress": "full", "show_progress_on": place}

    def then(event: Any, js: str) -> None:
        event.then(None, None, None, js=js)

    # The browser asks every few seconds while the page is in view, and only whether there is news;
    # if so it asks for the page.
    on(p.bridge.select, do.pulse, None, p.bridge, trigger_mode="once")
    on(p.bridge.apply, do.refresh, [p.where, p.stamp], p.shown, trigger_mode="once")
    chosen = [part.input for part in (p.task, p.status, p.author, p.adapter, p.slice)]
    typed = [p.since.submit, p.since.blur, p.until.submit, p.until.blur, p.least.release]
    filters = set(p.filters.values())
    gr.on([*chosen, *typed], do.filter, filters, p.shown, api_name=name_of(do.filter), **LATEST)
    on(p.clear.click, do.clear, None, p.shown)
    on(p.sooner.click, do.page_before, p.where, p.shown)
    on(p.later.click, do.page_after, p.where, p.shown)
    case = [p.head, p.plot, p.said, p.ask, p.answer, p.history, p.learned, p.cards]
    on(p.queue.select, do.open, [p.where, p.asked_case], [*case, p.message, p.where, p.address],
       **LATEST)  # fmt: skip
    # The model's own queue: one question at a time, whichever page it comes from.
    on(p.ask.click, do.ask, p.where, p.answer, **slowly(p.answer), concurrency_id=MODEL_QUEUE,
       concurrency_limit=1)  # fmt: skip
    on(p.agreement.expand, do.agreement, p.where, [p.agreement_plot, p.agreement_text],
       **slowly(p.agreement_text))  # fmt: skip

    for button, event in ((p.accept, do.accept), (p.reject, do.reject), (p.remark, do.comment)):
        sent = [p.sent, p.comment, p.where]
        then(on(button.click, event, sent, p.shown, js=TARGET_JS), FREE_JS)
    then(on(p.undo.click, do.undo, p.where, p.shown, js=BUSY_JS), FREE_JS)
    on(p.cards.delete, do.withdraw, p.where, p.shown)
    question = [p.confirm_box, p.confirm_text, p.confirm, p.message, p.bulk]
    on(p.bulk_filtered.click, do.bulk_queue, p.where, question)
    on(p.bulk_marked.click, do.bulk_marked, p.sent, question, js=MARKS_JS)
    then(on(p.confirm.click, do.bulk_accept, [p.bulk, p.where], p.shown), CLEAR_JS)
    on(p.refuse.click, do.bulk_cancel, None, question)

    told = [p.export_file, p.export_message]
    exported = on(p.export.click, do.export, [p.format, p.where], told, **slowly(p.export_message))
    then(exported, DOWNLOAD_JS)
    on(p.format.input, do.format, p.format, p.export_message, **LATEST)
    seen = [p.preview, p.bring]
    on(p.upload.upload, do.import_preview, p.upload, seen, **slowly(p.preview))
    on(p.upload.clear, do.import_clear, None, seen)
    brought = on(p.bring.click, do.import_, p.upload, [*seen, p.upload], **slowly(p.preview))
    then(brought, PULSE_JS)
    forgotten = [p.forget_message, p.typed, p.person]
    then(on(p.forget.click, do.forget, [p.person, p.typed], forgotten), PULSE_JS)
