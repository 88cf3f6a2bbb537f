"""What the Scene tab's components become: pure updates, no events. `ui.scene.page` binds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from inference.errors import UserError
from ui.components import markup
from ui.scene.correct_parts import CorrectPart
from ui.scene.handlers import run as scene
from ui.scene.handlers.view import SceneView
from ui.scene.parts import AdapterPart, InputPart, KeepPart, ResultPart, SettingsPart
from ui.shell.address import ViewSettings
from ui.shell.desk import Desk, SceneForm, adapter_choices
from ui.shell.frame import Frame
from ui.shell.runs import Snapshot
from ui.shell.visitors import Visitor

Values = dict[Any, Any]


@dataclass(frozen=True)
class SceneTab:
    """The tab's components, part by part."""

    ask: InputPart
    result: ResultPart
    settings: SettingsPart
    correct: CorrectPart
    keep: KeepPart
    adapters: AdapterPart

    @property
    def inputs(self) -> set[Any]:
        """What every handler gets; `read_form` turns it into a SceneForm at once."""
        a, s, k = self.ask, self.settings, self.keep
        return {
            a.image, a.prompt, a.adapter, s.method, s.first, s.last, s.heads, s.opacity,
            s.same_scale, s.sinks, s.relative, s.forced, k.example, k.run, k.result, k.chosen,
            k.linked, k.fresh, k.asked_example, k.asked_tokens, a.five, self.correct.veiled,
        }  # fmt: skip

    def memory(self, values: Values, **changes: object) -> dict[str, object]:
        """What this browser shall remember: result and run, the switch of the five-second mode,
        and the result whose answers it may not see yet."""
        a, k = self.ask, self.keep
        now = {"result": values[k.result], "run": values[k.run], "five": bool(values[a.five])}
        return {**now, "veiled": values[self.correct.veiled], **changes}

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


def _plot(text: str | None) -> Any:
    return None if text is None else PlotData(type="plotly", plot=text)


def show(tab: SceneTab, view: SceneView, controls: bool = True) -> Values:
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


def _controls(tab: SceneTab, view: SceneView) -> Values:
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


def _usable(tab: SceneTab, view: SceneView) -> Values:
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


def form_values(tab: SceneTab, desk: Desk, visitor: Visitor, form: SceneForm) -> Values:
    a, s, maps = tab.ask, tab.settings, form.view.maps
    presets = [(label, text) for label, text in desk.services.prompts.items()]
    known = form.prompt in desk.services.prompts.values()
    choices = [*presets, ("My own", "")]
    return {
        a.image: form.image,
        a.preset: gr.update(choices=choices, value=form.prompt if known else ""),
        a.prompt: form.prompt,
        a.adapter: gr.update(
            choices=adapter_choices(visitor, desk.services), value=form.adapter or ""
        ),
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


def all_parts(tab: SceneTab, frame: Frame) -> list[Any]:
    parts = (tab.ask, tab.result, tab.settings, tab.correct, tab.keep, frame)
    k = tab.keep
    never = {
        k.link, k.png, k.numbers, k.asked_example, k.asked_tokens, tab.correct.save, frame.who,
    }  # fmt: skip
    return [c for part in parts for c in vars(part).values() if c not in never]


def working(tab: SceneTab, now: Snapshot) -> Values:
    return {
        tab.ask.progress: markup.progress(now),
        tab.ask.look: gr.update(visible=False, interactive=True),
        tab.ask.cancel: gr.update(visible=True),
    }


def idle(tab: SceneTab, text: str = "") -> Values:
    return {
        tab.ask.progress: markup.stopped(text) if text else "",
        tab.ask.look: gr.update(visible=True, interactive=True),
        tab.ask.cancel: gr.update(visible=False),
    }


def messages(tab: SceneTab, problem: UserError | None) -> Values:
    """The message next to its field, the other fields' messages gone."""
    a = tab.ask
    fields = {"image": a.image_message, "prompt": a.prompt_message, "adapter": a.adapter_message}
    values: Values = dict.fromkeys(fields.values(), "")
    if problem is not None:
        values[fields.get(problem.field or "", a.progress)] = markup.error(problem)
    return values
