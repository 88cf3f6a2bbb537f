"""The steps before a job: Choose, Preview, Configure."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from inference.registry import TASKS
from training.jobs import control as jobs
from training.jobs.settings import FIELDS, PRESETS
from training.snapshots.types import SnapshotPlan
from ui.components import markup
from ui.components.endpoints import Endpoints, Values, components
from ui.components.runbox import RunBox
from ui.components.words import setting
from ui.shell.desk import Desk
from ui.shell.events import LATEST
from ui.shell.runs import Work
from ui.shell.visitors import Visitor
from ui.training import view
from ui.training.handlers import choose, configure
from ui.training.handlers.place import FIRST_TASK, Place, accepted_count, task_of
from ui.training.parts import Step, recipe, section, shown

ALL = ("all", "")
USUAL_PRESET = "quick_fix"
TIME = "time_limit_minutes"
NO_PREVIEW = markup.nothing_yet(
    "Nothing to preview yet", "Go to Choose and press “Preview training set”: the images and the "
    "exact texts appear here.",
)  # fmt: skip


class Choose(Step):
    """Which corrections go in."""

    def __init__(self) -> None:
        usual = PRESETS[USUAL_PRESET].settings
        with section(
            "choose",
            "Which corrections should the model learn?",
            "Only accepted corrections are used. Leave a filter empty to take all of them.",
        ) as self.box:
            super().__init__("Open Corrections", "() => { location.href = './corrections'; }")
            self.task = gr.Dropdown(
                [(spec.label, name) for name, spec in TASKS.items()], value=FIRST_TASK,
                label="Task", filterable=False, visible=len(TASKS) > 1, elem_id="tr-task",
            )  # fmt: skip
            with self.body:
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
                self.preview = gr.Button(
                    "Preview training set", variant="primary", elem_id="tr-show"
                )
                self.plan = RunBox("tr-plan")
        self.form: dict[str, Any] = {**filters, **shares}

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        if not visitor.reads("training previews"):
            text = view.elsewhere(visitor.role, "annotator", "choose corrections")
            return {self.empty: text, self.begin: shown(False), self.body: shown(False)}
        offers: Values = {
            self.form[key]: gr.update(choices=[ALL, *((n, n) for n in names)])
            for key, names in choose.choices(desk.home).items()
        }
        if accepted_count(desk.home, place.task):
            return offers | {self.task: place.task, **self.something()}
        nothing = self.nothing(
            "No correction is accepted yet",
            "A training learns from corrections that somebody has accepted. Make some on the Scene "
            "page, then accept them in Corrections.",
        )
        return {self.task: place.task, **nothing}

    def wire(self, endpoints: Endpoints, page: Any) -> None:
        """Preview the training set, with progress."""
        desk = endpoints.desk

        def planning(visitor: Visitor, values: Values) -> Work:
            form = {name: values[part] for name, part in self.form.items()}
            return choose.planning(desk, form, values[page.place].task)

        def planned(visitor: Visitor, plan: SnapshotPlan) -> Values:
            return page.show(desk, visitor, Place("preview", task=plan.task)) | {
                page.preview.view: view.preview(plan.examples, plan.left_out),
                page.preview.message: "",
                page.preview.use: gr.update(interactive=bool(plan.part("train"))),
            }

        self.plan.wire(
            endpoints, "plan", self.preview.click, "Reading the corrections", planning,
            {*self.form.values(), page.place}, planned, page.everything, concurrency_limit=4,
        )  # fmt: skip

        def chose(visitor: Visitor, values: Values) -> Values:
            task = values[self.task]
            usual = next(iter(configure.presets_of(task).values())).settings
            place = replace(values[page.place], task=task)
            return page.show(desk, visitor, place) | {
                self.form["replay"]: 100 * usual.replay_share,
                self.form["validation"]: 100 * usual.validation_share,
            }

        endpoints.bind(
            self.task.input, "task", chose, {page.place, self.task}, page.everything, page.message,
            **LATEST,
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
            self.view: view.preview(*choose.frozen(desk.home, place.snapshot)),
            self.message: markup.note(f"This snapshot is frozen: {place.snapshot[:12]}."),
            self.use: gr.update(interactive=True),
        }

    def wire(self, endpoints: Endpoints, page: Any) -> None:
        """Freeze what is shown, or use again what is frozen."""
        run = page.choose.plan.run

        def used(visitor: Visitor, values: Values) -> tuple[Place, str]:
            if snapshot := values[page.place].snapshot:
                return Place("configure", "", snapshot), ""
            return choose.freeze_plan(visitor, endpoints.desk, values[run]), ""

        page.bind(endpoints, self.use.click, "use", used, self.message, inputs=[run])


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
        presets = configure.presets_of(task_of(desk.home, place))
        choices = [(p.label, name) for name, p in presets.items()]
        values: Values = {
            self.runner: gr.update(choices=offered, value=usual, info=note),
            self.preset: gr.update(choices=choices),
            self.changed: "",
        }
        if place.retry or USUAL_PRESET not in presets:
            preset = next(iter(presets))
            settings = presets[preset].settings
            if place.retry:
                settings = jobs.job(desk.home, place.retry).settings
                preset = configure.nearest_preset(settings)
            form = configure.form_values(settings)
            values |= self.checked(desk, visitor, place, form, "", preset, fill=True)
            values[self.preset] = gr.update(choices=choices, value=preset)
        text = ""
        if not place.snapshot:
            text = "First choose corrections and preview the training set; then “Use this set”."
        elif not visitor.may("trainer"):
            text = "You may read the settings. To train you need the role trainer."
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
        settings, problems = configure.read_settings(desk.home, place, form)
        chosen = configure.preset_of(preset)
        usual = configure.form_values(chosen.settings)
        values: Values = {self.about: markup.note(chosen.about)}
        for key, part in self.fields.items():
            info, kind = FIELDS[key].meaning, ""
            if key in problems:
                info, kind = f"⚠ {problems[key]}", "tr-wrong"
            elif form[key] != usual[key]:
                info, kind = f"{info} Preset: {setting(usual[key])}.", "tr-differs"
            filled = {"value": form[key]} if fill else {}
            values[part] = gr.update(info=info, elem_classes=["tr-field", kind], **filled)
        if settings is None:
            first = markup.error(next(iter(problems.values())))
            return values | {self.message: first, self.start: gr.update(interactive=False)}
        command, config = configure.recipe(visitor, desk, place, settings, name or "")
        title, heads = "Changed against the preset", ("preset", "now")
        before = chosen.settings
        if place.retry:
            title, heads = "Changed against the job that is tried again", ("before", "now")
            before = jobs.job(desk.home, place.retry).settings
        changed = configure.differences(before, settings, configure.NAMES)
        return values | {
            self.message: "",
            self.start: gr.update(interactive=bool(place.snapshot)),
            self.changed: view.changes(list(changed.values()), title, heads),
            self.command: command,
            self.config: config,
        }

    def wire(self, endpoints: Endpoints, page: Any) -> None:
        """Fields that say at once what is wrong with them, presets, and Train."""
        desk, outputs = endpoints.desk, components(self)
        inputs = {*self.fields.values(), self.name, self.runner, self.preset, page.place}

        def read(values: Values) -> dict[str, Any]:
            return {name: values[part] for name, part in self.fields.items()}

        def checked(visitor: Visitor, values: Values) -> Values:
            place, name, preset = (values[p] for p in (page.place, self.name, self.preset))
            return self.checked(desk, visitor, place, read(values), name, preset)

        def preset(visitor: Visitor, values: Values) -> Values:
            place, name, preset = (values[p] for p in (page.place, self.name, self.preset))
            form = configure.form_values(configure.preset_of(preset).settings)
            return self.checked(desk, visitor, place, form, name, preset, fill=True)

        changes = [part.input for part in self.fields.values()] + [self.name.input]
        for trigger, name, event, how in (
            (partial(gr.on, changes), "check", checked, LATEST),
            (self.recipe.expand, "recipe", checked, {}),
            (self.preset.input, "preset", preset, LATEST),
        ):
            endpoints.bind(trigger, name, event, inputs, outputs, self.message, **how)

        def started(visitor: Visitor, values: Values) -> tuple[Place, str]:
            place, name, runner = (values[p] for p in (page.place, self.name, self.runner))
            return configure.submit(visitor, desk, place, read(values), name, runner), ""

        page.bind(
            endpoints, self.start.click, "start", started, self.message, inputs=inputs,
            cleared={self.name: ""},
        )  # fmt: skip


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
