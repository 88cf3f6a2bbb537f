"""The components of the Scene tab's corrections. Only builds; `ui.scene.correct` binds."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from inference.tasks.hazard import HAZARD_KINDS

EDITOR_JS = "window.sightline.marker.editor(element, watch);"
MARK_JS = "window.sightline.marker.value(props);"
MINE_JS = "window.sightline.marker.mine(element, (id) => trigger('select', {id: id}));"


@dataclass(frozen=True)
class CorrectPart:
    """Saying what is right, and taking it back.

    mark: what is marked, as JSON that the browser writes. veiled: id of the result whose answers
    are hidden until the person has answered, or "".
    """

    box: gr.Column
    invitation: gr.HTML
    verdicts: gr.Row
    wrong: gr.Button
    right: gr.Button
    nothing: gr.Button
    place: gr.Row
    picture: gr.HTML
    mark: gr.HTML
    mark_message: gr.HTML
    kind: gr.Dropdown
    rationale: gr.Textbox
    save: gr.Button
    none_here: gr.Button
    close: gr.Button
    reveal: gr.Button
    message: gr.HTML
    mine: gr.HTML
    veiled: gr.State


def build_correct() -> CorrectPart:
    with gr.Column(visible=False, elem_id="sl-correct") as box:
        invitation = gr.HTML()
        with gr.Row(elem_id="sl-verdicts") as verdicts:
            wrong = gr.Button("That's wrong: click the right point", elem_id="sl-wrong")
            right = gr.Button("That's right", elem_id="sl-right")
            nothing = gr.Button("No hazard here", elem_id="sl-nothing")
        with gr.Row(visible=False, elem_id="sl-editor", equal_height=False) as place:
            with gr.Column(scale=3, min_width=300):
                picture = gr.HTML(elem_id="sl-marking", js_on_load=EDITOR_JS)
                # Its value is for the server only: the template shows nothing.
                mark = gr.HTML(
                    "", html_template="<i></i>", js_on_load=MARK_JS, elem_id="sl-mark-value",
                    elem_classes="sl-hidden",
                )  # fmt: skip
                mark_message = gr.HTML(elem_id="sl-mark-message")
            with gr.Column(scale=2, min_width=300):
                kind = gr.Dropdown(
                    [("Not said", ""), *((k.replace("_", " "), k) for k in HAZARD_KINDS)], value="",
                    label="What is the hazard?", elem_id="sl-kind",
                )  # fmt: skip
                rationale = gr.Textbox(
                    label="Why? (optional)", lines=3, max_lines=8, elem_id="sl-rationale",
                    placeholder="The child between the parked cars may step out",
                )  # fmt: skip
                with gr.Row(elem_id="sl-save-row"):
                    save = gr.Button("Save", variant="primary", elem_id="sl-save")
                    none_here = gr.Button("No hazard here", elem_id="sl-none", visible=False)
                    close = gr.Button("Close", elem_id="sl-close")
                    reveal = gr.Button(
                        "Show the answers without marking", elem_id="sl-reveal", visible=False
                    )
        message = gr.HTML(elem_id="sl-correct-message")
        mine = gr.HTML(elem_id="sl-mine", js_on_load=MINE_JS)
    return CorrectPart(
        box, invitation, verdicts, wrong, right, nothing, place, picture, mark, mark_message, kind,
        rationale, save, none_here, close, reveal, message, mine, veiled=gr.State(""),
    )  # fmt: skip
