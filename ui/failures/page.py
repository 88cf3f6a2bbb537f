"""The Failures page: up to 200 images compared, in a grid that can be sorted. Builds and binds
only; `ui.failures.handlers` does the work."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.components import markup
from ui.components.downloads import Download
from ui.components.endpoints import Endpoints, Values, needs, roles
from ui.components.runbox import RunBox
from ui.components.words import count
from ui.failures import handlers, view
from ui.failures.batches import MAX_IMAGES, ORDERS, ordered
from ui.shell.address import ADDRESS_JS, query_of
from ui.shell.desk import Desk, adapter_choices, task_choices, usual_adapter
from ui.shell.events import AT_ONCE, LATEST
from ui.shell.failures import explain_failure
from ui.shell.frame import Frame
from ui.shell.runs import Work
from ui.shell.visitors import Visitor

LABEL = "Failures"
NEEDS = needs(
    "opened sort adapters in_use folder examples csv json "
    "compare compare_follow compare_show compare_stop",
    {},
)
ENDPOINTS = roles("failures", NEEDS)


class FailuresPage:
    """The page's components. batch: id of the shown batch."""

    def __init__(self) -> None:
        tasks = task_choices("image")
        with gr.Column(elem_id="sl-failures", elem_classes="tr-page"):
            gr.HTML(
                markup.heading(
                    "Many images",
                    f"Compare base and fine-tuned on up to {MAX_IMAGES} images. With a table of "
                    "the ground truth (manifest.csv: file, hazard_x, hazard_y) errors are shown.",
                )
            )
            with gr.Row(equal_height=False, elem_id="fl-input"):
                self.files = gr.File(
                    label="Images, and a CSV file with the ground truth if there is one",
                    file_count="multiple", file_types=["image", ".csv"], height=140,
                    elem_id="fl-files", scale=3,
                )  # fmt: skip
                with gr.Column(scale=1, min_width=220):
                    self.folder = gr.UploadButton(
                        "Choose a folder", file_count="directory", size="md", elem_id="fl-folder"
                    )
                    self.task = gr.Dropdown(
                        tasks, value=tasks[0][1], label="Task", interactive=True, elem_id="fl-task"
                    )
                    self.adapter = gr.Dropdown(
                        label="Adapter", interactive=True, elem_id="fl-adapter"
                    )
                    self.compare = gr.Button("Compare all", variant="primary", elem_id="fl-compare")
            self.box = RunBox("fl-progress")
            with gr.Column(visible=False) as self.empty:
                gr.HTML(
                    markup.nothing_yet(
                        "Nothing is compared yet",
                        "Drop images above and press “Compare all”, or begin with the examples.",
                    )
                )
                self.examples = gr.Button("Compare the examples", size="md", elem_id="fl-examples")
            with gr.Column(visible=False) as self.result:
                self.summary = gr.HTML(elem_id="fl-summary")
                with gr.Row(equal_height=False):
                    self.order = gr.Dropdown(
                        [(words, key) for key, words in ORDERS.items()], value="apart",
                        label="Sort by", interactive=True, scale=0, min_width=260,
                        elem_id="fl-order",
                    )  # fmt: skip
                    self.csv = Download("CSV", "fl-csv")
                    self.json = Download("JSON", "fl-json")
                self.grid = gr.HTML(elem_id="fl-grid")
        self.address = gr.HTML(elem_classes="sl-hidden", js_on_load=ADDRESS_JS)
        self.batch = gr.State("")
        self.shown = [self.empty, self.result, self.summary, self.grid, self.address, self.batch]


def build() -> FailuresPage:
    return FailuresPage()


def show(tab: FailuresPage, desk: Desk, batch_id: str, order: str) -> Values:
    """The batch of that id, or what to do where there is none."""
    batch = handlers.found(desk, batch_id)
    there = batch is not None and bool(batch.rows)
    values = {tab.empty: gr.update(visible=not there), tab.result: gr.update(visible=there)}
    if batch is None or not there:
        return values
    return values | {
        tab.summary: view.summary(batch),
        tab.grid: view.grid(batch, ordered(batch, order)),
        tab.address: query_of({"batch": batch_id, "sort": order if order != "apart" else None}),
        tab.batch: batch_id,
    }


