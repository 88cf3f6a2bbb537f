"""The steps before a job: Choose, Preview, Configure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from inference.registry import TASKS
from training.jobs import control as jobs
from training.jobs.settings import FIELDS, PRESETS
from training.snapshots.freezing import SnapshotPlan
from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, LATEST
from ui.shell.runs import Run
from ui.shell.visitors import Visitor
from ui.training import view
from ui.training.handlers import choose, configure
from ui.training.handlers.place import FIRST_TASK, Place, accepted_count, task_of
from ui.training.parts import RunBox, Values, components, recipe, section, shown, telling

ALL = ("all", "")
USUAL_PRESET = "quick_fix"
TIME = "time_limit_minutes"
NO_PREVIEW = markup.nothing_yet(
    "Nothing to preview yet", "Go to Choose and press “Preview training set”: the images and the "
    "exact texts appear here.",
)  # fmt: skip


class Choose:
    """Which corrections go in."""

    def __init__(self) -> None:
        usual = PRESETS[USUAL_PRESET].settings
        with section(
            "choose",
            "Which corrections should the model learn?",
            "Only accepted corrections are used. Leave a filter empty to take all of them.",
        ) as self.box:
            self.empty = gr.HTML()
            self.corrections = gr.Button(
                "Open Corrections", variant="primary", visible=False, elem_id="tr-open"
            )
            self.task = gr.Dropdown(
                [(spec.label, name) for name, spec in TASKS.items()], value=FIRST_TASK,
                label="Task", filterable=False, visible=len(TASKS) > 1, elem_id="tr-task",
            )  # fmt: skip
            with gr.Column() as self.body:
                with gr.Row():
                    filters = {
                        "author": gr.Dropdown([ALL], value="", label="Author"),
                        "slice": gr.Dropdown([ALL], value="", label="Slice"),
                        "adapter": gr.Dropdown([ALL], value="", label="Adapter corrected"),
                        "since": gr.Textbox(
                            label="From day", placeholder="2026-11-01", max_lines=1
                        ),
                        "until": gr.Textbox(label="To day", placeholder="2026-11-30", max_lines=1),
                    }
                with gr.Row():
                    shares = {
                        "replay": gr.Slider(
                            0, 95, 100 * usual.replay_share, step=0.1,
                            label="Replay share (% of all images)",
                            info="Original training scenes mixed in, against forgetting.",
                            elem_id="tr-replay",
                        ),
                        "validation": gr.Slider(
                            0, 50, 100 * usual.validation_share, step=1,
                            label="Validation share (% of scenes)",
                            info="Not trained on; no scene is in both sets.",
                            elem_id="tr-validation",
                        ),
                        "seed": gr.Number(
                            42, precision=0, label="Seed",
                            info="Which scenes are replayed and validated on.", elem_id="tr-seed",
                        ),
                    }  # fmt: skip
                with gr.Row():
                    preview = gr.Button(
                        "Preview training set", variant="primary", scale=0, min_width=240,
                        elem_id="tr-show",
                    )  # fmt: skip
                    stop = gr.Button("Cancel", variant="stop", visible=False)
                self.plan = RunBox(preview, stop, gr.HTML(elem_id="tr-plan-progress"))
        self.form: dict[str, Any] = {**filters, **shares}

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        if not visitor.reads("training previews"):
            text = view.elsewhere(visitor.role, "annotator", "choose corrections")
            return {self.empty: text, self.corrections: shown(False), self.body: shown(False)}
        none = accepted_count(desk.home, place.task) == 0
        text = markup.nothing_yet(
            "No correction is accepted yet",
            "A training learns from corrections that somebody has accepted. Make some on the Scene "
            "page, then accept them in Corrections.",
        )
        offers = {
            self.form[key]: gr.update(choices=[ALL, *((n, n) for n in names)])
            for key, names in choose.choices(visitor, desk.home).items()
        }
        return offers | {
            self.task: place.task,
            self.empty: text if none else "",
            self.corrections: shown(none),
            self.body: shown(not none),
        }

    def wire(self, desk: Desk, page: Any) -> None:
        """Preview the training set, with progress."""
        self.corrections.click(None, js="() => { location.href = './corrections'; }")

        def asked(values: Values, request: gr.Request) -> Run:
            form = {name: values[part] for name, part in self.form.items()}
            return choose.begin_plan(desk.visitor(request), desk, form, values[page.place].task)

        def planned(visitor: Visitor, plan: SnapshotPlan) -> Values:
            return page.show(desk, visitor, Place("preview", task=plan.task)) | {
                page.preview.view: view.preview(plan.examples, plan.left_out),
                page.preview.message: "",
                page.preview.use: gr.update(interactive=bool(plan.part("train"))),
            }

        starts = [
            (self.plan.button.click, "training_plan", asked, {*self.form.values(), page.place})
        ]

        @telling(page.message)
        def chose(place: Place, task: str, request: gr.Request) -> Values:
            usual = next(iter(configure.presets_of(task).values())).settings
            shares = {
                self.form["replay"]: 100 * usual.replay_share,
                self.form["validation"]: 100 * usual.validation_share,
            }
            return page.show(desk, desk.visitor(request), replace(place, task=task)) | shares

        self.task.input(
            chose, [page.place, self.task], page.everything, api_name="training_task", **LATEST
        )
        self.plan.wire(
            desk, "training_plan", starts, choose.start_plan, planned, page.everything,
            concurrency_limit=4,
        )  # fmt: skip


class Preview:
    """What goes in, with its exact texts."""

    def __init__(self) -> None:
        with section(
            "preview", "Training set", "The images and exact texts, before anything is trained."
        ) as self.box:
            self.message = gr.HTML(elem_id="tr-preview-message")
            with gr.Row():
                self.use = gr.Button(
                    "Use this set", variant="primary", interactive=False, elem_id="tr-use"
                )
                self.back = gr.Button("Choose others", elem_id="tr-back")
            self.view = gr.HTML(NO_PREVIEW, elem_id="tr-preview-view")

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        """A frozen snapshot's content; a preview that is not frozen is drawn when it is made."""
        if not place.snapshot:
            return {}
        if not visitor.reads("training previews"):
            text = view.elsewhere(visitor.role, "annotator", "see the training set")
            return {self.message: text}
        return {
            self.view: view.preview(*choose.frozen(visitor, desk.home, place.snapshot)),
            self.message: markup.note(f"This snapshot is frozen: {place.snapshot[:12]}."),
            self.use: gr.update(interactive=True),
        }

    def wire(self, desk: Desk, page: Any) -> None:
        """Freeze what is shown, or use again what is frozen."""

        @telling(self.message)
        def used(place: Place, run_id: str, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            if place.snapshot:
                there = configure.frozen_place(visitor, place.snapshot)
            else:
                snapshot = choose.freeze_plan(visitor, desk, run_id)
                there = Place("configure", "", snapshot.hash)
            return page.show(desk, visitor, there)

        inputs = [page.place, page.choose.plan.run]
        self.use.click(used, inputs, page.everything, api_name="training_use", **AT_ONCE)


class Configure:
    """Preset, name, time and Train; everything else under Advanced."""

    def __init__(self) -> None:
        usual = configure.form_values(PRESETS[USUAL_PRESET].settings)
        self.fields: dict[str, Any] = {}
        with section(
            "configure",
            "How should it be trained?",
            "A preset is enough. Advanced has all settings; what differs from it is marked.",
        ) as self.box:
            with gr.Row():
                self.preset = gr.Dropdown(
                    [(p.label, name) for name, p in PRESETS.items()], filterable=False,
                    value=USUAL_PRESET, label="Preset", elem_id="tr-preset", min_width=260,
                )  # fmt: skip
                self.name = gr.Textbox(
                    label="Name of the new adapter", max_lines=1, elem_id="tr-name",
                    placeholder="made from task and time when empty", min_width=260,
                )  # fmt: skip
                self.fields[TIME] = _field(TIME, usual[TIME])
            self.about = gr.HTML(markup.note(PRESETS[USUAL_PRESET].about))
            self.message = gr.HTML(elem_id="tr-configure-message")
            self.start = gr.Button("Train", variant="primary", elem_id="tr-start")
            self.changed = gr.HTML(elem_id="tr-changed")
            advanced = f"Advanced: {len(configure.NAMES) - 1} settings"
            with gr.Accordion(advanced, open=False, elem_id="tr-advanced"):
                self.runner = gr.Radio(label="Where it runs", elem_id="tr-runner")
                gr.Textbox(
                    label="Search settings", placeholder="rate, LoRA, batch …", max_lines=1,
                    elem_id="tr-search",
                )  # fmt: skip
                groups = dict.fromkeys(FIELDS[n].group for n in configure.NAMES)
                for group in groups:
                    with gr.Column(elem_classes="tr-fields"):
                        gr.HTML(f'<h3 class="tr-group-title">{group}</h3>')
                        for name in configure.NAMES:
                            if FIELDS[name].group == group and name != TIME:
                                self.fields[name] = _field(name, usual[name])
            self.recipe, self.command, self.config = recipe("tr-configure")

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        offered, usual, note = configure.places_to_run()
        values: Values = {
            self.runner: gr.update(choices=offered, value=usual, info=note),
            self.changed: "",
        }
        presets = configure.presets_of(task_of(desk.home, place))
        choices = [(p.label, name) for name, p in presets.items()]
        values[self.preset] = gr.update(choices=choices)
        if USUAL_PRESET not in presets and not place.retry:
            first = next(iter(presets))
            form = configure.form_values(presets[first].settings)
            values |= self.checked(desk, visitor, place, form, "", first, fill=True)
            values[self.preset] = gr.update(choices=choices, value=first)
            values[self.about] = markup.note(presets[first].about)
        if place.retry:
            settings = jobs.job(desk.home, place.retry).settings
            preset = configure.nearest_preset(settings)
            form = configure.form_values(settings)
            values[self.preset] = gr.update(choices=choices, value=preset)
            values[self.about] = markup.note(PRESETS[preset].about)
            values |= self.checked(desk, visitor, place, form, "", preset, fill=True)
        text = ""
        if not place.snapshot:
            text = "First choose corrections and preview the training set; then “Use this set”."
        elif not visitor.may("trainer"):
            text = "You may look at the settings. To train you need the role trainer."
        values[self.start] = gr.update(
            interactive=bool(place.snapshot),
            value="Train with these changes" if place.retry else "Train",
        )
        return values | {self.message: markup.note(text)}

    def checked(
        self, desk: Desk, visitor: Visitor, place: Place, form: dict[str, Any], name: str,
        preset: str, fill: bool = False,
    ) -> Values:  # fmt: skip
        """What is wrong at which field, what differs from the preset or the retried job, and the
        exact recipe. fill: put the form's values into the fields."""
        settings, problems = configure.read_settings(visitor, desk, place, form)
        usual = configure.form_values(configure.preset_of(preset).settings)
        values: Values = {}
        for key, part in self.fields.items():
            info, kind = FIELDS[key].meaning, ""
            if key in problems:
                info, kind = f"⚠ {problems[key]}", "tr-wrong"
            elif form[key] != usual[key]:
                info, kind = f"{info} Preset: {configure.shown(key, usual[key])}.", "tr-differs"
            filled = {"value": form[key]} if fill else {}
            values[part] = gr.update(info=info, elem_classes=["tr-field", kind], **filled)
        if settings is None:
            first = next(iter(problems.values()))
            return values | {self.message: markup.error(first), self.start: _pressable(False)}
        command, config = configure.recipe(visitor, desk, place, settings, name or "")
        title, heads = "Changed against the preset", ("preset", "now")
        changed = configure.from_preset(preset, settings)
        if place.retry:
            title, heads = "Changed against the job that is tried again", ("before", "now")
            former = jobs.job(desk.home, place.retry).settings
            changed = configure.differences(former, settings, configure.NAMES)
        return values | {
            self.message: "",
            self.start: _pressable(bool(place.snapshot)),
            self.changed: view.changes(list(changed.values()), title, heads),
            self.command: command,
            self.config: config,
        }

    def wire(self, desk: Desk, page: Any) -> None:
        """Fields that say at once what is wrong with them, presets, and Train."""
        inputs = {*self.fields.values(), self.name, self.runner, self.preset, page.place}
        outputs = components(self)

        def read(values: Values) -> dict[str, Any]:
            return {name: values[part] for name, part in self.fields.items()}

        @telling(self.message)
        def checked(values: Values, request: gr.Request) -> Values:
            return self.checked(
                desk, desk.visitor(request), values[page.place], read(values), values[self.name],
                values[self.preset],
            )  # fmt: skip

        changes = [part.input for part in self.fields.values()] + [self.name.input]
        gr.on(changes, checked, inputs, outputs, api_name="training_check", **LATEST)
        self.recipe.expand(checked, inputs, outputs, api_name="training_recipe", **AT_ONCE)

        @telling(self.message)
        def preset(values: Values, request: gr.Request) -> Values:
            chosen = configure.preset_of(values[self.preset])
            form, visitor = configure.form_values(chosen.settings), desk.visitor(request)
            made = self.checked(
                desk, visitor, values[page.place], form, values[self.name], values[self.preset],
                fill=True,
            )  # fmt: skip
            return made | {self.about: markup.note(chosen.about)}

        self.preset.input(preset, inputs, outputs, api_name="training_preset", **LATEST)

        @telling(self.message)
        def started(values: Values, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            there = configure.submit(
                visitor,
                desk,
                values[page.place],
                read(values),
                values[self.name],
                values[self.runner],
            )
            return {self.name: "", **page.show(desk, visitor, there)}

        self.start.click(started, inputs, page.everything, api_name="training_start", **AT_ONCE)


def _pressable(yes: bool) -> Any:
    return gr.update(interactive=yes)


def _field(name: str, value: Any) -> Any:
    spec = FIELDS[name]
    common = {
        "value": value, "label": configure.label(name), "info": spec.meaning,
        "elem_id": f"tr-field-{name}", "elem_classes": "tr-field", "interactive": True,
        "min_width": 260,
    }  # fmt: skip
    if spec.kind == "bool":
        return gr.Checkbox(**common)
    if spec.kind == "choice":
        return gr.Dropdown(list(spec.choices), filterable=False, **common)
    if spec.kind == "choices":
        return gr.CheckboxGroup(list(spec.choices), **common)
    return gr.Number(precision=0 if spec.kind == "int" else None, **common)
