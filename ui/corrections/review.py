"""Events of the Corrections tab that add to what is there: decide, undo, withdraw, many at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from inference.errors import UserError
from ui.corrections import view as page_view
from ui.corrections.address import QueueAddress
from ui.corrections.handlers import queue as corrections
from ui.corrections.handlers import review as corrections_review
from ui.corrections.handlers.review import Bulk, Outcome
from ui.corrections.parts import CorrectionsTab
from ui.corrections.show import Values, done, failed, page_outputs, show_page
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE
from ui.shell.visitors import Visitor

TARGET_JS = "(...args) => [window.sightlineCorrections.target(), ...args.slice(1)]"
FREE_JS = "() => { window.sightlineCorrections.setBusy(false); }"
BUSY_JS = "(...args) => { window.sightlineCorrections.setBusy(true); return args; }"
MARKS_JS = "() => [window.sightlineCorrections.marks()]"


def wire_reviewing(tab: CorrectionsTab, desk: Desk) -> None:
    _wire_decisions(tab, desk)
    _wire_bulk(tab, desk)


def _acted(
    tab: CorrectionsTab, desk: Desk, visitor: Visitor, where: Any, act: Callable[[], Outcome]
) -> Values:
    """Does it and shows the page as it is afterwards; a problem changes nothing on the page."""
    try:
        outcome = act()
        start = where or QueueAddress()
        now = replace(start, case=outcome.case)
        view = corrections.page_view(visitor, desk, now)
    except UserError as problem:
        return failed(tab.decision.message, problem)
    return show_page(tab, view, visitor, controls=False) | done(tab, outcome.message)


def _wire_decisions(tab: CorrectionsTab, desk: Desk) -> None:
    d, k = tab.decision, tab.keep
    outputs = page_outputs(tab)

    def decided(verdict: str) -> Callable[..., Values]:
        def act(sent: str, comment: str, where: Any, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            found = _acted(
                tab, desk, visitor, where,
                lambda: corrections_review.decide(visitor, desk, sent, verdict, comment),
            )  # fmt: skip
            # A problem keeps what was typed.
            return found | ({d.comment: gr.update(value="")} if k.where in found else {})

        return act

    for button, verdict in ((d.accept, "accept"), (d.reject, "reject"), (d.remark, "comment")):
        button.click(
            decided(verdict), [k.sent, d.comment, k.where], outputs, js=TARGET_JS,
            api_name=f"corrections_{verdict}", **AT_ONCE,
        ).then(None, None, None, js=FREE_JS)  # fmt: skip

    def undone(where: Any, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        return _acted(tab, desk, visitor, where, lambda: corrections_review.undo(visitor, desk))

    d.undo.click(undone, k.where, outputs, js=BUSY_JS, api_name="corrections_undo", **AT_ONCE).then(
        None, None, None, js=FREE_JS
    )

    def withdrawn(where: Any, event: gr.EventData, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        case = where.case if where else ""
        wanted = str(getattr(event, "correction", ""))
        return _acted(
            tab, desk, visitor, where,
            lambda: corrections_review.withdraw(visitor, desk, wanted, case),
        )  # fmt: skip

    d.cards.delete(withdrawn, k.where, outputs, api_name="corrections_withdraw", **AT_ONCE)


def _wire_bulk(tab: CorrectionsTab, desk: Desk) -> None:
    d, k = tab.decision, tab.keep
    asking = [d.confirm_box, d.confirm_text, d.confirm, d.message, k.bulk]

    def question(find: Callable[[], Bulk]) -> Values:
        try:
            found = find()
        except UserError as problem:
            return failed(d.message, problem) | {
                k.bulk: (), d.confirm_box: gr.update(visible=False),
            }  # fmt: skip
        n = len(found.ids)
        return {
            d.confirm_box: gr.update(visible=True),
            d.confirm_text: page_view.confirm(n, found.cases, found.people),
            d.confirm: gr.update(value=f"Accept {n:,}"),
            d.message: "",
            k.bulk: found.ids,
        }

    def of_queue(where: Any, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        start = where or QueueAddress()
        return question(lambda: corrections_review.bulk_of_queue(visitor, desk, start))

    def of_marked(sent: str, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        return question(lambda: corrections_review.bulk_of_marked(visitor, desk, sent))

    def accepted(ids: Any, where: Any, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        found = _acted(
            tab, desk, visitor, where,
            lambda: corrections_review.accept_all(visitor, desk, tuple(ids or ())),
        )  # fmt: skip
        return found | {d.confirm_box: gr.update(visible=False), k.bulk: ()}

    d.bulk_filtered.click(of_queue, k.where, asking, api_name="corrections_bulk_queue", **AT_ONCE)
    d.bulk_marked.click(
        of_marked, k.sent, asking, js=MARKS_JS, api_name="corrections_bulk_marked", **AT_ONCE
    )
    d.confirm.click(
        accepted,
        [k.bulk, k.where],
        page_outputs(tab),
        api_name="corrections_bulk_accept",
        **AT_ONCE,
    ).then(None, None, None, js="() => { window.sightlineCorrections.clearMarks(); }")
    d.refuse.click(
        lambda: (gr.update(visible=False), ()), None, [d.confirm_box, k.bulk],
        api_name="corrections_bulk_cancel", **AT_ONCE,
    )  # fmt: skip
