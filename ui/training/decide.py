"""Events of Prove and Promote: maps before and after, and what is in use from now on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gradio as gr

from inference.errors import Cancelled
from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, MODEL_QUEUE, QUIET
from ui.shell.failures import explain_failure
from ui.shell.visitors import Visitor
from ui.training.handlers import promote as training_promote
from ui.training.handlers import prove as training_prove
from ui.training.handlers import steps as training
from ui.training.handlers.place import TASK, Place
from ui.training.show import maps_values, show
from ui.training.tab import TrainingTab, Values


def wire_proving(tab: TrainingTab, desk: Desk) -> None:
    """Prove again, and the maps of one case on request."""
    v, k = tab.prove, tab.keep

    def again(place: Place, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        try:
            said = training_prove.prove_again(visitor, desk, place.job)
            there = place.at("run")
            return show(tab, desk, visitor, there) | {tab.run.message: markup.note(said)}
        except Exception as error:
            return {v.progress: markup.error(explain_failure(error))}

    v.again.click(again, k.place, tab.shown, api_name="training_prove_again", **AT_ONCE)
    _wire_maps(tab, desk)


def _wire_maps(tab: TrainingTab, desk: Desk) -> None:
    v, k = tab.prove, tab.keep
    buttons = [v.progress, v.compare, v.stop]

    def begun(place: Place, case: str | None, former: str, request: gr.Request) -> Values:
        try:
            job = training.job_of(desk.home, place)
            run = training_prove.begin_maps(desk.visitor(request), desk, job, case or "")
            desk.runs.supersede(former)
        except Exception as error:
            return _busy(tab, False) | {
                v.progress: markup.error(explain_failure(error)), k.compare: "",
            }  # fmt: skip
        return _busy(tab, True) | {
            v.progress: markup.progress(run.snapshot()), k.compare: run.id, v.case: case,
        }  # fmt: skip

    def followed(run_id: str) -> Iterator[Values]:
        run = desk.runs.get(run_id)
        if run is None:
            yield {k.compare: ""}
            return
        training_prove.start_maps(desk, run)
        last = ""
        for now in run.follow(0.3):
            if (text := markup.progress(now)) != last:
                last = text
                yield {v.progress: text}
        yield {v.progress: last}

    def drawn(run_id: str) -> Values:
        run = desk.runs.get(run_id)
        if run is None:
            return {k.compare: ""}
        if not (run.done.is_set() or run.stop.is_set()):  # another case's, asked for meanwhile
            return {k.compare: run_id}
        if run.stop.is_set() or isinstance(run.error, Cancelled):
            return _busy(tab, False) | {v.progress: markup.stopped("Stopped.")}
        if run.error is not None:
            problem = explain_failure(run.error)
            return _busy(tab, False) | {v.progress: markup.error(problem)}
        return _busy(tab, False) | {v.progress: ""} | maps_values(v, run.result)

    outputs = [*buttons, k.compare, v.case]
    starts = (
        v.compare.click(
            begun, [k.place, v.case, k.compare], outputs, api_name="training_compare", **AT_ONCE
        ),
        v.gallery.select(
            begun, [k.place, k.asked_case, k.compare], outputs, api_name="training_case", **LATEST
        ),
    )
    maps = [v.maps, v.before_title, v.after_title, v.before, v.after, v.maps_note]
    for number, first in enumerate(starts):
        running = first.then(
            followed, k.compare, [v.progress, k.compare],
            api_name=f"training_compare_follow{number or ''}", concurrency_id=MODEL_QUEUE,
            concurrency_limit=1, trigger_mode="multiple", **QUIET,
        )  # fmt: skip
        running.then(
            drawn, k.compare, [*buttons, *maps, k.compare],
            api_name=f"training_compare_show{number or ''}", trigger_mode="multiple", **AT_ONCE,
        )  # fmt: skip

    def stopped(run_id: str) -> Values:
        desk.runs.cancel(run_id)
        return _busy(tab, False) | {v.progress: markup.stopped("Stopped.")}

    v.stop.click(stopped, k.compare, buttons, api_name="training_compare_stop", **AT_ONCE)


def _busy(tab: TrainingTab, busy: bool) -> Values:
    return {
        tab.prove.compare: gr.update(visible=not busy),
        tab.prove.stop: gr.update(visible=busy),
    }


def wire_promoting(tab: TrainingTab, desk: Desk) -> None:
    """Promote, override, roll back."""
    m, k = tab.promote, tab.keep

    def deciding(
        act: Callable[[Visitor, Place, str], str],
    ) -> Callable[[Place, str, gr.Request], Values]:
        def decided(place: Place, reason: str, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            try:
                said = act(visitor, place, reason)
            except Exception as error:
                return {m.message: markup.error(explain_failure(error))}
            return show(tab, desk, visitor, place) | {m.message: markup.note(said), m.reason: ""}

        return decided

    acts: tuple[tuple[gr.Button, str, Callable[[Visitor, Place, str], str]], ...] = (
        (m.promote, "promote",
         lambda who, at, reason: training_promote.promote(who, desk, at.job)),
        (m.override, "override",
         lambda who, at, reason: training_promote.override(who, desk, at.job, reason)),
        (m.rollback, "rollback",
         lambda who, at, reason: training_promote.rollback(who, desk, TASK)),
    )  # fmt: skip
    for button, name, act in acts:
        button.click(
            deciding(act), [k.place, m.reason], tab.shown, api_name=f"training_{name}", **AT_ONCE,
        )  # fmt: skip
