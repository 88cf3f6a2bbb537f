"""The components of the Corrections tab, in page order. Only builds; `corrections_wire` binds."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from ui.corrections import view
from ui.corrections.folds import (
    AgreementPart,
    ForgetPart,
    SharePart,
    build_agreement,
    build_forget,
    build_share,
)
from ui.shell.address import ADDRESS_JS
from ui.shell.events import asked, asks

# Clicks and keys become events here; the script lies in ui/corrections/corrections.js.
BRIDGE_JS = (
    "window.sightlineCorrections.bridge(() => trigger('select', {}),"
    " (query) => trigger('apply', {query: query}), watch);"
)
QUEUE_JS = f"window.sightlineCorrections.queue(element, {asks('queue')}, watch);"
CARDS_JS = (
    "window.sightlineCorrections.cardList(element, (id) => trigger('delete', {correction: id}),"
    " watch);"
)


@dataclass(frozen=True)
class FilterPart:
    """What the queue leaves out. Its names are those of QueueAddress."""

    task: gr.Dropdown
    status: gr.Dropdown
    author: gr.Dropdown
    adapter: gr.Dropdown
    slice: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    least: gr.Slider
    clear: gr.Button


@dataclass(frozen=True)
class QueuePart:
    """The left column."""

    summary: gr.HTML
    queue: gr.HTML
    sooner: gr.Button
    later: gr.Button


@dataclass(frozen=True)
class CasePart:
    """The middle: one case, large."""

    head: gr.HTML
    plot: gr.Plot
    said: gr.HTML
    ask: gr.Button
    answer: gr.HTML
    history: gr.HTML
    learned: gr.HTML


@dataclass(frozen=True)
class DecisionPart:
    """The right column."""

    cards: gr.HTML
    comment: gr.Textbox
    accept: gr.Button
    reject: gr.Button
    remark: gr.Button
    undo: gr.Button
    message: gr.HTML
    bulk_filtered: gr.Button
    bulk_marked: gr.Button
    confirm_box: gr.Column
    confirm_text: gr.HTML
    confirm: gr.Button
    refuse: gr.Button


@dataclass(frozen=True)
class KeepPart:
    """What the page remembers. where: a QueueAddress, None before the first look. stamp: of the
    database, as last shown. bulk: ids that wait for a yes. sent: what the browser shows at the
    moment of a click (JSON). asked_case: the row of the queue that was pressed last."""

    bridge: gr.HTML
    address: gr.HTML
    asked_case: gr.HTML
    where: gr.State
    stamp: gr.State
    bulk: gr.State
    sent: gr.Textbox


@dataclass(frozen=True)
class CorrectionsTab:
    """The tab's components, part by part."""

    empty: gr.HTML
    work: gr.Column
    filters: FilterPart
    queue: QueuePart
    case: CasePart
    decision: DecisionPart
    agreement: AgreementPart
    share: SharePart
    forget: ForgetPart
    keep: KeepPart


def build_tab() -> CorrectionsTab:
    with gr.Column(elem_id="sl-cor"):
        empty = gr.HTML(elem_id="sl-cor-empty")
        with gr.Column(visible=False, elem_id="sl-cor-work") as work:
            filters = _filters()
            with gr.Row(elem_id="sl-cor-main", equal_height=False):
                queue, case, decision = _queue(), _case(), _decision()
            agreement = build_agreement()
        share, forget = build_share(), build_forget()
        gr.HTML(view.keys(), elem_id="sl-cor-keys")
        keep = _keep()
    return CorrectionsTab(
        empty, work, filters, queue, case, decision, agreement, share, forget, keep
    )


def _filters() -> FilterPart:
    def choice(label: str, name: str, first: str) -> gr.Dropdown:
        return gr.Dropdown(
            [(first, "")], value="", label=label, min_width=120, elem_id=f"sl-cor-{name}"
        )

    with (
        gr.Accordion("Filters", open=True, elem_id="sl-cor-filters"),
        gr.Row(equal_height=False),
    ):
        status = gr.Dropdown(
            view.STATUS_CHOICES, value="open", label="Status", min_width=120,
            elem_id="sl-cor-status",
        )  # fmt: skip
        task = choice("Task", "task", "All tasks")
        author = choice("Author", "author", "Everyone")
        adapter = choice("Adapter", "adapter", "All adapters")
        part = choice("Slice", "slice", "All slices")
        since = gr.Textbox(
            label="From day", placeholder="2026-11-21", max_lines=1, min_width=110,
            elem_id="sl-cor-since",
        )  # fmt: skip
        until = gr.Textbox(
            label="To day", placeholder="2026-11-21", max_lines=1, min_width=110,
            elem_id="sl-cor-until",
        )  # fmt: skip
        least = gr.Slider(
            0, 50, 0, step=1, label="Minimum disagreement (%)", min_width=200,
            elem_id="sl-cor-least",
        )  # fmt: skip
        clear = gr.Button("Clear filters", min_width=110, elem_id="sl-cor-clear")
    return FilterPart(task, status, author, adapter, part, since, until, least, clear)


