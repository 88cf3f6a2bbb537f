"""Pieces of HTML for corrections of a scene. Every text that came from a person is escaped here."""

from __future__ import annotations

from html import escape

from inference.correction import HazardFix
from training.store.feedback import Correction
from ui.components.markup import sign

VERDICTS = {"right": "That's right", "wrong": "The hazard is here", "no_hazard": "No hazard here"}
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
    fix = correction.payload
    assert isinstance(fix, HazardFix)
    facts = [VERDICTS[fix.verdict]]
    if fix.point_px is not None:
        facts.append(f"({fix.point_px[0]:.0f}, {fix.point_px[1]:.0f}) px")
    if fix.hazard_kind:
        facts.append(fix.hazard_kind)
    if fix.five_second:
        facts.append("before seeing the answers")
    said = f"<q>{escape(fix.rationale)}</q>" if fix.rationale else ""
    when = f"{correction.created[:16].replace('T', ' ')} UTC · {STATUS[correction.status]}"
    label = escape(f"Undo: {', '.join(facts)}")
    return (
        f'<div class="sl-mine">{sign("human")}<span>Your verdict: <b>{escape(" · ".join(facts))}'
        f'</b></span> {said}<span class="sl-quiet">{escape(when)}</span>'
        f'<button type="button" class="sl-small" data-withdraw="{escape(correction.id)}" '
        f'aria-label="{label}">Undo</button></div>'
    )