def wire(tab: FailuresPage, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers."""
    endpoints = Endpoints(desk, "failures", NEEDS)
    fields = {tab.files, tab.task, tab.adapter}

    def choices(visitor: Visitor, task: str) -> Any:
        offered = adapter_choices(visitor, desk.services, task)
        return gr.update(choices=offered, value=usual_adapter(visitor, desk.services, task))

    def opened(request: gr.Request) -> Values:
        query = request.query_params
        order = query.get("sort", "")
        order = order if order in ORDERS else "apart"
        visitor = desk.visitor(request)
        try:
            batch = query.get("batch", "")[:40]
            return show(tab, desk, batch, order) | {
                tab.order: order, tab.adapter: choices(visitor, tab.task.value),
            }  # fmt: skip
        except Exception as error:
            return {tab.box.progress: markup.error(explain_failure(error))}

    outputs = [*tab.shown, tab.order, tab.adapter, tab.box.progress]
    page.load(opened, None, outputs, api_name="failures_opened", **AT_ONCE)

    def adapters(visitor: Visitor, values: Values) -> Values:
        return {tab.adapter: choices(visitor, values[tab.task])}

    endpoints.bind(
        tab.task.input, "adapters", adapters, {tab.task}, [tab.adapter, tab.box.progress],
        tab.box.progress, **LATEST,
    )  # fmt: skip

    # Promoted or rolled back meanwhile, on any page.
    endpoints.bind(
        frame.news.apply, "in_use", adapters, {tab.task}, [tab.adapter, tab.box.progress],
        tab.box.progress,
    )  # fmt: skip

    def folder(visitor: Visitor, values: Values) -> Values:
        taken, left_out = handlers.of_folder(values[tab.folder] or [])
        said = f"{count(left_out, 'other file')} left out." if left_out else ""
        return {tab.files: taken, tab.box.progress: markup.note(said)}

    endpoints.bind(
        tab.folder.upload, "folder", folder, {tab.folder}, [tab.files, tab.box.progress],
        tab.box.progress,
    )  # fmt: skip

    def chosen(visitor: Visitor, values: Values) -> Work:
        sent = (values[tab.files] or [], values[tab.task], values[tab.adapter])
        batch = handlers.batch_of(visitor, desk, *sent)
        return handlers.Comparing(desk, batch, desk.batches.put(batch))

    def ended(visitor: Visitor, batch_id: str) -> Values:
        return show(tab, desk, batch_id, "apart") | {tab.order: "apart"}

    def halfway(visitor: Visitor, work: Work) -> Values:
        return ended(visitor, work.id) if isinstance(work, handlers.Comparing) else {}

    tab.box.wire(
        endpoints, "compare", tab.compare.click, "Waiting for the model", chosen, fields, ended,
        [*tab.shown, tab.order], halfway, concurrency_id="batch", concurrency_limit=2,
    )  # fmt: skip

    def examples(visitor: Visitor, values: Values) -> Values:
        return {tab.files: [str(example.path) for example in desk.services.examples()]}

    endpoints.bind(
        tab.examples.click, "examples", examples, {tab.task}, [tab.files, tab.box.progress],
        tab.box.progress,
    ).then(None, js="() => document.querySelector('#fl-compare').click()")  # fmt: skip

    def again(visitor: Visitor, values: Values) -> Values:
        return show(tab, desk, values[tab.batch], values[tab.order])

    endpoints.bind(
        tab.order.input, "sort", again, {tab.order, tab.batch}, [*tab.shown, tab.box.progress],
        tab.box.progress, **LATEST,
    )  # fmt: skip

    def packed(kind: str) -> Any:
        return lambda batch, request: handlers.write(desk, batch, kind)

    tab.csv.wire(packed("csv"), tab.batch, tab.box.progress, "failures_csv")
    tab.json.wire(packed("json"), tab.batch, tab.box.progress, "failures_json")
