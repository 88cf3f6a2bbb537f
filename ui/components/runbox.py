"""Progress and Cancel of work that a press starts and that takes a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from inference.errors import Cancelled
from ui.components import markup
from ui.components.endpoints import Endpoints, Values
from ui.shell.events import AT_ONCE, LATEST, QUIET
from ui.shell.failures import explain_failure
from ui.shell.runs import Work
from ui.shell.visitors import Visitor


class RunBox:
    """run: id of the last run. Work that is started again takes the place of what still runs."""

    def __init__(self, elem_id: str) -> None:
        self.progress = gr.HTML(elem_id=elem_id)
        self.stop = gr.Button("Cancel", variant="stop", visible=False)
        self.run = gr.State("")

    def _told(self, text: str, busy: bool = False) -> Values:
        return {self.progress: text, self.stop: gr.update(visible=busy)}

    def wire(
        self, endpoints: Endpoints, name: str, trigger: Any, stage: str,
        make: Callable[[Visitor, Values], Work], inputs: set[Any],
        ended: Callable[[Visitor, Any], Values], outputs: list[Any],
        halfway: Callable[[Visitor, Work], Values] = lambda *_: {}, **queue: Any,
    ) -> None:  # fmt: skip
        """name: of its endpoints: NAME, NAME_follow, NAME_show, NAME_stop. stage: in words until
        the work says its own. make: the work that a press asks for. ended: from the work's result
        to what the page shows. halfway: what it shows of work that was stopped. queue: of the
        event that waits for the work."""
        runs, mine = endpoints.desk.runs, [self.progress, self.stop, self.run]

        def begun(visitor: Visitor, values: Values) -> Values:
            work = make(visitor, values)
            runs.supersede(values[self.run])
            run = runs.new()
            run.task, run.stage = work, stage
            return self._told(markup.progress(run.snapshot()), busy=True) | {self.run: run.id}

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
                return self._told(markup.stopped("Stopped.")) | halfway(visitor, run.task)
            if run.error is not None:
                return self._told(markup.error(explain_failure(run.error)))
            return self._told("") | ended(visitor, run.result)

        def stopped(visitor: Visitor, values: Values) -> Values:
            runs.cancel(values[self.run])
            return self._told(markup.stopped("Stopped."))

        first = endpoints.bind(
            trigger, name, begun, {*inputs, self.run}, mine, self.progress, **LATEST
        )
        following = first.then(
            followed, self.run, [self.progress, self.run], trigger_mode="multiple",
            api_name=f"{endpoints.prefix}_{name}_follow", **queue, **QUIET,
        )  # fmt: skip
        endpoints.bind(
            following.then, f"{name}_show", over, {self.run},
            list(dict.fromkeys([*mine, *outputs])), self.progress, trigger_mode="multiple",
            **AT_ONCE,
        )  # fmt: skip
        endpoints.bind(self.stop.click, f"{name}_stop", stopped, {self.run}, mine, self.progress)