def _queue() -> QueuePart:
    with gr.Column(scale=3, min_width=270, elem_id="sl-cor-left"):
        summary = gr.HTML(elem_id="sl-cor-summary")
        queue = gr.HTML(elem_id="sl-cor-queue", js_on_load=QUEUE_JS)
        with gr.Row(elem_id="sl-cor-pager"):
            sooner = gr.Button("Previous", size="md", min_width=90, elem_id="sl-cor-sooner")
            later = gr.Button("Next", size="md", min_width=90, elem_id="sl-cor-later")
    return QueuePart(summary, queue, sooner, later)


def _case() -> CasePart:
    with gr.Column(scale=6, min_width=320, elem_id="sl-cor-middle"):
        head = gr.HTML(elem_id="sl-cor-case")
        with gr.Column(elem_classes="sl-cor-plot-box"):
            plot = gr.Plot(
                show_label=False, container=False, elem_classes="sl-plot", elem_id="sl-cor-plot"
            )
            said = gr.HTML(elem_id="sl-cor-said")
        ask = gr.Button("Run the adapter in use", size="md", elem_id="sl-cor-ask")
        answer = gr.HTML(elem_id="sl-cor-answer")
        learned = gr.HTML(elem_id="sl-cor-learned")
        history = gr.HTML(elem_id="sl-cor-history")
    return CasePart(head, plot, said, ask, answer, history, learned)


def _decision() -> DecisionPart:
    with gr.Column(scale=3, min_width=280, elem_id="sl-cor-right"):
        cards = gr.HTML(elem_id="sl-cor-cards", js_on_load=CARDS_JS)
        comment = gr.Textbox(
            label="Comment (goes with the decision)", lines=2, max_lines=6, max_length=2000,
            elem_id="sl-cor-comment",
        )  # fmt: skip
        with gr.Row(elem_id="sl-cor-decide"):
            accept = gr.Button(
                "Accept (A)", variant="primary", min_width=110, elem_id="sl-cor-accept"
            )
            reject = gr.Button("Reject (R)", min_width=110, elem_id="sl-cor-reject")
        with gr.Row():
            remark = gr.Button("Comment only", size="md", min_width=110, elem_id="sl-cor-remark")
            undo = gr.Button("Undo (U)", size="md", min_width=110, elem_id="sl-cor-undo")
        message = gr.HTML(elem_id="sl-cor-message")
        gr.HTML(view.BULK_TITLE)
        with gr.Row():
            bulk_filtered = gr.Button(
                "Accept queue…", size="md", min_width=110, elem_id="sl-cor-bulk"
            )
            bulk_marked = gr.Button(
                "Accept marked…", size="md", min_width=110, elem_id="sl-cor-bulk-marked"
            )
        with gr.Column(visible=False, elem_id="sl-cor-confirm-box") as confirm_box:
            confirm_text = gr.HTML(elem_id="sl-cor-confirm-text")
            with gr.Row():
                confirm = gr.Button(
                    "Accept", variant="primary", min_width=110, elem_id="sl-cor-confirm"
                )
                refuse = gr.Button("Cancel", min_width=90, elem_id="sl-cor-refuse")
        gr.HTML(view.KEYS_BUTTON)
    return DecisionPart(
        cards, comment, accept, reject, remark, undo, message, bulk_filtered, bulk_marked,
        confirm_box, confirm_text, confirm, refuse,
    )  # fmt: skip


def _keep() -> KeepPart:
    return KeepPart(
        bridge=gr.HTML(elem_id="sl-cor-bridge", elem_classes="sl-hidden", js_on_load=BRIDGE_JS),
        address=gr.HTML(elem_classes="sl-hidden", js_on_load=ADDRESS_JS),
        asked_case=asked("queue"),
        where=gr.State(None),
        stamp=gr.State(""),
        bulk=gr.State(()),
        sent=gr.Textbox("", elem_classes="sl-hidden", show_label=False),
    )
