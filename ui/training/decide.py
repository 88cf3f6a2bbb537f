"""The steps after a job: Prove and Promote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from training.proof.comparison import picture
from training.proof.results import CaseResult
from ui.components import markup
from ui.components.choosers import clicks
from ui.components.endpoints import Endpoints, Values, components
from ui.components.runbox import RunBox
from ui.components.thumbnails import small
from ui.shell.desk import Desk
from ui.shell.events import MODEL_QUEUE, asked
from ui.shell.runs import Work
from ui.shell.visitors import Visitor
from ui.training import proof_view
from ui.training.handlers import promote, prove
from ui.training.handlers.place import Place, job_of, task_of
from ui.training.handlers.run import prove_again
from ui.training.parts import Step, section, shown

TO_RUN_JS = "() => document.querySelector('[data-step=run]').click()"
TO_MAPS_JS = "() => document.querySelector('#tr-maps-head').scrollIntoView()"
ZOOM_JS = "window.sightline.panels.attach(element, watch);"


class Prove(Step):
    """Is it better: one sentence, the forest plot, the cases, and maps of one of them."""

    def __init__(self) -> None:
        with section(
            "prove",
            "Is it better?",
            "Base, current and new adapter on scenes that no training ever sees, and on the "
            "corrected cases.",
        ) as self.box:
            super().__init__("Go to the job", TO_RUN_JS)
            with self.body:
                self.outcome = gr.HTML(elem_id="tr-outcome")
                self.again = gr.Button("Prove again", size="md", visible=False, elem_id="tr-again")
                gr.HTML(
                    markup.heading(
                        "Maps before and after",
                        "Press a case below. Attention, from the same forced answer (the base's) "
                        "with both adapters; after a training of the head alone, the head's "
                        "heatmaps. Held-out cases are controls: nobody corrected them.",
                    ),
                    elem_id="tr-maps-head",
                )
                self.compare = RunBox("tr-compare")
                with gr.Row(visible=False, elem_id="tr-maps", equal_height=False) as self.maps:
                    self.panels = {
                        i: gr.HTML(min_width=300, js_on_load=ZOOM_JS, elem_classes="tr-map")
                        for i in range(2)
                    }
                self.note = gr.HTML(elem_id="tr-maps-note")
                self.gallery = gr.HTML(elem_id="tr-gallery", js_on_load=clicks("case"))
            self.asked_case = asked("case")

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        """What only a change of the step or the job sets."""
        return {self.maps: shown(False), self.compare.progress: "", self.note: ""}

    def watched(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        job = job_of(desk.home, place)
        found = prove.proof(visitor, desk.home, job) if job is not None else None
        if job is None or found is None:
            return self.unproven(job, "There is no proof yet")

        def thumbnail(case: CaseResult) -> str:
            return small(picture(desk.home, case))

        return self.something() | {
            self.again: shown(job.state == "done"),
            self.outcome: proof_view.outcome(found),
            self.gallery: proof_view.gallery(found.cases, found.names, thumbnail),
        }

    def wire(self, endpoints: Endpoints, page: Any) -> None:
        """Prove again, and the maps of the case that is pressed."""
        desk = endpoints.desk

        def again(visitor: Visitor, values: Values) -> tuple[Place, str]:
            place = values[page.place]
            return replace(place, step="run"), prove_again(desk.home, place.job)

        page.bind(endpoints, self.again.click, "prove_again", again, page.message)

        def comparing(visitor: Visitor, values: Values) -> Work:
            job = job_of(desk.home, values[page.place])
            return prove.comparing(visitor, desk, job, values[self.asked_case] or "")

        def drawn(visitor: Visitor, result: tuple[list[str], str]) -> Values:
            panels, said = result
            values: Values = {self.maps: shown(True), self.note: markup.note(said)}
            return values | {part: panels[i] for i, part in self.panels.items()}

        self.gallery.select(None, js=TO_MAPS_JS)
        self.compare.wire(
            endpoints, "compare", self.gallery.select, "Waiting for the model", comparing,
            {page.place, self.asked_case}, drawn, components(self),
            concurrency_id=MODEL_QUEUE, concurrency_limit=1,
        )  # fmt: skip


class Promote(Step):
    """The rule, and what is in use from now on."""

    def __init__(self) -> None:
        with section(
            "promote",
            "Should it be used?",
            "A new adapter goes into use only if it is better where it should be and not worse "
            "elsewhere. A trainer may override the rule, and says why.",
        ) as self.box:
            super().__init__("Go to the job", TO_RUN_JS)
            with self.body:
                self.rule = gr.HTML(elem_id="tr-rule")
                self.promote = gr.Button(
                    "Promote", variant="primary", visible=False, elem_id="tr-use-it"
                )
                with gr.Row(equal_height=False):
                    self.reason = gr.Textbox(
                        label="Reason for overriding the rule (stored with the decision)", lines=2,
                        scale=4, elem_id="tr-reason", visible=False,
                    )  # fmt: skip
                    self.override = gr.Button(
                        "Override and promote", scale=1, visible=False, elem_id="tr-override"
                    )
            self.message = gr.HTML(elem_id="tr-promote-message")
            self.in_use = gr.HTML(elem_id="tr-in-use")
            self.rollback = gr.Button("Roll back", visible=False, elem_id="tr-rollback")
            self.history = gr.HTML(elem_id="tr-history")

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        return {}

    def watched(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        used, before, decisions = promote.standing(visitor, desk, task_of(desk.home, place))
        values: Values = {
            self.in_use: markup.facts([("In use now", used)]),
            self.rollback: shown(before is not None, value=f"Roll back to {before}"),
            self.history: proof_view.history(decisions),
        }
        job = job_of(desk.home, place)
        outcome = promote.outcome(visitor, desk.home, job) if job is not None else None
        if outcome is None:
            return values | self.unproven(job, "There is nothing to decide yet")
        verdict, in_use = outcome
        against = shown(not verdict.allowed and not in_use)
        return values | self.something() | {
            self.rule: proof_view.rule(verdict), self.reason: against, self.override: against,
            self.promote: shown(verdict.allowed and not in_use),
        }  # fmt: skip

    def wire(self, endpoints: Endpoints, page: Any) -> None:
        """Promote, override, roll back."""
        desk = endpoints.desk
        Act = Callable[[Visitor, Place, str], str]

        def deciding(act: Act, visitor: Visitor, values: Values) -> tuple[Place, str]:
            place = values[page.place]
            return place, act(visitor, place, values[self.reason])

        acts: tuple[tuple[gr.Button, str, Act], ...] = (
            (self.promote, "promote", lambda who, at, why: promote.promote(who, desk, at.job)),
            (self.override, "override",
             lambda who, at, why: promote.override(who, desk, at.job, why)),
            (self.rollback, "rollback",
             lambda who, at, why: promote.rollback(who, desk, task_of(desk.home, at))),
        )  # fmt: skip
        for button, name, act in acts:
            page.bind(
                endpoints, button.click, name, partial(deciding, act), self.message,
                inputs=[self.reason], cleared={self.reason: ""},
            )  # fmt: skip
