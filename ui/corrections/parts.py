"""The Corrections page's components, in page order, and what they become; `page.py` has events."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.corrections import view
from ui.corrections.address import QueueAddress, from_query
from ui.corrections.handlers.exchange import format_choices, format_note
from ui.corrections.handlers.queue import CaseView, PageView
from ui.shell.address import ADDRESS_JS
from ui.shell.events import asked, asks
from ui.shell.visitors import Visitor

Values = dict[Any, Any]
REFRESH_S = 4.0  # other people review at the same time
# Clicks and keys become events here; the script lies in ui/corrections/corrections.js.
QUEUE_JS = f"window.sightlineCorrections.queue(element, {asks('queue')}, watch);"
CARDS_JS = f"window.sightlineCorrections.cardList(element, {asks('withdraw')}, watch);"
STAGE_JS = "window.sightline.panels.attach(element, watch);"
FILTERS = ("status", "task", "author", "adapter", "slice", "since", "until", "least")
"""Names of fields of QueueAddress, and of the components that set them."""


def _button(text: str, name: str, **more: Any) -> gr.Button:
    return gr.Button(text, elem_id=f"sl-cor-{name}", **{"min_width": 110, **more})


def _html(name: str, **more: Any) -> gr.HTML:
    return gr.HTML(elem_id=f"sl-cor-{name}", **more)


class Parts:
    """where: a QueueAddress, None before the page is filled. stamp: of the database, as last shown.
    bulk: ids that wait for a yes. sent: what the browser shows at the moment of a click (JSON).
    asked_case, asked_withdraw: what was pressed last. shown: all that `show_page` may change.
    """

    def __init__(self) -> None:
        with gr.Column(elem_id="sl-cor"):
            self.empty = _html("empty")
            self.address = gr.HTML(elem_classes="sl-hidden", js_on_load=ADDRESS_JS)
            self.where, self.stamp, self.bulk = gr.State(None), gr.State(""), gr.State(())
            with gr.Column(visible=False, elem_id="sl-cor-work") as self.work:
                self._filters()
                with gr.Row(elem_id="sl-cor-main", equal_height=False):
                    self._queue()
                    self._case()
                    self._decision()
                self.shown = [part for part in vars(self).values() if part is not self.clear]
                self._agreement()
            self._share()
            self._forget()
            gr.HTML(view.keys(), elem_id="sl-cor-keys")
            self.timer = gr.Timer(REFRESH_S)
            self.asked_case, self.asked_withdraw = asked("queue"), asked("withdraw")
            self.sent = gr.Textbox("", elem_classes="sl-hidden", show_label=False)
        self.shown.append(self.person)

    def _filters(self) -> None:
        def choice(label: str, name: str, first: str) -> gr.Dropdown:
            return gr.Dropdown(
                [(first, "")], value="", label=label, min_width=120, elem_id=f"sl-cor-{name}"
            )

        def day(label: str, name: str) -> gr.Textbox:
            return gr.Textbox(
                label=label, placeholder="2026-11-21", max_lines=1, min_width=110,
                elem_id=f"sl-cor-{name}",
            )  # fmt: skip

        with (
            gr.Accordion("Filters", open=False, elem_id="sl-cor-filters"),
            gr.Row(equal_height=False),
        ):
            self.status = gr.Dropdown(
                view.STATUS_CHOICES, value="open", label="Status", min_width=120,
                elem_id="sl-cor-status",
            )  # fmt: skip
            self.task = choice("Task", "task", "All tasks")
            self.author = choice("Author", "author", "Everyone")
            self.adapter = choice("Adapter", "adapter", "All adapters")
            self.slice = choice("Slice", "slice", "All slices")
            self.since, self.until = day("From day", "since"), day("To day", "until")
            self.least = gr.Slider(
                0, 50, 0, step=1, label="Minimum disagreement (%)", min_width=200,
                elem_id="sl-cor-least",
            )  # fmt: skip
            self.clear = _button("Clear filters", "clear")

    def _queue(self) -> None:
        with gr.Column(scale=3, min_width=270, elem_id="sl-cor-left"):
            self.summary = _html("summary")
            self.queue = _html("queue", js_on_load=QUEUE_JS)
            with gr.Row(elem_id="sl-cor-pager"):
                self.sooner = _button("Previous", "sooner", size="md", min_width=90)
                self.later = _button("Next", "later", size="md", min_width=90)

    def _case(self) -> None:
        with gr.Column(scale=6, min_width=320, elem_id="sl-cor-middle"):
            self.head = _html("case")
            self.stage = _html("stage", js_on_load=STAGE_JS)
            self.said = _html("said")
            self.run = _button("Run the adapter in use", "run", size="md")
            self.answer, self.learned = _html("answer"), _html("learned")
            self.history = _html("history")

    def _decision(self) -> None:
        with gr.Column(scale=3, min_width=280, elem_id="sl-cor-right"):
            self.cards = _html("cards", js_on_load=CARDS_JS)
            self.comment = gr.Textbox(
                label="Comment (goes with the decision)", lines=2, max_lines=6, max_length=2000,
                elem_id="sl-cor-comment",
            )  # fmt: skip
            with gr.Row(elem_id="sl-cor-decide"):
                self.accept = _button("Accept (A)", "accept", variant="primary")
                self.reject = _button("Reject (R)", "reject")
            with gr.Row():
                self.remark = _button("Comment only", "remark", size="md")
                self.undo = _button("Undo (U)", "undo", size="md")
            self.message = _html("message")
            gr.HTML(view.BULK_TITLE)
            with gr.Row():
                self.bulk_filtered = _button("Accept queue…", "bulk", size="md")
                self.bulk_marked = _button("Accept marked…", "bulk-marked", size="md")
            with gr.Column(visible=False, elem_id="sl-cor-confirm-box") as self.confirm_box:
                self.confirm_text = _html("confirm-text")
                with gr.Row():
                    self.confirm = _button("Accept", "confirm", variant="primary")
                    self.refuse = _button("Cancel", "refuse", min_width=90)
            gr.HTML(view.KEYS_BUTTON)

    def _agreement(self) -> None:
        with gr.Accordion(
            "Agreement between people", open=False, elem_id="sl-cor-agreement"
        ) as self.agreement:
            self.agreement_text = _html("agreement-text")

    def _share(self) -> None:
        with (
            gr.Accordion("Export and import", open=False, elem_id="sl-cor-share"),
            gr.Row(equal_height=False),
        ):
            with gr.Column(scale=1, min_width=300):
                self.format = gr.Dropdown(
                    format_choices(), value="sharegpt", label="Format", elem_id="sl-cor-format"
                )
                self.export = _button("Export what the filters show", "export")
                self.export_file = gr.DownloadButton(
                    elem_id="sl-cor-file", elem_classes="sl-hidden"
                )
                self.export_message = _html("export-message", value=format_note("sharegpt"))
            with gr.Column(scale=1, min_width=300):
                self.upload = gr.File(
                    label="Import: a zip exported here, or INSIGHT's rows", height=120,
                    file_types=[".zip", ".json", ".jsonl", ".parquet", ".csv"],
                    elem_id="sl-cor-upload",
                )  # fmt: skip
                gr.HTML(view.IMPORT_NOTE)
                self.preview = _html("preview")
                self.bring = _button("Import", "bring", visible=False, variant="primary")

    def _forget(self) -> None:
        with gr.Accordion("Forget a person", open=False, elem_id="sl-cor-forget-box"), gr.Column():
            gr.HTML(view.FORGET_NOTE)
            with gr.Row(equal_height=False):
                self.person = gr.Dropdown([], label="Whose corrections", elem_id="sl-cor-person")
                self.typed = gr.Textbox(
                    label="Type the name again to confirm", max_lines=1, elem_id="sl-cor-typed"
                )
                self.forget = _button("Delete for ever", "forget", variant="stop")
            self.forget_message = _html("forget-message")

    @property
    def filters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FILTERS}

    def read_filters(self, values: Values) -> QueueAddress:
        """The filters as they are set now. A day that is none is left out, as in a link."""
        found = {name: str(values[part] or "").strip() for name, part in self.filters.items()}
        return from_query({**found, "least": str(int(values[self.least] or 0))})

    @property
    def case(self) -> list[Any]:
        """What one case changes."""
        return [*self.show_case(CaseView())]

    def show_page(self, view: PageView, visitor: Visitor, controls: bool = False) -> Values:
        """The whole page. controls: also set the filters, else only what they offer."""
        names = [value for _, value in view.choices["author"] if value]
        if not visitor.may("trainer"):  # whom this visitor may delete
            names = [name for name in names if name == visitor.name]
        values: Values = {
            self.empty: gr.update(value=view.empty, visible=not view.anything),
            self.work: gr.update(visible=view.anything),
            self.sooner: gr.update(interactive=view.has_before),
            self.later: gr.update(interactive=view.has_after),
            self.person: gr.update(choices=names),
        }
        plain = ("where", "address", "stamp", "summary", "queue")
        values |= {getattr(self, name): getattr(view, name) for name in plain}
        for name, part in self.filters.items():
            now = getattr(view.where, name)
            update = {"value": now} if controls else {}
            if offered := view.choices.get(name):
                # A link may name somebody who is gone: the filter still says so.
                known = now in [value for _, value in offered]
                update["choices"] = offered if known else [*offered, (now, now)]
            if update:
                values[part] = gr.update(**update)
        # Greys out what the visitor may not do. Each handler checks it again.
        least = dict.fromkeys(
            (self.accept, self.reject, self.undo, self.bulk_filtered, self.bulk_marked), "trainer"
        ) | dict.fromkeys((self.remark, self.comment), "annotator")
        able = {part: gr.update(interactive=visitor.may(role)) for part, role in least.items()}  # type: ignore[arg-type]
        return values | self.show_case(view.case) | able

    def show_case(self, view: CaseView) -> Values:
        plain = ("head", "stage", "said", "history", "learned", "cards")
        texts = {getattr(self, name): getattr(view, name) for name in plain}
        return {**texts, self.run: gr.update(visible=view.can_run), self.answer: ""}
