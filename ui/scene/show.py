"""What the Scene page's components become: the form as the handlers read it, and updates."""

from __future__ import annotations

from typing import Any

import gradio as gr

from inference.errors import UserError
from inference.registry import task as find_task
from ui.components import markup
from ui.scene import view as pieces
from ui.scene.address import ViewSettings
from ui.scene.handlers import run as scene
from ui.scene.handlers.run import SceneForm
from ui.scene.handlers.view import SceneView
from ui.scene.parts import Scene
from ui.shell.desk import Desk, adapter_choices
from ui.shell.results import StoredResult
from ui.shell.runs import Snapshot
from ui.shell.visitors import Visitor

Values = dict[Any, Any]
OWN = ("My own", "")


def read_form(tab: Scene, values: Values) -> SceneForm:
    view = values[tab.linked]
    if values[tab.result] or view is None:
        # Without a result the controls do not know yet how many layers and heads there are.
        maps = tab.maps.read(values, tuple(values[tab.chosen] or ()))
        view = ViewSettings(maps, float(values[tab.maps.opacity]) / 100)
    return SceneForm(
        image=values[tab.image],
        example=values[tab.example],
        task=values[tab.task] or "hazard",
        prompt=values[tab.prompt] or "",
        adapter=values[tab.adapter],
        forced=values[tab.forced] or "finetuned",
        view=view,
    )


def memory(tab: Scene, values: Values, **changes: object) -> dict[str, object]:
    """What this browser shall remember: result and run, the switch of the five-second mode, and the
    result whose answers it may not see yet."""
    now = {"result": values[tab.result], "run": values[tab.run], "five": bool(values[tab.five])}
    return {**now, "veiled": values[tab.veiled], **changes}


TEXTS = ("headline", "stage", "answers", "tokens", "numbers", "shift", "notes", "address")


def show(tab: Scene, view: SceneView, result: StoredResult) -> Values:
    """Component updates for a result."""
    open_now = (tab.box, tab.settings, tab.verdicts, tab.details)
    return {
        tab.empty: gr.update(visible=False),
        **{part: gr.update(visible=True) for part in open_now},
        **{getattr(tab, name): getattr(view, name) for name in TEXTS},
        tab.heads: gr.update(visible=bool(view.shift)),
        tab.settings_message: "",
        tab.chosen: list(view.settings.maps.tokens),
        **tab.maps.show(result.pair, view.settings.maps, view.settings.opacity),
    }


def hide_answers(tab: Scene, photo: str) -> Values:
    """The image alone: nothing of either answer is sent to the browser. That there is nothing to
    mark can still be said."""
    hidden = (tab.settings, tab.right, tab.wrong, tab.details)
    return {
        **{getattr(tab, name): "" for name in TEXTS}, tab.stage: photo,
        **{part: gr.update(visible=False) for part in hidden},
    }  # fmt: skip


def freshness(tab: Scene, form: SceneForm, result: StoredResult | None, able: bool) -> Values:
    """A result belongs to its inputs: where the form has changed since, it is dimmed and cannot be
    corrected. able: whether this visitor may correct."""
    changed = scene.what_changed(form, result) if result else []
    made_of = ""
    if result:
        request = result.pair.request
        adapter = request.adapter or "the base alone"
        made_of = f"{result.pair.image.name}, “{request.prompt}”, {adapter}"
    usable = gr.update(interactive=able and not changed)
    buttons = (tab.right, tab.wrong, tab.nothing, tab.save)
    return {tab.stale: pieces.stale(changed, made_of), **dict.fromkeys(buttons, usable)}


def form_values(tab: Scene, desk: Desk, visitor: Visitor, form: SceneForm) -> Values:
    return {
        tab.image: form.image,
        tab.task: form.task,
        **task_values(tab, desk, visitor, form.task, form.prompt, form.adapter),
        tab.forced: form.forced,
        tab.maps.opacity: round(100 * form.view.opacity),
        tab.example: form.example,
        tab.chosen: list(form.view.maps.tokens),
        tab.linked: form.view,
    }


def task_values(
    tab: Scene, desk: Desk, visitor: Visitor, name: str, prompt: str, adapter: str | None
) -> Values:
    """What depends on the task: its prompts, the adapters made for it, its editors."""
    task = find_task(name)
    presets = [(label, text) for label, text in task.prompts.items()]
    known = prompt in task.prompts.values()
    choices = adapter_choices(visitor, desk.services, name)
    offered = [value for _, value in choices]
    nothing = gr.update(value=f"∅ {task.absent}", visible=bool(task.absent))
    return {
        tab.preset: gr.update(choices=[*presets, OWN], value=prompt if known else ""),
        tab.shown_task: name,
        tab.prompt: prompt,
        tab.adapter: gr.update(choices=choices, value=adapter if adapter in offered else ""),
        tab.nothing: nothing,
        **{box: gr.update(visible=key == name) for key, box in tab.editor_boxes.items()},
    }


def working(tab: Scene, now: Snapshot) -> Values:
    return {
        tab.progress: markup.progress(now),
        tab.compare: gr.update(visible=False, interactive=True),
        tab.cancel: gr.update(visible=True),
    }


def idle(tab: Scene, text: str = "") -> Values:
    return {
        tab.progress: markup.stopped(text) if text else "",
        tab.compare: gr.update(visible=True, interactive=True),
        tab.cancel: gr.update(visible=False),
    }


def messages(tab: Scene, problem: UserError | None) -> Values:
    """The message next to its field, the other fields' messages gone."""
    fields = {
        "image": tab.image_message, "prompt": tab.prompt_message, "adapter": tab.adapter_message,
    }  # fmt: skip
    values: Values = dict.fromkeys(fields.values(), "")
    if problem is not None:
        values[fields.get(problem.field or "", tab.progress)] = markup.error(problem)
    return values
