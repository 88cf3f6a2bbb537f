"""What the Corrections tab's components become: pure updates, no events."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from inference.errors import UserError
from ui.components import markup
from ui.corrections import view as page_view
from ui.corrections.address import QueueAddress, from_query
from ui.corrections.handlers.queue import CaseView, PageView
from ui.corrections.parts import CorrectionsTab
from ui.shell.visitors import Visitor

Values = dict[Any, Any]


def page_outputs(tab: CorrectionsTab) -> list[Any]:
    """Everything that `show_page` and `show_message` may change."""
    parts = (tab.filters, tab.queue, tab.case, tab.decision, tab.keep)
    fixed = {tab.keep.bridge, tab.keep.sent, tab.keep.asked_case, tab.filters.clear}
    found = [c for part in parts for c in vars(part).values() if c not in fixed]
    return [tab.empty, tab.work, tab.forget.person, *found]


def show_page(tab: CorrectionsTab, view: PageView, visitor: Visitor, controls: bool) -> Values:
    """The whole page. controls: also set the filters, else only what they offer."""
    f, q, k = tab.filters, tab.queue, tab.keep
    values: Values = {
        tab.empty: gr.update(value=view.empty, visible=not view.anything),
        tab.work: gr.update(visible=view.anything),
        q.summary: view.summary,
        q.queue: view.queue,
        q.sooner: gr.update(interactive=view.has_before),
        q.later: gr.update(interactive=view.has_after),
        k.address: view.query,
        k.where: view.where,
        k.stamp: view.stamp,
        tab.forget.person: gr.update(choices=_people(view, visitor)),
    }
    for name, offered in view.choices.items():
        now = getattr(view.where, name)
        # A link may name somebody who is gone: the filter still says so.
        known = offered if now in [v for _, v in offered] else [*offered, (now, now)]
        values[getattr(f, name)] = gr.update(choices=known, **({"value": now} if controls else {}))
    if controls:
        for name in ("status", "since", "until", "least"):
            values[getattr(f, name)] = getattr(view.where, name)
    return values | show_case(tab, view.case) | _roles(tab, visitor)


def show_case(tab: CorrectionsTab, view: CaseView) -> Values:
    c = tab.case
    return {
        c.head: view.head,
        c.plot: plot_value(view.plot),
        c.said: view.said,
        c.ask: gr.update(visible=view.can_ask),
        c.answer: "",
        c.history: view.history,
        c.learned: view.learned,
        tab.decision.cards: view.cards,
    }


def plot_value(text: str | None) -> Any:
    """A figure's JSON text for gr.Plot; without one, the place is hidden."""
    if text is None:
        return gr.update(value=None, visible=False)
    return gr.update(value=PlotData(type="plotly", plot=text), visible=True)


def _people(view: PageView, visitor: Visitor) -> list[str]:
    """Whom this visitor may delete."""
    names = [value for _, value in view.choices["author"] if value]
    return names if visitor.may("trainer") else [n for n in names if n == visitor.name]


def _roles(tab: CorrectionsTab, visitor: Visitor) -> Values:
    """Greys out what the visitor may not do. Each handler checks it again."""
    d = tab.decision
    trainer = gr.update(interactive=visitor.may("trainer"))
    annotator = gr.update(interactive=visitor.may("annotator"))
    buttons = (d.accept, d.reject, d.undo, d.bulk_filtered, d.bulk_marked)
    return dict.fromkeys(buttons, trainer) | {d.remark: annotator, d.comment: annotator}


def failed(place: Any, problem: UserError) -> Values:
    return {place: markup.error(problem)}


def done(tab: CorrectionsTab, text: str) -> Values:
    return {tab.decision.message: page_view.done(text)}


def read_filters(tab: CorrectionsTab, values: Values) -> QueueAddress:
    """The filters as they are set now. A day that is none is left out, as in a link."""
    f = tab.filters
    names = ("task", "status", "author", "adapter", "slice", "since", "until")
    found = {name: str(values[getattr(f, name)] or "").strip() for name in names}
    return from_query({**found, "least": str(int(values[f.least] or 0))})
