"""What the steps of the Training page have in common. Each step is a class: it builds its
components, says what they become at a place (`values` when one comes there, `watched` on each
tick), and binds its own events; `page` is `ui.training.page.TrainingPage`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block

from inference.errors import Cancelled
from training.jobs.rows import JobRow
from ui.components import markup
from ui.components.endpoints import Endpoints, Event, Values
from ui.shell.events import AT_ONCE, LATEST, QUIET
from ui.shell.failures import explain_failure
from ui.shell.runs import Work
from ui.shell.visitors import Visitor


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


def shown(visible: bool, **more: Any) -> Any:
    return gr.update(visible=visible, **more)


class RunBox:
    """A button, and the progress and Cancel of the work that it starts. run: id of the last run."""

    def __init__(self, text: str, elem_id: str, **more: Any) -> None:
        with gr.Row(equal_height=False):
            self.button = gr.Button(text, variant="primary", elem_id=elem_id, **more)
            self.stop = gr.Button("Cancel", variant="stop", visible=False)
        self.progress = gr.HTML(elem_id=f"{elem_id}-progress")
        self.run = gr.State("")

    def _busy(self, busy: bool, text: str = "") -> Values:
        return {self.button: shown(not busy), self.stop: shown(busy), self.progress: text}

    def wire(
        self, endpoints: Endpoints, name: str, stage: str,
        starts: Sequence[tuple[Any, str, Callable[[Visitor, Values], Work], set[Any]]],
        ended: Callable[[Visitor, Any], Values], outputs: list[Any], **queue: Any,
    ) -> None:  # fmt: skip
        """starts: (trigger, name of its endpoint, what makes the work, its inputs). stage: in words
        until the work says its own. ended: from the work's result to what the page shows. queue:
        of the event that waits for the work."""
        runs, mine = endpoints.desk.runs, [self.button, self.stop, self.progress, self.run]

        def beginning(make: Callable[[Visitor, Values], Work]) -> Event:
            def begun(visitor: Visitor, values: Values) -> Values:
                work = make(visitor, values)
                runs.supersede(values[self.run])
                run = runs.new()
                run.task, run.stage = work, stage
                return self._busy(True, markup.progress(run.snapshot())) | {self.run: run.id}

            return begun

        def followed(run_id: str) -> Iterator[Values]:
            run = runs.get(run_id)
            if run is None:
                yield {self.run: ""}
                return
            if not run.claimed():
                runs.start(run, run.task)
            for now in run.follow(0.3):
                yield {self.progress: markup.progress(now)}

        def over(visitor: Visitor, values: Values) -> Values:
            run = runs.get(values[self.run])
            if run is None:
                return {self.run: ""}
            if not (run.done.is_set() or run.stop.is_set()):  # another one, asked for meanwhile
                return {self.run: run.id}
            if run.stop.is_set() or isinstance(run.error, Cancelled):
                return self._busy(False, markup.stopped("Stopped."))
            if run.error is not None:
                return self._busy(False, markup.error(explain_failure(run.error)))
            return self._busy(False) | ended(visitor, run.result)

        def stopped(visitor: Visitor, values: Values) -> Values:
            runs.cancel(values[self.run])
            return self._busy(False, markup.stopped("Stopped."))

        for number, (trigger, start, make, inputs) in enumerate(starts):
            nth = number or ""
            first = endpoints.bind(
                trigger, start, beginning(make), {*inputs, self.run}, mine, self.progress, **LATEST
            )
            following = first.then(
                followed, self.run, [self.progress, self.run], trigger_mode="multiple",
                api_name=f"{endpoints.prefix}_{name}_follow{nth}", **queue, **QUIET,
            )  # fmt: skip
            endpoints.bind(
                following.then, f"{name}_show{nth}", over, {self.run},
                list(dict.fromkeys([*mine, *outputs])), self.progress, trigger_mode="multiple",
                **AT_ONCE,
            )  # fmt: skip
        endpoints.bind(self.stop.click, f"{name}_stop", stopped, {self.run}, mine, self.progress)


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


class Proven:
    """What Prove and Promote show before there is a proof."""

    def __init__(self) -> None:
        self.empty = gr.HTML()
        self.begin = gr.Button("Go to the job", variant="primary", visible=False)
        self.begin.click(None, js="() => document.querySelector('[data-step=run]').click()")
        self.body = gr.Column(visible=False, elem_classes="tr-section")

    def there(self) -> Values:
        return {self.empty: "", self.begin: shown(False), self.body: shown(True)}

    def missing(self, job: JobRow | None, title: str) -> Values:
        if job is None:
            text = "Pick a job that is done, or start one."
        elif job.state in ("queued", "running", "cancelling"):
            text = "The job is not through yet; its proof is made right after the training."
        elif job.state == "done":
            text = "The job made no proof. Its log says why; “Prove again” makes one."
        else:
            text = "The job ended before a proof was made. Resume it, or change its settings."
        return {
            self.empty: markup.nothing_yet(title, text),
            self.begin: shown(True),
            self.body: shown(False),
        }
