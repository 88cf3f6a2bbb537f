"""What the steps of the Training page have in common. Each step is a class: it builds its
components, says what they become at a place (`values` when one comes there, `watched` on each
tick), and binds its own events; `page` is `ui.training.page.TrainingPage`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components.plot import PlotData

from inference.errors import Cancelled
from training.jobs.rows import JobRow
from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, QUIET
from ui.shell.failures import explain_failure
from ui.shell.runs import Run
from ui.shell.visitors import Visitor

Values = dict[Any, Any]
Event = Callable[..., Any]


def components(*steps: object) -> list[Any]:
    """All that they hold, also by key."""
    found = []
    for step in steps:
        for value in vars(step).values():
            if isinstance(value, RunBox):
                found += components(value)
            parts = value.values() if isinstance(value, dict) else [value]
            found += [part for part in parts if isinstance(part, Block)]
    return list(dict.fromkeys(found))


def telling(message: Any) -> Callable[[Callable[..., Values]], Callable[..., Values]]:
    """What goes wrong in the event becomes the text of `message`; all else stays as it is."""

    def made(event: Callable[..., Values]) -> Callable[..., Values]:
        @wraps(event)
        def tried(*args: Any, **more: Any) -> Values:
            try:
                return event(*args, **more)
            except Exception as error:
                return {message: markup.error(explain_failure(error))}

        return tried

    return made


def shown(visible: bool, **more: Any) -> Any:
    return gr.update(visible=visible, **more)


class RunBox:
    """Progress and Cancel of the runs that a button starts. run: id of the last one."""

    def __init__(self, button: gr.Button, stop: gr.Button, progress: gr.HTML) -> None:
        self.button, self.stop, self.progress = button, stop, progress
        self.run = gr.State("")

    def busy(self, busy: bool, text: str = "") -> Values:
        return {self.button: shown(not busy), self.stop: shown(busy), self.progress: text}

    def wire(
        self, desk: Desk, name: str, starts: Sequence[tuple[Any, str, Event, Any]],
        start: Callable[[Desk, Run], None], ended: Callable[[Visitor, Any], Values],
        outputs: list[Any], **queue: Any,
    ) -> None:  # fmt: skip
        """starts: (trigger, its api name, event that makes a run, its inputs). start: begins the
        work. ended: (visitor, result) -> what the page shows. queue: of the event that waits."""
        mine = [self.button, self.stop, self.progress, self.run]

        def beginning(event: Event) -> Event:
            @wraps(event)
            def begun(*args: Any) -> Values:
                try:
                    run = event(*args)
                except Exception as error:
                    text = markup.error(explain_failure(error))
                    return self.busy(False, text) | {self.run: ""}
                return self.busy(True, markup.progress(run.snapshot())) | {self.run: run.id}

            return begun

        def followed(run_id: str) -> Iterator[Values]:
            run = desk.runs.get(run_id)
            if run is None:
                yield {self.run: ""}
                return
            start(desk, run)
            for now in run.follow(0.3):
                yield {self.progress: markup.progress(now)}

        def over(run_id: str, request: gr.Request) -> Values:
            run = desk.runs.get(run_id)
            if run is None:
                return {self.run: ""}
            if not (run.done.is_set() or run.stop.is_set()):  # another one, asked for meanwhile
                return {self.run: run_id}
            if run.stop.is_set() or isinstance(run.error, Cancelled):
                return self.busy(False, markup.stopped("Stopped."))
            if run.error is not None:
                return self.busy(False, markup.error(explain_failure(run.error)))
            return self.busy(False) | ended(desk.visitor(request), run.result)

        def stopped(run_id: str) -> Values:
            desk.runs.cancel(run_id)
            return self.busy(False, markup.stopped("Stopped."))

        for number, (trigger, api_name, event, inputs) in enumerate(starts):
            nth = number or ""
            how = AT_ONCE if number == 0 else LATEST
            trigger(beginning(event), inputs, mine, api_name=api_name, **how).then(
                followed, self.run, [self.progress, self.run], api_name=f"{name}_follow{nth}",
                trigger_mode="multiple", **queue, **QUIET,
            ).then(
                over, self.run, list(dict.fromkeys([*mine, *outputs])),
                api_name=f"{name}_show{nth}", trigger_mode="multiple", **AT_ONCE,
            )  # fmt: skip
        self.stop.click(stopped, self.run, mine, api_name=f"{name}_stop", **AT_ONCE)


def section(key: str, title: str, sentence: str) -> gr.Column:
    box = gr.Column(visible=False, elem_id=f"tr-{key}", elem_classes="tr-section")
    with box:
        gr.HTML(markup.heading(title, sentence))
    return box


def recipe(key: str) -> tuple[gr.Accordion, gr.Code, gr.Code]:
    with gr.Accordion("The exact command and config", open=False, elem_id=f"{key}-recipe") as box:
        command = gr.Code(
            language="shell", label="Command, from the repository's folder", interactive=False,
            lines=1, wrap_lines=True, show_line_numbers=False, buttons=["copy"],
            elem_id=f"{key}-command",
        )  # fmt: skip
        config = gr.Code(
            language="json", label="The file that it reads", interactive=False, lines=8,
            max_lines=24, buttons=["copy"], elem_id=f"{key}-config",
        )  # fmt: skip
    return box, command, config


def plot_value(text: str | None) -> Any:
    return None if text is None else PlotData(type="plotly", plot=text)


def nothing_proven(step: Any, job: JobRow | None, title: str) -> Values:
    """Prove and Promote before there is a proof. step: with `empty`, `begin` and `body`."""
    if job is None:
        text = "Pick a job that is done, or start one."
    elif job.state in ("queued", "running", "cancelling"):
        text = "The job is not through yet; its proof is made right after the training."
    elif job.state == "done":
        text = "The job made no proof. Its log says why; “Prove again” makes one."
    else:
        text = "The job ended before a proof was made. Resume it, or change its settings."
    return {
        step.empty: markup.nothing_yet(title, text),
        step.begin: shown(True),
        step.body: shown(False),
    }
