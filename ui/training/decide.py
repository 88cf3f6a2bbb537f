"""The steps after a job: Prove and Promote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from training.proof.comparison import picture
from ui.components import markup
from ui.components.thumbnails import small
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE, MODEL_QUEUE, asked, clicks
from ui.shell.runs import Run
from ui.shell.visitors import Visitor
from ui.training import proof_view
from ui.training.handlers import promote, prove
from ui.training.handlers.place import Place, job_of, task_of
from ui.training.handlers.run import prove_again
from ui.training.parts import (
    RunBox,
    Values,
    components,
    nothing_proven,
    plot_value,
    section,
    shown,
    telling,
)

TO_RUN = "() => document.querySelector('[data-step=run]').click()"


class Prove:
    """Is it better: one sentence, the forest plot, the cases, and maps of one of them."""

    def __init__(self) -> None:
        with section(
            "prove",
            "Is it better?",
            "Base, current and new adapter on scenes that no training ever sees, and on the "
            "corrected cases.",
        ) as self.box:
            self.empty = gr.HTML()
            self.begin = gr.Button("Go to the job", variant="primary", visible=False)
            with gr.Column(visible=False, elem_classes="tr-section") as self.body:
                self.outcome = gr.HTML(elem_id="tr-outcome")
                self.again = gr.Button("Prove again", size="md", visible=False, elem_id="tr-again")
                self.gallery = gr.HTML(elem_id="tr-gallery", js_on_load=clicks("case"))
                gr.HTML(
                    markup.heading(
                        "Maps before and after",
                        "Attention, from the same forced answer (the base's) with both adapters; "
                        "after a training of the head alone, the head's heatmaps. Controls are "
                        "scenes that nobody corrected.",
                    )
                )
                with gr.Row(equal_height=False):
                    self.case = gr.Dropdown(label="Case", scale=4, elem_id="tr-case")
                    compare = gr.Button(
                        "Compare the maps", variant="primary", scale=1, elem_id="tr-compare"
                    )
                    stop = gr.Button("Cancel", variant="stop", visible=False, scale=1)
                self.compare = RunBox(compare, stop, gr.HTML(elem_id="tr-compare-progress"))
                titles, plots = [], []
                with gr.Row(
                    visible=False, elem_id="tr-maps-panels", equal_height=False
                ) as self.maps:
                    for _ in range(2):
                        with gr.Column(min_width=300, elem_classes="sl-panel"):
                            titles.append(gr.HTML())
                            plots.append(
                                gr.Plot(show_label=False, container=False, elem_classes="sl-plot")
                            )
                self.note = gr.HTML(elem_id="tr-maps-note")
            self.asked_case = asked("case")
        self.titles, self.plots = dict(enumerate(titles)), dict(enumerate(plots))

    def values(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        """What only a change of the step or the job sets."""
        return {self.maps: shown(False), self.compare.progress: "", self.note: ""}

    def watched(self, desk: Desk, visitor: Visitor, place: Place) -> Values:
        job = job_of(desk.home, place)
        found = prove.proof(visitor, desk.home, job) if job is not None else None
        if job is None or found is None:
            return nothing_proven(self, job, "There is no proof yet")
        offered = prove.choices(found.cases)

        def thumbnail(case: Any) -> str:
            return small(picture(desk.home, case))

        return {
            self.empty: "",
            self.begin: shown(False),
            self.body: shown(True),
            self.again: shown(job.state == "done"),
            self.outcome: proof_view.outcome(found),
            self.gallery: proof_view.gallery(found.cases, found.names, thumbnail),
            self.case: gr.update(choices=offered, value=offered[0][1] if offered else None),
        }

    def drawn(self, pair: prove.MapsPair) -> Values:
        what = "head's heatmap" if pair.head else "attention"
        style = markup.aspect_style("tr-maps-panels", pair.aspect)
        values: Values = {
            self.maps: shown(True),
            self.note: markup.note(pair.said) + style,
            self.case: pair.case,
        }
        for i, when in enumerate(("Before", "After")):
            title = markup.panel_title("finetuned", f"{when}: {what}", pair.names[i])
            values |= {self.titles[i]: title, self.plots[i]: plot_value(pair.plots[i])}
        return values

    def wire(self, desk: Desk, page: Any) -> None:
        """Prove again, and the maps of one case on request."""
        self.begin.click(None, js=TO_RUN)

        @telling(self.compare.progress)
        def again(place: Place, request: gr.Request) -> Values:
            visitor = desk.visitor(request)
            text = prove_again(visitor, desk, place.job)
            there = page.show(desk, visitor, place.at("run"))
            return there | {page.run.message: markup.note(text)}

        self.again.click(
            again, page.place, page.everything, api_name="training_prove_again", **AT_ONCE
        )

        def begun(place: Place, case: str | None, former: str, request: gr.Request) -> Run:
            job = job_of(desk.home, place)
            run = prove.begin_maps(desk.visitor(request), desk, job, case or "")
            desk.runs.supersede(former)
            return run

        def drawn(visitor: Visitor, pair: prove.MapsPair) -> Values:
            return self.drawn(pair)

        box, name = self.compare, "training_compare"
        starts = [
            (box.button.click, name, begun, [page.place, self.case, box.run]),
            (self.gallery.select, "training_case", begun, [page.place, self.asked_case, box.run]),
        ]
        box.wire(
            desk, name, starts, prove.start_maps, drawn, components(self),
            concurrency_id=MODEL_QUEUE, concurrency_limit=1,
        )  # fmt: skip


class Promote:
    """The rule, and what is in use from now on."""

    def __init__(self) -> None:
        with section(
            "promote",
            "Should it be used?",
            "A new adapter goes into use only if it is better where it should be and not worse "
            "elsewhere. A trainer may override the rule, and says why.",
        ) as self.box:
            self.empty = gr.HTML()
            self.begin = gr.Button("Go to the job", variant="primary", visible=False)
            with gr.Column(visible=False, elem_classes="tr-section") as self.body:
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
            return values | nothing_proven(self, job, "There is nothing to decide yet")
        against = not outcome.allowed and not outcome.used
        return values | {
            self.empty: "",
            self.begin: shown(False),
            self.body: shown(True),
            self.rule: proof_view.rule(outcome),
            self.promote: shown(outcome.allowed and not outcome.used),
            self.reason: shown(against),
            self.override: shown(against),
        }

    def wire(self, desk: Desk, page: Any) -> None:
        """Promote, override, roll back."""
        self.begin.click(None, js=TO_RUN)

        def deciding(
            act: Callable[[Visitor, Place, str], str],
        ) -> Callable[[Place, str, gr.Request], Values]:
            @telling(self.message)
            def decided(place: Place, reason: str, request: gr.Request) -> Values:
                visitor = desk.visitor(request)
                said = act(visitor, place, reason)
                values = page.show(desk, visitor, place)
                return values | {self.message: markup.note(said), self.reason: ""}

            return decided

        acts: tuple[tuple[gr.Button, str, Callable[[Visitor, Place, str], str]], ...] = (
            (self.promote, "promote", lambda who, at, why: promote.promote(who, desk, at.job)),
            (self.override, "override",
             lambda who, at, why: promote.override(who, desk, at.job, why)),
            (self.rollback, "rollback",
             lambda who, at, why: promote.rollback(who, desk, task_of(desk.home, at))),
        )  # fmt: skip
        for button, name, act in acts:
            button.click(
                deciding(act), [page.place, self.reason], page.everything,
                api_name=f"training_{name}", **AT_ONCE,
            )  # fmt: skip
