"""Pieces of HTML for corrections of a scene. Every text that came from a person is escaped here.

Knows no gradio: strings in, strings out. ui/scene/scene_correct.js gives the editor its life.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from inference.fields import Label, Point, Text
from training.store.feedback import Correction
from ui.components.markup import sign

VERDICTS = {"right": "That's right", "wrong": "The hazard is here", "none": "No hazard here"}
BIG_PX = 1280  # a wider picture is nudged by more than a pixel, or nothing would be seen
STATUS = {"open": "waits for review", "accepted": "accepted", "rejected": "rejected"}
# A thick plus with a white edge, as ui.components.figures draws it.
CROSS = (
    '<svg viewBox="0 0 26 26" width="26" height="26" aria-hidden="true"><path d="M10 2h6v8h8v6h-8v8'
    'h-6v-8h-8v-6h8z" fill="#2E8B57" stroke="#fff" stroke-width="2"/></svg>'
)


def editor(
    picture_url: str,
    size_wh: tuple[int, int],
    draft: str,
    shown: Mapping[str, Point],
    wait_s: int = 0,
) -> str:
    """The picture to mark.

    draft: which draft the browser shall show. shown: points of the sides to draw, none in the
    five-second mode. wait_s: seconds before a mark can be made.
    """
    width, height = size_wh
    signs = "".join(_placed(kind, point, size_wh) for kind, point in shown.items())
    waiting = '<p class="sl-mark-wait" role="status"></p>' if wait_s else ""
    wait = f' data-wait="{wait_s}"' if wait_s else ""
    step = max(1, round(width / BIG_PX))  # as in ui/scene/scene_correct.js
    keys = (
        "Click the hazard, or choose Box and drag one round it. Arrow keys move the mark by "
        f"{step} px, with Shift by {10 * step}; Esc takes back a step."
    )
    name = f"Picture to mark, {width} by {height} pixels. {keys}"
    return (
        f'<div class="sl-mark" data-case="{escape(draft)}" data-width="{width}" '
        f'data-height="{height}"{wait}>{waiting}'
        f'<div class="sl-mark-picture" tabindex="0" role="application" aria-label="{escape(name)}" '
        f'style="--sl-wh:{width / height:.4f}">'
        f'<img src="{escape(picture_url)}" alt="" draggable="false">{signs}'
        '<div class="sl-mark-box" hidden></div>'
        f'<span class="sl-mark-cross" hidden>{CROSS}</span></div>'
        '<div class="sl-mark-tools"><span role="group" aria-label="How to mark">'
        '<button type="button" class="sl-small" data-mode="point" aria-pressed="true">Point'
        '</button> <button type="button" class="sl-small" data-mode="box" aria-pressed="false">Box'
        '</button></span><button type="button" class="sl-small" data-role="undo" disabled>'
        'Undo step</button><b class="sl-mark-where" aria-live="polite"></b></div>'
        f'<p class="sl-hint">{keys}</p></div>'
    )


def _placed(kind: str, point: Point, size_wh: tuple[int, int]) -> str:
    left, top = 100 * point.x_px / size_wh[0], 100 * point.y_px / size_wh[1]
    name = {"base": "Base", "finetuned": "Fine-tuned"}[kind]
    return (
        f'<span class="sl-mark-side" style="left:{left:.3f}%;top:{top:.3f}%" '
        f'title="{name}: ({point.x_px:.0f}, {point.y_px:.0f}) px">{sign(kind)}</span>'
    )


def invitation(about: str, problem: str | None, hidden: bool = False) -> str:
    """The heading of the corrections. about: whose answer is judged. problem: why the visitor
    cannot correct, if so. hidden: the answers are not shown yet."""
    title = "Where is the hazard?" if hidden else "Is that right?"
    kept = "what you say is kept for review and training"
    note = f"the answers appear when you have said; {kept}" if hidden else f"about {about}; {kept}"
    return (
        f'<h3 class="sl-panel-title">{sign("human")}{title}'
        f'<span class="sl-quiet">{escape(problem or note)}</span></h3>'
    )


def saved(all_mine: int, here: int) -> str:
    """What the store has confirmed."""
    plural = "" if all_mine == 1 else "s"
    return f"Saved. {all_mine} correction{plural} by you, {here} of this picture."


def withdrawn(all_mine: int) -> str:
    plural = "" if all_mine == 1 else "s"
    return f"Withdrawn. {all_mine} correction{plural} by you."


def mine(corrections: Sequence[Correction]) -> str:
    """This visitor's corrections of the picture, newest first, each with its Undo."""
    if not corrections:
        return ""
    rows = "".join(_row(correction) for correction in corrections)
    return (
        '<section class="sl-mine" aria-label="Your corrections of this picture">'
        f"<h4>Your corrections of this picture</h4><ul>{rows}</ul></section>"
    )


def _row(correction: Correction) -> str:
    fix = correction.payload
    facts, said = [VERDICTS[fix.verdict]], ""
    for value in fix.values.values():
        if isinstance(value, Point):
            facts.append(f"({value.x_px:.0f}, {value.y_px:.0f}) px")
        if isinstance(value, Label):
            facts.append(value.value)
        if isinstance(value, Text):
            said += f"<q>{escape(value.text)}</q>"
    if fix.five_second:
        facts.append("before seeing the answers")
    when = f"{correction.created[:16].replace('T', ' ')} UTC · {STATUS[correction.status]}"
    label = escape(f"Undo: {', '.join(facts)}")
    return (
        f"<li>{sign('human')}<span><b>{escape(' · '.join(facts))}</b> "
        f'<span class="sl-quiet">{escape(when)}</span>{said}</span>'
        f'<button type="button" class="sl-small" data-withdraw="{escape(correction.id)}" '
        f'aria-label="{label}">Undo</button></li>'
    )
