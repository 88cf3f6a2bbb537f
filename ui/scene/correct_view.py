"""Pieces of HTML for corrections of a scene. Every text that came from a person is escaped here."""

from __future__ import annotations

from html import escape

from inference.registry import task as find_task
from training.store.feedback import Correction
from ui.components.fields import kind_of
from ui.components.markup import sign

VERDICTS = {"right": "That's right", "wrong": "Wrong"}
STATUS = {"open": "waits for review", "accepted": "accepted", "rejected": "rejected"}


def invitation(problem: str | None, hidden: bool) -> str:
    """problem: why the visitor cannot correct, if so. hidden: the answers are not shown yet."""
    said = "The answers appear when you have marked the image." if hidden else ""
    text = problem or said
    return f'<p class="sl-hint">{escape(text)}</p>' if text else ""


def saved(all_mine: int) -> str:
    """What the store has confirmed. all_mine: images with a standing verdict of this visitor."""
    plural = "" if all_mine == 1 else "s"
    return f"Saved. You have corrected {all_mine} image{plural}."


def standing(correction: Correction | None) -> str:
    """This visitor's standing verdict on the image, with its Undo."""
    if correction is None:
        return ""
    fix, task = correction.payload, find_task(correction.task)
    facts = [escape(VERDICTS.get(fix.verdict, task.absent))]
    facts += [kind_of(task.field(k)).words(task.field(k), v) for k, v in fix.values.items()]
    if fix.five_second:
        facts.append("before seeing the answers")
    when = f"{correction.created[:16].replace('T', ' ')} UTC · {STATUS[correction.status]}"
    return (
        f'<div class="sl-mine">{sign("human")}<span>Your verdict: {" · ".join(facts)}</span> '
        f'<span class="sl-quiet">{escape(when)}</span>'
        f'<button type="button" class="sl-small" data-withdraw="{escape(correction.id)}" '
        'aria-label="Undo your verdict">Undo</button></div>'
    )
