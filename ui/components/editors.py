"""The component with which a person corrects a field, for each kind of field. What it holds is read
by `ui.components.fields`."""

from __future__ import annotations

import gradio as gr

from inference.fields import Field

TOOLS_JS = "window.sightline.marker.tools(element);"
MARK_JS = "window.sightline.marker.value(props);"
KEYS = (
    "Click the image, or choose Box and drag one. Arrow keys move the mark, with Shift ten times "
    "as far; Esc takes back a step; Enter saves."
)  # fmt: skip
ARROWS = (("Left", "←"), ("Up", "↑"), ("Down", "↓"), ("Right", "→"))


def editor(field: Field) -> gr.components.Component:
    """A point's is the image itself: here are its tools, and the value for the server."""
    if field.kind == "point":
        gr.HTML(_tools(), elem_id="sl-marking", js_on_load=TOOLS_JS)
        return gr.HTML(
            "", html_template="<i></i>", js_on_load=MARK_JS, elem_id="sl-mark-value",
            elem_classes="sl-hidden",
        )  # fmt: skip
    name = f"sl-field-{field.name}"
    if field.kind == "label":
        choices = [(choice.replace("_", " "), choice) for choice in field.choices]
        return gr.Dropdown([("Not said", ""), *choices], value="", label=field.label, elem_id=name)
    label = f"{field.label} (optional)" if field.optional else field.label
    return gr.Textbox(label=label, lines=1, max_lines=6, elem_id=name, elem_classes="sl-draft-text")


def _tools() -> str:
    nudges = "".join(
        f'<button type="button" class="sl-small" data-nudge="Arrow{way}" '
        f'aria-label="Move {way.lower()}">{arrow}</button>'
        for way, arrow in ARROWS
    )
    means = "".join(
        f'<button type="button" class="sl-small" data-means="{name}" aria-pressed="false">'
        f"{name.capitalize()}</button> "
        for name in ("point", "box")
    )
    return (
        f'<div class="sl-mark-tools"><span role="group" aria-label="How to mark">{means}</span>'
        f'<span class="sl-nudges" role="group" aria-label="Move the mark">{nudges}</span>'
        '<button type="button" class="sl-small" data-role="undo" disabled>Undo step</button>'
        f'<b class="sl-mark-where" aria-live="polite"></b></div><p class="sl-hint">{KEYS}</p>'
    )
