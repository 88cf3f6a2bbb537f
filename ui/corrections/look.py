"""Events of the Corrections tab that only read: opening, news, filters, pages, a case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.components import markup
from ui.corrections import case_view as corrections_case
from ui.corrections.address import QueueAddress, from_query
from ui.corrections.handlers import queue as corrections
from ui.corrections.handlers.agreement import agreement_view
from ui.corrections.handlers.learned import ask_now
from ui.corrections.parts import CorrectionsTab
from ui.corrections.show import (
    Values,
    failed,
    page_outputs,
    plot_value,
    read_filters,
    show_case,
    show_page,
)
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST
from ui.shell.failures import explain_failure


def wire_looking(tab: CorrectionsTab, desk: Desk) -> None:
    _wire_pulse(tab, desk)
    _wire_filters(tab, desk)
    _wire_case(tab, desk)


def _wire_pulse(tab: CorrectionsTab, desk: Desk) -> None:
    """The browser asks every few seconds while the page is in view, and only whether there is
    news. If so it asks for the page: the first time all of it, later what has changed, and the
    case that is open stays open."""
    k = tab.keep

    def pulse(request: gr.Request) -> str:
        try:
            return corrections.news(desk.visitor(request), desk)
        except UserError as problem:
            return markup.error(problem)

    def refreshed(where: Any, stamp: str, event: gr.EventData, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        try:
            if where is None:
                start = from_query(str(getattr(event, "query", "")))
                view = corrections.page_view(visitor, desk, start, chose=bool(start.case))
                return show_page(tab, view, visitor, controls=True)
            if corrections.news(visitor, desk) == stamp:
                return {k.stamp: stamp}
            view = corrections.page_view(visitor, desk, where)
        except UserError as problem:
            return {tab.empty: gr.update(value=markup.error(problem), visible=True)}
        found = show_page(tab, view, visitor, controls=False)
        same = view.where.case == where.case
        # The figure and the answer stay: a person may be looking at them.
        kept = {tab.case.answer, k.address, *([tab.case.plot] if same else [])}
        return {part: value for part, value in found.items() if part not in kept}

    k.bridge.select(
        pulse, None, k.bridge, api_name="corrections_pulse", trigger_mode="once", **AT_ONCE
    )
    k.bridge.apply(
        refreshed, [k.where, k.stamp], page_outputs(tab), api_name="corrections_refresh",
        trigger_mode="once", **AT_ONCE,
    )  # fmt: skip


def _wire_filters(tab: CorrectionsTab, desk: Desk) -> None:
    f, q, k = tab.filters, tab.queue, tab.keep
    outputs = page_outputs(tab)
    controls = [c for name, c in vars(f).items() if name != "clear"]

    def looked(where: QueueAddress, request: gr.Request, set_controls: bool = False) -> Values:
        visitor = desk.visitor(request)
        try:
            view = corrections.page_view(visitor, desk, where)
        except UserError as problem:
            return failed(q.summary, problem)
        return show_page(tab, view, visitor, set_controls)

    def filtered(values: Values, request: gr.Request) -> Values:
        return looked(read_filters(tab, values), request)

    def turned(by: int, where: Any, request: gr.Request) -> Values:
        now = where or QueueAddress()
        return looked(replace(now, page=max(1, now.page + by), case=""), request)

    def before(where: Any, request: gr.Request) -> Values:
        return turned(-1, where, request)

    def after(where: Any, request: gr.Request) -> Values:
        return turned(1, where, request)

    def cleared(request: gr.Request) -> Values:
        return looked(QueueAddress(), request, set_controls=True)

    changes = [c.input for c in (f.task, f.status, f.author, f.adapter, f.slice)]
    changes += [f.since.submit, f.since.blur, f.until.submit, f.until.blur, f.least.release]
    gr.on(changes, filtered, set(controls), outputs, api_name="corrections_filter",
          **LATEST)  # fmt: skip
    f.clear.click(cleared, None, outputs, api_name="corrections_clear", **AT_ONCE)
    q.sooner.click(before, k.where, outputs, api_name="corrections_page_before", **AT_ONCE)
    q.later.click(after, k.where, outputs, api_name="corrections_page_after", **AT_ONCE)


def _wire_case(tab: CorrectionsTab, desk: Desk) -> None:
    c, k = tab.case, tab.keep

    def opened(where: Any, case: str | None, request: gr.Request) -> Values:
        try:
            view = corrections.open_case(desk.visitor(request), desk, case or "")
        except UserError as problem:
            return failed(tab.decision.message, problem)
        now = replace(where or QueueAddress(), case=view.id)
        return show_case(tab, view) | {
            k.where: now,
            k.address: corrections.to_query(now),
            tab.decision.message: "",
        }

    parts = [*vars(c).values(), tab.decision.cards, tab.decision.message, k.where, k.address]
    tab.queue.queue.select(
        opened, [k.where, k.asked_case], parts, api_name="corrections_open", **LATEST
    )

    def asked(where: Any, request: gr.Request) -> str:
        try:
            answer = ask_now(desk.visitor(request), desk, where.case if where else "")
        except Exception as error:
            return markup.error(explain_failure(error))
        return corrections_case.asked(answer)

    # The model's own queue: one question at a time, whichever page it comes from.
    c.ask.click(
        asked, k.where, c.answer, api_name="corrections_ask", api_visibility="private",
        concurrency_id="model", concurrency_limit=1, show_progress_on=c.answer,
    )  # fmt: skip

    def agreed(where: Any, request: gr.Request) -> Values:
        a = tab.agreement
        try:
            found = agreement_view(desk.visitor(request), desk, where or QueueAddress())
        except UserError as problem:
            return failed(a.text, problem)
        return {a.figure: plot_value(found.plot), a.text: found.text}

    tab.agreement.box.expand(
        agreed, k.where, [tab.agreement.figure, tab.agreement.text],
        api_name="corrections_agreement", api_visibility="private",
        show_progress_on=tab.agreement.text,
    )  # fmt: skip
