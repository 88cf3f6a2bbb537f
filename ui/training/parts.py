"""The components of the Training tab, step by step: what they are. `ui.training.before` and
`ui.training.after` build them, `ui.training.page` binds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.components import markup


@dataclass(frozen=True)
class ChoosePart:
    box: gr.Column
    empty: gr.HTML
    open_corrections: gr.Button
    form: gr.Column
    author: gr.Dropdown
    slices: gr.Dropdown
    adapter: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    replay: gr.Slider
    validation: gr.Slider
    seed: gr.Number
    progress: gr.HTML
    message: gr.HTML
    preview: gr.Button
    stop: gr.Button


@dataclass(frozen=True)
class PreviewPart:
    box: gr.Column
    view: gr.HTML
    message: gr.HTML
    use: gr.Button
    back: gr.Button


@dataclass(frozen=True)
class SetPart:
    """fields, messages: by the setting's name."""

    box: gr.Column
    preset: gr.Dropdown
    about: gr.HTML
    name: gr.Textbox
    name_message: gr.HTML
    runner: gr.Radio
    fields: dict[str, Any]
    messages: dict[str, gr.HTML]
    changed: gr.HTML
    message: gr.HTML
    start: gr.Button
    recipe: gr.Accordion
    command: gr.Code
    config: gr.Code


@dataclass(frozen=True)
class RunPart:
    """titles, plots: by the chart's key."""

    box: gr.Column
    empty: gr.HTML
    begin: gr.Button
    body: gr.Row
    queue: gr.HTML
    fresh: gr.Button
    status: gr.HTML
    cancel: gr.Button
    resume: gr.Button
    retry: gr.Button
    delete: gr.Button
    confirm: gr.Row
    really: gr.Button
    keep: gr.Button
    message: gr.HTML
    charts: gr.Column
    titles: dict[str, gr.HTML]
    plots: dict[str, gr.Plot]
    log: gr.HTML
    command: gr.Code
    config: gr.Code


@dataclass(frozen=True)
class ProvePart:
    box: gr.Column
    empty: gr.HTML
    begin: gr.Button
    body: gr.Column
    table: gr.HTML
    gallery: gr.HTML
    again: gr.Button
    case: gr.Dropdown
    compare: gr.Button
    stop: gr.Button
    progress: gr.HTML
    maps: gr.Row
    before_title: gr.HTML
    before: gr.Plot
    after_title: gr.HTML
    after: gr.Plot
    maps_note: gr.HTML


@dataclass(frozen=True)
class PromotePart:
    box: gr.Column
    empty: gr.HTML
    begin: gr.Button
    body: gr.Column
    rule: gr.HTML
    promote: gr.Button
    reason: gr.Textbox
    override: gr.Button
    message: gr.HTML
    in_use: gr.HTML
    rollback: gr.Button
    history: gr.HTML


@dataclass(frozen=True)
class KeepPart:
    """What the page remembers. place: see handlers.place.Place. seen: what was drawn last.
    plan: the run that made the shown preview. compare: the run that compares maps. asked_*: what
    was pressed last."""

    address: gr.HTML
    asked_step: gr.HTML
    asked_job: gr.HTML
    asked_case: gr.HTML
    place: gr.State
    seen: gr.State
    plan: gr.State
    compare: gr.State
    timer: gr.Timer


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
