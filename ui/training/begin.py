"""Events of Choose, Preview and Set: from a filter to a job in the queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inference.errors import Cancelled, UserError
from training.jobs.settings import PRESETS
from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST, QUIET
from ui.shell.failures import explain_failure
from ui.training import view as page_view
from ui.training.handlers import choose as training_choose
from ui.training.handlers import set as training_set
from ui.training.handlers import submit as training_submit
from ui.training.handlers.place import TASK, Place
from ui.training.show import field_values, problem_values, show
from ui.training.tab import TrainingTab, Values


def wire_choosing(tab: TrainingTab, desk: Desk) -> None:
    """Show what goes in, with progress; then freeze it."""
    c, p, k = tab.choose, tab.preview, tab.keep
    form = {
        "author": c.author, "slice": c.slices, "adapter": c.adapter, "since": c.since,
        "until": c.until, "replay": c.replay, "validation": c.validation, "seed": c.seed,
    }  # fmt: skip
    buttons = [c.preview, c.stop, c.progress, c.message]

    def asked(values: Values, request: gr.Request) -> Values:
        try:
            wanted = training_choose.asked_of({name: values[part] for name, part in form.items()})
            run = training_choose.begin_plan(desk.visitor(request), desk, wanted, TASK)
        except Exception as error:
            return {c.message: markup.error(explain_failure(error)), k.plan: ""}
        return _busy(tab, True) | {
            k.plan: run.id, c.message: "", c.progress: markup.progress(run.snapshot()),
        }  # fmt: skip

    def followed(run_id: str) -> Iterator[Values]:
        run = desk.runs.get(run_id)
        if run is None:
            yield _busy(tab, False)
            return
        training_choose.start_plan(desk, run)
        for now in run.follow(0.3):
            yield {c.progress: markup.progress(now)}
        yield _busy(tab, False)

    def planned(place: Place, run_id: str, request: gr.Request) -> Values:
        run = desk.runs.get(run_id)
        if run is None or run.stop.is_set() or isinstance(run.error, Cancelled):
            return _busy(tab, False)
        if run.error is not None:
            problem = explain_failure(run.error)
            return _busy(tab, False) | {c.message: markup.error(problem)}
        plan = run.result
        fresh = Place("preview")
        view = training_choose.preview_of(plan.examples, plan.left_out)
        return show(tab, desk, desk.visitor(request), fresh) | {
            p.view: page_view.preview(view),
            p.message: "",
            p.use: gr.update(value="Use these", interactive=bool(plan.part("train"))),
        }

    first = c.preview.click(
        asked, set(form.values()), [*buttons, k.plan], api_name="training_plan", **AT_ONCE,
    )  # fmt: skip
    running = first.then(
        followed, k.plan, buttons, api_name="training_plan_follow", concurrency_limit=4, **QUIET
    )
    running.then(
        planned, [k.place, k.plan], [*tab.shown, c.stop, c.preview], api_name="training_plan_show",
        **AT_ONCE,
    )  # fmt: skip

    def stopped(run_id: str) -> Values:
        desk.runs.cancel(run_id)
        return _busy(tab, False) | {c.message: markup.note("Stopped. Your choices are kept.")}

    c.stop.click(stopped, k.plan, buttons, api_name="training_plan_stop", **AT_ONCE)

    def used(place: Place, run_id: str, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        try:
            if place.snapshot:  # an earlier one, frozen already
                return show(
                    tab, desk, visitor, training_submit.frozen_place(visitor, place.snapshot)
                )
            snapshot = training_choose.freeze_plan(visitor, desk, run_id)
            return show(tab, desk, visitor, Place("set", "", snapshot.hash))
        except Exception as error:
            return {p.message: markup.error(explain_failure(error))}

    p.use.click(used, [k.place, k.plan], tab.shown, api_name="training_use", **AT_ONCE)


def _busy(tab: TrainingTab, busy: bool) -> Values:
    c = tab.choose
    values: Values = {c.preview: gr.update(visible=not busy), c.stop: gr.update(visible=busy)}
    return values if busy else values | {c.progress: ""}


def wire_setting(tab: TrainingTab, desk: Desk) -> None:
    """Presets, fields that say at once what is wrong with them, and Train."""
    s, k = tab.set, tab.keep
    fields = s.fields
    inputs = {*fields.values(), s.name, s.runner, k.place}
    told = [*s.messages.values(), s.changed, s.message, s.start, s.command, s.config, s.about]

    def checked(values: Values, request: gr.Request) -> Values:
        try:
            return checked_values(tab, desk, desk.visitor(request), values)
        except UserError as problem:
            return {s.message: markup.error(problem)}

    changes = [part.input for part in fields.values()] + [s.name.input]
    gr.on(changes, checked, inputs, told, api_name="training_check", **LATEST)

    def checked_preset(values: Values, request: gr.Request) -> Values:
        found = checked(values, request)
        found.pop(s.about, None)  # what the preset is for stands there
        return found

    def chose(name: str) -> Values:
        try:
            settings = training_set.preset(name)
        except UserError as problem:
            return {s.message: markup.error(problem)}
        return field_values(s, settings) | {s.about: markup.note(PRESETS[name].about)}

    filled = s.preset.input(
        chose, s.preset, [*fields.values(), *s.messages.values(), s.about, s.message],
        api_name="training_preset", **LATEST,
    )  # fmt: skip
    after = [part for part in told if part is not s.about]
    filled.then(checked_preset, inputs, after, api_name="training_check_preset", **LATEST)
    s.recipe.expand(checked, inputs, told, api_name="training_recipe", **AT_ONCE)

    def started(values: Values, request: gr.Request) -> Values:
        visitor = desk.visitor(request)
        place = values[k.place]
        form = {name: values[part] for name, part in fields.items()}
        name, runner = values[s.name], values[s.runner]
        try:
            there = training_submit.submit(visitor, desk, place, form, name, runner)
            return {s.name: "", **show(tab, desk, visitor, there)}
        except Exception as error:
            problem = explain_failure(error)
            if problem.field == "name":
                return {s.name_message: markup.error(problem)}
            return problem_values(tab, problem, s.message)

    s.start.click(
        started, inputs, [*tab.shown, *s.messages.values(), s.name], api_name="training_start",
        **AT_ONCE,
    )  # fmt: skip


def checked_values(tab: TrainingTab, desk: Desk, visitor: Any, values: Values) -> Values:
    """Each field's message, what changed against a retried job, and the exact recipe."""
    s, place = tab.set, values[tab.keep.place]
    form = {name: values[part] for name, part in s.fields.items()}
    found = training_submit.read_settings(visitor, desk, place, form)
    told: Values = dict.fromkeys(s.messages.values(), "")
    for name, problem in found.problems.items():
        told[s.messages.get(name, s.message)] = markup.error(problem)
    if found.settings is None:
        return told | {s.start: gr.update(interactive=False)}
    told[s.start] = gr.update(interactive=bool(place.snapshot))
    told[s.about] = markup.note(f"Now: {training_set.in_words(found.settings)}.")
    changed = training_submit.changed_against(desk.home, place, found.settings)
    told[s.changed] = page_view.changes(changed, "Changed against the job that is tried again")
    recipe = training_submit.recipe(visitor, desk, place, found.settings, values[s.name] or "")
    return told | {s.command: recipe.command, s.config: recipe.config}
