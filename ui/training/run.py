"""The Run step: the queue, one job with its curves and log, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.store.home import Home
from ui.components import markup
from ui.components.choosers import clicks
from ui.components.endpoints import Endpoints, Values
from ui.shell.desk import Desk
from ui.shell.events import LATEST, asked
from ui.shell.visitors import Visitor
from ui.training import view
from ui.training.figures import CHARTS
from ui.training.handlers import configure
from ui.training.handlers import run as handlers
from ui.training.handlers.place import Place, job_of
from ui.training.parts import Step, recipe, section, shown

BUTTONS = {"cancel": "Cancel", "resume": "Resume", "retry": "Change settings and try again"}
LOG = 200, 32_000  # lines, bytes
ASK = (
    "Delete this job with its curves, log and checkpoints? An adapter that it made stays. This "
    "cannot be undone."
)


class Run(Step):
    """Everything here is read from the database."""

    def __init__(self) -> None:
        with section(
            "run",
            "Training",
            "Everything here is read from the database: you may close the browser and come back.",
        ) as self.box:
            super().__init__("Choose corrections")
            with self.body, gr.Row(equal_height=False):
                with gr.Column(scale=1, min_width=260):
                    gr.HTML("<h3>Jobs</h3>")
                    self.queue = gr.HTML(elem_id="tr-queue", js_on_load=clicks("job"))
                    self.fresh = gr.Button("New training", size="sm", elem_id="tr-new")
                with gr.Column(scale=4, min_width=300):
                    self.status = gr.HTML(elem_id="tr-status")
                    with gr.Row(elem_id="tr-actions"):
                        self.buttons: dict[str, Any] = {
                            key: gr.Button(
                                text, visible=False, size="md", min_width=120,
                                elem_id=f"tr-{key}",
                                variant="stop" if key == "cancel" else "secondary",
                            )
                            for key, text in BUTTONS.items()
                        }  # fmt: skip
                    with (
                        gr.Column(visible=False, elem_id="tr-delete") as self.buttons["delete"],
                        gr.Accordion("Delete", open=False) as self.confirm,
                    ):
                        gr.HTML(markup.note(ASK))
                        self.really = gr.Button(
                            "Delete it", variant="stop", size="md", elem_id="tr-really"
                        )
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
            self.confirm: gr.update(open=False),
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
            return self.nothing(
                "Nothing has been trained yet",
                "Choose accepted corrections, preview the training set, take a preset and press "
                "Train.",
            )
        trouble = markup.warnings([handlers.trouble(visitor, desk.home)])
        values = self.something() | {self.queue: trouble + view.queue(rows, place.job)}
        job = job_of(desk.home, place)
        if job is None:
            text = "That job was deleted." if place.job else "Pick a job of the list."
            hidden = (*self.buttons.values(), self.charts, self.controls)
            values |= {part: shown(False) for part in hidden}
            return values | {self.status: markup.note(text), self.difference: ""}
        row, far = handlers.one_job(visitor, desk.home, job)
        able = handlers.ACTIONS[row.state]
        values[self.status] = view.status(row, far, handlers.retried(desk.home, row))
        values |= {part: shown(key in able) for key, part in self.buttons.items()}
        if visitor.reads("job logs"):
            values[self.log] = view.log(jobs.log_tail(desk.home, job.id, *LOG))
        else:
            values[self.log] = markup.note("Logs are for trainers.")
        return values | self.drawn(desk, place, job)

    def drawn(self, desk: Desk, place: Place, job: JobRow) -> Values:
        """The curves, and how a second job's settings differ."""
        other = job_of(desk.home, replace(place, job=place.over))
        charts = handlers.curves(desk.home, job, other, place.smooth, place.log)
        there = any(drawn.plot is not None for drawn in charts.values())
        values: Values = {part: shown(there) for part in (self.charts, self.controls)}
        values[self.difference] = ""
        for key, (plot, said) in charts.items():
            values[self.titles[key]] = view.chart_title(CHARTS[key], said)
            values[self.plots[key]] = plot and PlotData(type="plotly", plot=plot)
        if other is not None:
            changed = list(configure.differences(job.settings, other.settings).values())
            values[self.difference] = view.changes(
                changed, "Settings that differ", (job.name, other.name)
            ) or markup.note(f"{job.name} and {other.name} have the same settings.")
        return values

    def wire(self, endpoints: Endpoints, page: Any) -> None:
        """Each button acts on the selected job and shows what became of it."""
        desk, bind = endpoints.desk, partial(page.bind, endpoints, message=self.message)

        def acting(
            act: Callable[[Home, str], str], visitor: Visitor, values: Values
        ) -> tuple[Place, str]:
            place = values[page.place]
            said = act(desk.home, place.job)
            return Place("run") if act is handlers.delete else place, said

        for button, act in (
            (self.buttons["cancel"], handlers.cancel),
            (self.buttons["resume"], handlers.resume),
            (self.really, handlers.delete),
        ):
            bind(button.click, act.__name__, partial(acting, act))

        def retried(visitor: Visitor, values: Values) -> tuple[Place, str]:
            row = jobs.job(desk.home, values[page.place].job)
            return Place("configure", row.id, row.snapshot, row.id), ""

        bind(self.buttons["retry"].click, "retry", retried)

        def redrawn(visitor: Visitor, values: Values) -> tuple[Place, str]:
            smooth, log, over = (values[p] for p in (self.smooth, self.log_scale, self.over))
            look = {"smooth": float(smooth or 0), "log": bool(log), "over": over or ""}
            return replace(values[page.place], **look), ""

        curves = [self.smooth, self.log_scale, self.over]
        changes = partial(gr.on, [part.input for part in curves])
        bind(changes, "curves", redrawn, inputs=curves, **LATEST)
