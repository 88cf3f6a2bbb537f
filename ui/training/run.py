"""The Run step: the queue, one job with its curves and log, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from training.jobs.rows import JobRow
from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, asked, clicks
from ui.shell.visitors import Visitor
from ui.training import view
from ui.training.figures import CHARTS, NO_UNIT
from ui.training.handlers import configure
from ui.training.handlers import run as handlers
from ui.training.handlers.place import Place, job_of
from ui.training.parts import Values, plot_value, recipe, section, shown, telling

BUTTONS = {
    "cancel": "Cancel", "resume": "Resume", "retry": "Change settings and try again",
    "delete": "Delete",
}  # fmt: skip
ASK = (
    "Delete this job with its curves, log and checkpoints? An adapter that it made stays. This "
    "cannot be undone."
)


class Run:
    """Everything here is read from the database."""

    def __init__(self) -> None:
        self.curves = handlers.Curves()
        with section(
            "run",
            "Training",
            "Everything here is read from the database: you may close the browser and come back.",
        ) as self.box:
            self.empty = gr.HTML()
            self.begin = gr.Button("Choose corrections", variant="primary", visible=False)
            with gr.Row(equal_height=False) as self.body:
                with gr.Column(scale=1, min_width=260):
                    gr.HTML("<h3>Jobs</h3>")
                    self.queue = gr.HTML(elem_id="tr-queue", js_on_load=clicks("job"))
                    self.fresh = gr.Button("New training", size="sm", elem_id="tr-new")
                with gr.Column(scale=4, min_width=300):
                    self.status = gr.HTML(elem_id="tr-status")
                    with gr.Row(elem_id="tr-actions"):
                        self.buttons = {
                            key: gr.Button(
                                text, visible=False, size="md", min_width=120,
                                elem_id=f"tr-{key}",
                                variant="stop" if key == "cancel" else "secondary",
                            )
                            for key, text in BUTTONS.items()
                        }  # fmt: skip
                    with gr.Row(visible=False, elem_id="tr-confirm") as self.confirm:
                        gr.HTML(markup.note(ASK))
                        self.really = gr.Button(
                            "Delete it", variant="stop", size="md", elem_id="tr-really"
                        )
                        self.spare = gr.Button("Do not delete", size="md", elem_id="tr-keep")
                    self.message = gr.HTML(elem_id="tr-run-message")
                    self._build_charts()
                    with gr.Accordion("Log", open=False, elem_id="tr-log"):
                        self.log = gr.HTML()
                    _, self.command, self.config = recipe("tr-run")
            self.asked_job = asked("job")

    def _build_charts(self) -> None:
        with gr.Row(visible=False, elem_id="tr-curves", equal_height=True) as self.controls:
            self.smooth = gr.Slider(
                0, 0.99, 0, step=0.01, label="Smoothing", elem_id="tr-smooth",
                info="Exponential moving average, as in TensorBoard.",
            )  # fmt: skip
            self.log_scale = gr.Checkbox(label="Logarithmic values", elem_id="tr-log-scale")
            self.over = gr.Dropdown(
                [("none", "")], value="", label="Second job", elem_id="tr-over",
                info="Laid over this one, fainter.",
            )  # fmt: skip
        self.difference = gr.HTML(elem_id="tr-difference")
        self.titles: dict[str, gr.HTML] = {}
        self.plots: dict[str, gr.Plot] = {}
        with gr.Column(elem_classes="tr-charts", visible=False) as self.charts:
            for key in CHARTS:
                with gr.Column(elem_id=f"tr-chart-{key}", elem_classes="tr-chart"):
                    self.titles[key] = gr.HTML()
                    self.plots[key] = gr.Plot(show_label=False, container=False)

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        """What only a change of the step or the job sets."""
        job = job_of(desk.home, place)
        offered = [("none", "")] + [
            (row.name, row.id) for row in handlers.queue(visitor, desk.home) if row.id != place.job
        ]
        ids = [value for _, value in offered]
        values: Values = {
            self.confirm: shown(False),
            self.message: "",
            self.smooth: place.smooth,
            self.log_scale: place.log,
            self.over: gr.update(choices=offered, value=place.over if place.over in ids else ""),
        }
        if job is not None:
            values[self.command], values[self.config] = configure.recipe_of_job(visitor, desk, job)
        return values

    def watched(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        """What the timer refreshes."""
        rows = handlers.queue(visitor, desk.home)
        if not rows:
            text = markup.nothing_yet(
                "Nothing has been trained yet",
                "Choose accepted corrections, preview the training set, take a preset and press "
                "Train.",
            )
            return {self.empty: text, self.begin: shown(True), self.body: shown(False)}
        values: Values = {
            self.empty: "",
            self.begin: shown(False),
            self.body: shown(True),
            self.queue: markup.warnings([handlers.trouble(visitor, desk.home)])
            + view.queue(rows, place.job),
        }
        job = job_of(desk.home, place)
        if job is None:
            text = "That job was deleted." if place.job else "Pick a job of the list."
            hidden = {part: shown(False) for part in (*self.buttons.values(), self.charts)}
            return values | hidden | {
                self.status: markup.note(text), self.controls: shown(False), self.difference: "",
            }  # fmt: skip
        row, far = handlers.one_job(visitor, desk.home, job.id)
        able = handlers.ACTIONS[row.state]
        values[self.status] = view.status(row, far, handlers.retried(desk.home, row))
        values |= {part: shown(key in able) for key, part in self.buttons.items()}
        if visitor.reads("job logs"):
            values[self.log] = view.log(*handlers.log_text(visitor, desk.home, job.id))
        else:
            values[self.log] = markup.note("Logs are for trainers.")
        return values | self.drawn(desk, place, job)

    def drawn(self, desk: Desk, place: Place, job: JobRow) -> Values:
        """The curves, and how a second job's settings differ."""
        other = job_of(desk.home, replace(place, job=place.over))
        charts = self.curves.get(desk.home, job, other, place.smooth, place.log)
        there = any(drawn.plot is not None for drawn in charts.values())
        values: Values = {part: shown(there) for part in (self.charts, self.controls)}
        values[self.difference] = ""
        for key, chart in CHARTS.items():
            unit = "" if chart.unit in NO_UNIT else chart.unit
            values[self.titles[key]] = view.chart_title(chart.title, unit, charts[key].said)
            values[self.plots[key]] = plot_value(charts[key].plot)
        if other is not None:
            changed = list(configure.differences(job.settings, other.settings).values())
            values[self.difference] = view.changes(
                changed, "Settings that differ", (job.name, other.name)
            ) or markup.note(f"{job.name} and {other.name} have the same settings.")
        return values

    def wire(self, desk: Desk, page: Any) -> None:
        """Each button acts on the selected job and shows what became of it."""

        def acting(
            act: Callable[[Visitor, Desk, str], str], stay: bool = True
        ) -> Callable[[Place, gr.Request], Values]:
            @telling(self.message)
            def acted(place: Place, request: gr.Request) -> Values:
                visitor = desk.visitor(request)
                said = act(visitor, desk, place.job)
                there = place if stay else Place("run")
                return page.show(desk, visitor, there) | {self.message: markup.note(said)}

            return acted

        for button, act, name in (
            (self.buttons["cancel"], acting(handlers.cancel), "cancel"),
            (self.buttons["resume"], acting(handlers.resume), "resume"),
            (self.really, acting(handlers.delete, stay=False), "delete"),
        ):
            button.click(act, page.place, page.everything, api_name=f"training_{name}", **AT_ONCE)
        # Asking back shows a row and does nothing else: no role is needed for that.
        self.buttons["delete"].click(lambda: shown(True), None, self.confirm,
                                     api_name="training_ask_delete", **AT_ONCE)  # fmt: skip
        self.spare.click(lambda: shown(False), None, self.confirm,
                         api_name="training_spare", **AT_ONCE)  # fmt: skip

        @telling(self.message)
        def retried(place: Place, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            return page.show(desk, visitor, configure.retry_place(visitor, desk, place.job))

        self.buttons["retry"].click(
            retried, page.place, page.everything, api_name="training_retry", **AT_ONCE
        )

        @telling(self.message)
        def redrawn(
            place: Place, smooth: float, log: bool, over: str, request: gr.Request
        ) -> Values:
            there = replace(place, smooth=float(smooth or 0), log=bool(log), over=over or "")
            return page.show(desk, desk.visitor(request), there)

        gr.on(
            [self.smooth.input, self.log_scale.input, self.over.input], redrawn,
            [page.place, self.smooth, self.log_scale, self.over], page.everything,
            api_name="training_curves", **LATEST,
        )  # fmt: skip
