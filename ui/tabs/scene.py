"""The Scene tab: one picture, base beside fine-tuned, and what changed. Builds and binds only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from inference.errors import UserError
from ui import markup
from ui.address import ViewSettings, from_query
from ui.frame import Frame, frame_values
from ui.handlers import adapters, downloads, scene
from ui.handlers.desk import Desk, SceneForm, adapter_choices
from ui.runs import Snapshot
from ui.store import StoredResult
from ui.tabs.scene_parts import (
    InputPart,
    KeepPart,
    ResultPart,
    SettingsPart,
    build_input,
    build_keep,
    build_result,
    build_settings,
)

LABEL = "Scene"
MODEL_QUEUE = "model"
Values = dict[Any, Any]
COPY_LINK = "() => { window.sightline.copyLink(); }"


@dataclass(frozen=True)
class SceneTab:
    """The tab's components, part by part."""

    ask: InputPart
    result: ResultPart
    settings: SettingsPart
    keep: KeepPart

    @property
    def inputs(self) -> set[Any]:
        """What every handler gets; `read_form` turns it into a SceneForm at once."""
        a, s, k = self.ask, self.settings, self.keep
        return {
            a.image, a.prompt, a.adapter, s.method, s.first, s.last, s.heads, s.opacity,
            s.same_scale, s.sinks, s.relative, s.forced, k.example, k.run, k.result, k.chosen,
            k.linked,
        }  # fmt: skip

    def read_form(self, values: Values) -> SceneForm:
        a, s, k = self.ask, self.settings, self.keep
        names = {
            "method": s.method, "first": s.first, "last": s.last, "heads": s.heads,
            "sinks": s.sinks, "relative": s.relative, "same_scale": s.same_scale,
            "tokens": k.chosen,
        }  # fmt: skip
        view = values[k.linked]
        if values[k.result] or view is None:
            # Without a result the controls do not know yet how many layers and heads there are.
            maps = scene.settings_of({name: values[part] for name, part in names.items()})
            view = ViewSettings(maps, float(values[s.opacity]) / 100)
        return SceneForm(
            image=values[a.image],
            example=values[k.example],
            prompt=values[a.prompt] or "",
            adapter=values[a.adapter],
            forced=values[s.forced] or "finetuned",
            view=view,
        )


def build() -> SceneTab:
    ask = build_input()
    result = build_result()
    settings, keep = build_settings(), build_keep()
    return SceneTab(ask, result, settings, keep)


