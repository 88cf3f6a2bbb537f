"""The components of the Training tab, step by step. Only builds; `ui.tabs.training` binds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from training.settings import PRESETS, FieldSpec
from ui import training_markup as markup
from ui.address import ADDRESS_JS
from ui.handlers.training_set import form_fields, form_values, label
from ui.training_figures import CHARTS

ALL = ("all", "")
USUAL_PRESET = "quick_fix"

NO_PREVIEW = markup.empty(
    "Nothing to look at yet", "Go to Choose and press “Show what goes in”: the pictures and the "
    "exact texts appear here.",
)  # fmt: skip


def clicks(key: str) -> str:
    """Script of an HTML piece whose [data-KEY] buttons become one event each."""
    return (
        f"window.sightlineTraining.choose(element, '{key}', (id) => trigger('select', {{id: id}}));"
    )


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
    """What the page remembers. place: see ui.handlers.training.Place. seen: what was drawn last.
    plan: the run that made the shown preview. compare: the run that compares maps."""

    address: gr.HTML
    place: gr.State
    seen: gr.State
    plan: gr.State
    compare: gr.State
    timer: gr.Timer


def _section(key: str, title: str, sentence: str) -> gr.Column:
    box = gr.Column(visible=False, elem_id=f"tr-{key}", elem_classes="tr-section")
    with box:
        gr.HTML(markup.heading(title, sentence))
    return box


def build_choose() -> ChoosePart:
    with _section(
        "choose",
        "Which corrections should the model learn?",
        "Only accepted corrections are used. Leave a filter empty to take all of them.",
    ) as box:
        empty = gr.HTML()
        go = gr.Button("Open Corrections", variant="primary", visible=False, elem_id="tr-open")
        with gr.Column() as form:
            with gr.Row():
                author = gr.Dropdown([ALL], value="", label="By whom", elem_id="tr-author")
                slices = gr.Dropdown([ALL], value="", label="In which slice", elem_id="tr-slice")
                adapter = gr.Dropdown(
                    [ALL], value="", label="Made on answers of adapter", elem_id="tr-from-adapter"
                )
                since = gr.Textbox(label="From day", placeholder="2026-11-01", max_lines=1)
                until = gr.Textbox(label="To day", placeholder="2026-11-30", max_lines=1)
            with gr.Row():
                replay = gr.Slider(
                    0, 95, 60, step=5, label="Replay share (% of all pictures)",
                    info="Original training scenes mixed in, so that the model forgets less.",
                    elem_id="tr-replay",
                )  # fmt: skip
                validation = gr.Slider(
                    0, 50, 15, step=5, label="Validation share (% of scenes)",
                    info="Kept aside to measure; no scene is in both parts.",
                    elem_id="tr-validation",
                )  # fmt: skip
                seed = gr.Number(
                    42, precision=0, label="Seed", info="Which scenes are drawn and kept aside.",
                    elem_id="tr-seed",
                )  # fmt: skip
            with gr.Row():
                preview = gr.Button(
                    "Show what goes in",
                    variant="primary",
                    scale=0,
                    min_width=240,
                    elem_id="tr-show",
                )
                stop = gr.Button("Cancel", variant="stop", visible=False, elem_id="tr-stop-plan")
            progress = gr.HTML(elem_id="tr-plan-progress")
        message = gr.HTML(elem_id="tr-choose-message")
    return ChoosePart(
        box, empty, go, form, author, slices, adapter, since, until, replay, validation, seed,
        progress, message, preview, stop,
    )  # fmt: skip


def build_preview() -> PreviewPart:
    with _section(
        "preview",
        "What goes in",
        "Look at the pictures and the exact texts before anything is trained.",
    ) as box:
        message = gr.HTML(elem_id="tr-preview-message")
        with gr.Row():
            use = gr.Button("Use these", variant="primary", interactive=False, elem_id="tr-use")
            back = gr.Button("Choose others", elem_id="tr-back")
        view = gr.HTML(NO_PREVIEW, elem_id="tr-preview-view")
    return PreviewPart(box, view, message, use, back)


def build_set() -> SetPart:
    with _section(
        "set",
        "How should it be trained?",
        "Take a preset as it is, or change any number; a wrong one is refused at its field.",
    ) as box:
        with gr.Row():
            with gr.Column(scale=2, min_width=260):
                preset = gr.Dropdown(
                    [(p.label, name) for name, p in PRESETS.items()],
                    value=USUAL_PRESET, label="Preset", elem_id="tr-preset",
                )  # fmt: skip
                about = gr.HTML(markup.note(PRESETS[USUAL_PRESET].about))
            with gr.Column(scale=2, min_width=260):
                name = gr.Textbox(
                    label="Name of the new adapter", max_lines=1, elem_id="tr-name",
                    placeholder="made from task and time when empty",
                )  # fmt: skip
                name_message = gr.HTML()
            with gr.Column(scale=2, min_width=260):
                runner = gr.Radio(label="Where it runs", elem_id="tr-runner")
        changed = gr.HTML(elem_id="tr-changed")
        message = gr.HTML(elem_id="tr-set-message")
        start = gr.Button("Train", variant="primary", elem_id="tr-start")
        usual = form_values(PRESETS[USUAL_PRESET].settings)
        fields: dict[str, Any] = {}
        messages: dict[str, gr.HTML] = {}
        for group, members in form_fields().items():
            with gr.Column(elem_classes="tr-fields"):
                gr.HTML(f'<h3 class="tr-group-title">{group}</h3>', elem_classes="tr-wide")
                for key, spec in members:
                    with gr.Column(elem_classes="tr-field"):
                        fields[key] = _field(key, spec, usual[key])
                        messages[key] = gr.HTML(elem_id=f"tr-problem-{key}")
        recipe, command, config = _recipe("tr-set")
    return SetPart(
        box, preset, about, name, name_message, runner, fields, messages, changed, message, start,
        recipe, command, config,
    )  # fmt: skip


def _field(name: str, spec: FieldSpec, value: Any) -> Any:
    common = {
        "value": value,
        "label": label(name), "info": spec.meaning, "elem_id": f"tr-field-{name}",
        "interactive": True, "container": True,
    }  # fmt: skip
    if spec.kind == "bool":
        return gr.Checkbox(**common)
    if spec.kind == "choice":
        return gr.Dropdown(list(spec.choices), filterable=False, **common)
    if spec.kind == "choices":
        return gr.CheckboxGroup(list(spec.choices), **common)
    return gr.Number(precision=0 if spec.kind == "int" else None, **common)


def _recipe(key: str) -> tuple[gr.Accordion, gr.Code, gr.Code]:
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


def build_run() -> RunPart:
    with _section(
        "run",
        "Training",
        "Everything here is read from the database: you may close the browser and come back.",
    ) as box:
        empty = gr.HTML()
        begin = gr.Button("Choose corrections", variant="primary", visible=False)
        with gr.Row(equal_height=False) as body:
            with gr.Column(scale=1, min_width=260):
                gr.HTML("<h3>Jobs</h3>")
                queue = gr.HTML(elem_id="tr-queue", js_on_load=clicks("job"))
                fresh = gr.Button("New training", size="sm", elem_id="tr-new")
            with gr.Column(scale=4, min_width=300):
                status = gr.HTML(elem_id="tr-status")
                cancel, resume, retry, delete, confirm, really, keep = _run_buttons()
                message = gr.HTML(elem_id="tr-run-message")
                with gr.Column(elem_classes="tr-charts", visible=False) as charts:
                    drawn = {key: _chart(key) for key in CHARTS}
                with gr.Accordion("Log", open=False, elem_id="tr-log"):
                    log = gr.HTML()
                _, command, config = _recipe("tr-run")
    return RunPart(
        box, empty, begin, body, queue, fresh, status, cancel, resume, retry, delete, confirm,
        really, keep, message, charts, {key: title for key, (title, _) in drawn.items()},
        {key: plot for key, (_, plot) in drawn.items()}, log, command, config,
    )  # fmt: skip


def _run_buttons() -> tuple[Any, ...]:
    with gr.Row(elem_id="tr-actions"):
        names = {
            "cancel": "Cancel", "resume": "Resume", "retry": "Change settings and try again",
            "delete": "Delete",
        }  # fmt: skip
        made = [
            gr.Button(
                text, visible=False, size="md", min_width=120, elem_id=f"tr-{key}",
                variant="stop" if key == "cancel" else "secondary",
            )
            for key, text in names.items()
        ]  # fmt: skip
    with gr.Row(visible=False, elem_id="tr-confirm") as confirm:
        gr.HTML(
            markup.note(
                "Delete this job with its curves, log and checkpoints? An adapter that it made "
                "stays. This cannot be undone."
            )
        )
        really = gr.Button("Delete it", variant="stop", size="md", elem_id="tr-really")
        keep = gr.Button("Keep it", size="md", elem_id="tr-keep")
    return (*made, confirm, really, keep)


def _chart(key: str) -> tuple[gr.HTML, gr.Plot]:
    with gr.Column(elem_id=f"tr-chart-{key}", elem_classes="tr-chart"):
        title = gr.HTML()
        plot = gr.Plot(show_label=False, container=False)
    return title, plot


def build_prove() -> ProvePart:
    with _section(
        "prove",
        "Is it better?",
        "Base, current and new adapter on scenes that no training ever sees, and on the corrected "
        "cases. Intervals hold 95 % of paired bootstrap draws.",
    ) as box:
        empty = gr.HTML()
        begin = gr.Button("Go to the job", variant="primary", visible=False)
        with gr.Column(visible=False, elem_classes="tr-section") as body:
            table = gr.HTML(elem_id="tr-table")
            again = gr.Button("Prove again", size="md", visible=False, elem_id="tr-again")
            gallery = gr.HTML(elem_id="tr-gallery", js_on_load=clicks("case"))
            gr.HTML(
                markup.heading(
                    "Where it looks, before and after",
                    "Both adapters are made to say the same words (the base's answer), so that "
                    "the two maps can be compared. Controls are scenes that nobody corrected.",
                )
            )
            with gr.Row(equal_height=False):
                case = gr.Dropdown(label="Case", scale=4, elem_id="tr-case")
                compare = gr.Button(
                    "Compare the maps", variant="primary", scale=1, elem_id="tr-compare"
                )
                stop = gr.Button("Cancel", variant="stop", visible=False, scale=1)
            progress = gr.HTML(elem_id="tr-compare-progress")
            with gr.Row(visible=False, elem_id="tr-maps-panels", equal_height=False) as maps:
                with gr.Column(min_width=300, elem_classes="sl-panel"):
                    before_title = gr.HTML()
                    before = gr.Plot(show_label=False, container=False, elem_classes="sl-plot")
                with gr.Column(min_width=300, elem_classes="sl-panel"):
                    after_title = gr.HTML()
                    after = gr.Plot(show_label=False, container=False, elem_classes="sl-plot")
            note = gr.HTML(elem_id="tr-maps-note")
    return ProvePart(
        box, empty, begin, body, table, gallery, again, case, compare, stop, progress, maps,
        before_title, before, after_title, after, note,
    )  # fmt: skip


def build_promote() -> PromotePart:
    with _section(
        "promote",
        "Should it be used?",
        "A new adapter goes into use only if it is better where it should be and not worse "
        "elsewhere. A trainer may decide otherwise, and says why.",
    ) as box:
        empty = gr.HTML()
        begin = gr.Button("Go to the job", variant="primary", visible=False)
        with gr.Column(visible=False, elem_classes="tr-section") as body:
            rule = gr.HTML(elem_id="tr-rule")
            promote = gr.Button("Use it from now on", variant="primary", elem_id="tr-promote")
            with gr.Row(equal_height=False):
                reason = gr.Textbox(
                    label="Reason to use it all the same (kept with the decision)", lines=2,
                    scale=4, elem_id="tr-reason", visible=False,
                )  # fmt: skip
                override = gr.Button(
                    "Use it against the rule", scale=1, visible=False, elem_id="tr-override"
                )
        message = gr.HTML(elem_id="tr-promote-message")
        in_use = gr.HTML(elem_id="tr-in-use")
        rollback = gr.Button("Take the last promotion back", visible=False, elem_id="tr-rollback")
        history = gr.HTML(elem_id="tr-history")
    return PromotePart(
        box, empty, begin, body, rule, promote, reason, override, message, in_use, rollback,
        history,
    )  # fmt: skip


def build_keep(place: object) -> KeepPart:
    return KeepPart(
        address=gr.HTML(elem_id="tr-address", elem_classes="sl-hidden", js_on_load=ADDRESS_JS),
        place=gr.State(place),
        seen=gr.State(""),
        plan=gr.State(""),
        compare=gr.State(""),
        timer=gr.Timer(2.0, active=False),
    )