def wire(tab: SceneTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    """Binds events to handlers. Only `_look` waits for the model."""
    _wire_opening(tab, desk, frame, page)
    _wire_looking(tab, desk, frame)
    _wire_redrawing(tab, desk)
    _wire_adapters(tab, desk, frame)
    _wire_keeping(tab, desk)


# ---- drawing ----------------------------------------------------------------------------------


def _plot(text: str | None) -> Any:
    return None if text is None else PlotData(type="plotly", plot=text)


def show(tab: SceneTab, view: scene.SceneView, controls: bool = True) -> Values:
    """Component updates for a result. controls: also set the settings to what is shown."""
    r = tab.result
    compared = view.tuned_plot is not None
    values: Values = {
        r.empty: gr.update(visible=False),
        r.box: gr.update(visible=True),
        tab.settings.box: gr.update(visible=True),
        tab.keep.box: gr.update(visible=True),
        r.headline: view.headline,
        r.tuned_column: gr.update(visible=compared),
        r.difference_column: gr.update(visible=compared),
        r.base_title: view.base_title,
        r.tuned_title: view.tuned_title,
        r.base_plot: _plot(view.base_plot),
        r.tuned_plot: _plot(view.tuned_plot),
        r.difference_plot: _plot(view.difference_plot),
        r.base_answer: view.base_answer,
        r.tuned_answer: view.tuned_answer,
        r.difference_note: view.difference_note,
        r.tokens: view.tokens,
        r.numbers: view.numbers,
        r.shift_column: gr.update(visible=view.shift_plot is not None),
        r.shift_plot: _plot(view.shift_plot),
        r.notes: view.notes,
        r.caption: view.caption,
        tab.keep.address: view.query,
        tab.settings.message: "",
    }
    return values | (_controls(tab, view) if controls else _usable(tab, view))


def _controls(tab: SceneTab, view: scene.SceneView) -> Values:
    s, maps, top = tab.settings, view.settings.maps, view.layers - 1
    heads = [("Mean of heads", "mean"), ("Max of heads", "max")]
    heads += [(f"Head {i}", str(i)) for i in range(view.heads)]
    usable = _usable(tab, view)
    last = top if maps.layers[1] == -1 else maps.layers[1]
    values = {
        s.method: gr.update(choices=list(view.methods), value=maps.method),
        s.first: gr.update(maximum=top, value=maps.layers[0], **usable[s.first]),
        s.last: gr.update(maximum=top, value=last, **usable[s.last]),
        s.heads: gr.update(choices=heads, value=str(maps.heads), **usable[s.heads]),
        s.sinks: gr.update(value=maps.remove_sinks, **usable[s.sinks]),
        s.relative: gr.update(value=maps.relative, **usable[s.relative]),
        s.same_scale: maps.shared_scale,
        s.opacity: round(100 * view.settings.opacity),
    }
    return values | {tab.keep.chosen: list(maps.tokens)}


def _usable(tab: SceneTab, view: scene.SceneView) -> Values:
    """Greys out what the chosen method ignores."""
    s = tab.settings
    groups = {
        s.first: "layers",
        s.last: "layers",
        s.heads: "heads",
        s.sinks: "remove_sinks",
        s.relative: "relative",
    }
    return {part: gr.update(interactive=name in view.options) for part, name in groups.items()}


# ---- opening ----------------------------------------------------------------------------------


def _wire_opening(tab: SceneTab, desk: Desk, frame: Frame, page: gr.Blocks) -> None:
    a, k = tab.ask, tab.keep

    def opened(memory: Any, request: gr.Request) -> Values:
        remembered = memory if isinstance(memory, dict) else {}
        found = scene.restore(desk, from_query(dict(request.query_params)), remembered)
        values = _form_values(tab, desk, found.form) | frame_values(frame, desk, found.form.adapter)
        values[k.run] = found.run.id if found.run else ""
        values[tab.result.empty] = gr.update(
            value=markup.empty(bool(desk.services.examples())), visible=found.result is None
        )
        values[a.image_message] = markup.hint(found.message)
        values[a.examples] = markup.examples(desk.services.examples(), found.form.example)
        if found.run:
            values |= _working(tab, found.run.snapshot())
        if found.result is not None:
            values |= {k.result: found.result.id, k.linked: None}
            values |= show(tab, scene.view(desk, found.result, found.form.view))
        return values

    first = page.load(
        opened, [k.memory], _all(tab, frame), api_visibility="private", show_progress="hidden"
    )
    _then_run(tab, desk, frame, first)


def _form_values(tab: SceneTab, desk: Desk, form: SceneForm) -> Values:
    a, s, maps = tab.ask, tab.settings, form.view.maps
    presets = [(label, text) for label, text in desk.services.prompts.items()]
    known = form.prompt in desk.services.prompts.values()
    choices = [*presets, ("My own", "")]
    return {
        a.image: form.image,
        a.preset: gr.update(choices=choices, value=form.prompt if known else ""),
        a.prompt: form.prompt,
        a.adapter: gr.update(choices=adapter_choices(desk.services), value=form.adapter or ""),
        s.forced: form.forced,
        s.opacity: round(100 * form.view.opacity),
        s.method: gr.update(
            choices=[(spec.label, key) for key, spec in desk.services.explainers.items()],
            value=maps.method if maps.method in desk.services.explainers else "attention",
        ),
        tab.keep.example: form.example,
        tab.keep.chosen: list(maps.tokens),
        tab.keep.linked: form.view,
    }


def _all(tab: SceneTab, frame: Frame) -> list[Any]:
    parts = (tab.ask, tab.result, tab.settings, tab.keep, frame)
    never = {tab.ask.load, tab.ask.unload, tab.keep.link, tab.keep.png, tab.keep.numbers}
    return [c for part in parts for c in vars(part).values() if c not in never]


# ---- looking ----------------------------------------------------------------------------------


def _working(tab: SceneTab, now: Snapshot) -> Values:
    return {
        tab.ask.progress: markup.progress(now),
        tab.ask.look: gr.update(visible=False),
        tab.ask.cancel: gr.update(visible=True),
    }


def _idle(tab: SceneTab, text: str = "") -> Values:
    return {
        tab.ask.progress: markup.stopped(text) if text else "",
        tab.ask.look: gr.update(visible=True),
        tab.ask.cancel: gr.update(visible=False),
        tab.keep.run: "",
    }


def _messages(tab: SceneTab, problem: UserError | None) -> Values:
    """The message next to its field, the other fields' messages gone."""
    a = tab.ask
    fields = {"image": a.image_message, "prompt": a.prompt_message, "adapter": a.adapter_message}
    values: Values = dict.fromkeys(fields.values(), "")
    if problem is not None:
        values[fields.get(problem.field or "", a.progress)] = markup.error(problem)
    return values


def _wire_looking(tab: SceneTab, desk: Desk, frame: Frame) -> None:
    a, k = tab.ask, tab.keep
    outputs = [
        a.progress,
        a.look,
        a.cancel,
        a.image_message,
        a.prompt_message,
        a.adapter_message,
        a.image,
        k.example,
        k.run,
        k.memory,
        k.chosen,
        a.examples,
    ]

    def began(values: Values, event: Any = None) -> Values:
        form = tab.read_form(values)
        try:
            run, _ = scene.begin(desk, form)
        except UserError as problem:
            return _idle(tab) | _messages(tab, problem)
        kept = {"result": values[k.result], "run": run.id}
        # Chosen tokens belong to the answer before; a link's view waits for its own result.
        fresh = {} if values[k.linked] is not None else {k.chosen: []}
        return (
            _working(tab, run.snapshot())
            | _messages(tab, None)
            | fresh
            | {k.run: run.id, k.memory: kept}
        )

    def picked(values: Values, event: gr.EventData) -> Values:
        example = scene.example_of(desk.services, str(event.id))
        chosen = {**values, a.image: str(example.path), k.example: example.id}
        strip = markup.examples(desk.services.examples(), example.id)
        return began(chosen) | {
            a.image: str(example.path),
            k.example: example.id,
            a.examples: strip,
        }

    def checked(values: Values) -> Values:
        cleared = {k.example: None, a.examples: markup.examples(desk.services.examples(), None)}
        try:
            note = scene.check_picture(desk.services, values[a.image])
        except UserError as problem:
            return cleared | {a.image_message: markup.error(problem)}
        return cleared | {a.image_message: markup.hint(note)}

    common = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    looks = gr.on(
        [a.look.click, a.prompt.submit, tab.settings.forced.input],
        began,
        tab.inputs,
        outputs,
        **common,
    )
    clicks = a.examples.select(picked, tab.inputs, outputs, **common)
    a.image.input(checked, {a.image}, [k.example, a.image_message, a.examples], **common)
    a.preset.input(lambda text: text or gr.skip(), a.preset, a.prompt, **common)
    a.prompt.input(
        lambda text: text if text in desk.services.prompts.values() else "",
        a.prompt,
        a.preset,
        **common,
    )
    running = [_then_run(tab, desk, frame, begin) for begin in (looks, clicks)]

    def stopped(run_id: str) -> Values:
        desk.runs.cancel(run_id)
        return _idle(tab, "Stopped. Your settings are kept.")

    a.cancel.click(stopped, k.run, [a.progress, a.look, a.cancel, k.run], cancels=running, **common)


def _then_run(tab: SceneTab, desk: Desk, frame: Frame, first: Any) -> Any:
    """Follows the run that the event before has prepared, if it did."""
    k = tab.keep

    def ran(values: Values) -> Iterator[Values]:
        run = desk.runs.get(values[k.run])
        if run is None:
            # gradio 6.31 undoes the event before when a generator ends without any value.
            yield {k.run: ""}
            return
        try:
            for step in scene.look(desk, run):
                if isinstance(step, StoredResult):
                    yield _finished(tab, desk, frame, step, tab.read_form(values))
                else:
                    yield _working(tab, step)
        except Exception as error:
            yield _failed(tab, scene.explain_failure(error))

    return first.then(
        ran, tab.inputs, _all(tab, frame), concurrency_id=MODEL_QUEUE, concurrency_limit=1,
        api_visibility="private", show_progress="hidden",
    )  # fmt: skip


def _finished(
    tab: SceneTab, desk: Desk, frame: Frame, result: StoredResult, form: SceneForm
) -> Values:
    request = result.pair.request
    view = scene.view(desk, result, form.view)
    return (
        show(tab, view)
        | _idle(tab)
        | frame_values(frame, desk, request.adapter)
        | {tab.keep.result: result.id, tab.keep.linked: None}
        | {tab.keep.memory: {"result": result.id, "run": ""}}
    )


def _failed(tab: SceneTab, problem: UserError) -> Values:
    if problem.field in ("image", "prompt", "adapter"):
        return _idle(tab) | _messages(tab, problem)
    return _idle(tab) | {tab.ask.progress: markup.error(problem)}


# ---- redrawing --------------------------------------------------------------------------------


def _wire_redrawing(tab: SceneTab, desk: Desk) -> None:
    s, k = tab.settings, tab.keep
    outputs = [*vars(tab.result).values(), *vars(s).values(), k.address, k.chosen, k.box]

    def redrawn(values: Values) -> Values:
        result = desk.results.get(values[k.result])
        if result is None:
            return {k.chosen: values[k.chosen]}
        try:
            view = scene.view(desk, result, tab.read_form(values).view)
        except UserError as problem:
            return {s.message: markup.error(problem)}
        return show(tab, view, controls=False)

    def chose(values: Values, event: gr.EventData) -> Values:
        tokens = scene.token_list(event.tokens)
        return {k.chosen: tokens} | redrawn({**values, k.chosen: tokens})

    common = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "queue": False,
        "trigger_mode": "always_last",
    }
    changes = [
        s.method.input,
        s.first.input,
        s.last.input,
        s.heads.input,
        s.same_scale.input,
        s.sinks.input,
        s.relative.input,
        s.opacity.release,
    ]
    gr.on(changes, redrawn, tab.inputs, outputs, **common)
    tab.result.tokens.select(chose, tab.inputs, outputs, **common)
    # The browser alone dims the maps while the slider moves.
    s.opacity.input(None, s.opacity, js="(percent) => window.sightline.opacity(percent / 100)")


# ---- adapters ---------------------------------------------------------------------------------


def _wire_adapters(tab: SceneTab, desk: Desk, frame: Frame) -> None:
    a = tab.ask
    outputs = [a.adapter, a.load_message, a.adapter_message, *vars(frame).values()]

    def act(change: Callable[[Desk, str], adapters.Changed], text: str) -> Values:
        try:
            done = change(desk, text)
        except Exception as error:
            return {a.load_message: markup.error(scene.explain_failure(error))}
        update = gr.update(choices=adapter_choices(desk.services), value=done.chosen or "")
        return {a.adapter: update, a.load_message: markup.hint(done.message)} | frame_values(
            frame, desk, done.chosen
        )

    common = {"api_visibility": "private", "concurrency_id": MODEL_QUEUE, "concurrency_limit": 1}
    gr.on(
        [a.load.click, a.source.submit],
        lambda text: act(adapters.load, text),
        a.source,
        outputs,
        show_progress_on=a.load_message,
        **common,
    )
    a.unload.click(
        lambda name: act(adapters.unload, name),
        a.adapter,
        outputs,
        show_progress_on=a.load_message,
        **common,
    )
    a.adapter.input(
        lambda name: {a.adapter_message: "", **frame_values(frame, desk, name)},
        a.adapter,
        outputs,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )


# ---- keeping ----------------------------------------------------------------------------------


def _wire_keeping(tab: SceneTab, desk: Desk) -> None:
    k = tab.keep

    def saved(write: Callable[[Desk, str, ViewSettings], str], values: Values) -> Values:
        target = k.png_file if write is downloads.save_png else k.numbers_file
        try:
            path = write(desk, values[k.result], tab.read_form(values).view)
        except UserError as problem:
            return {target: None, k.message: markup.error(problem)}
        return {target: path, k.message: ""}

    common = {"api_visibility": "private", "queue": False, "show_progress_on": k.message}
    pairs = (
        (k.png, k.png_file, downloads.save_png),
        (k.numbers, k.numbers_file, downloads.save_json),
    )
    for button, target, write in pairs:
        done = button.click(
            lambda values, write=write: saved(write, values),
            tab.inputs,
            [target, k.message],
            **common,
        )
        done.then(None, None, None, js=f"() => window.sightline.download('{target.elem_id}')")
    k.link.click(None, js=COPY_LINK)
