"""Deciding about corrections: accept, reject, comment, undo, withdraw, many at once, forget. Plain
functions, no gradio. Everything is an event added to what is there; only `forget` deletes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from inference.errors import UserError
from training.store.feedback import Correction, CorrectionFilter, Feedback
from ui.components.words import count
from ui.corrections.address import QueueAddress
from ui.corrections.words import title
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor, require

MAX_COMMENT, MAX_SENT = 2000, 200_000
DONE = {"accept": "Accepted", "reject": "Rejected", "comment": "Commented on"}


@dataclass(frozen=True)
class Outcome:
    """message: what happened, in a sentence. case: the one to show now."""

    message: str
    case: str


@dataclass(frozen=True)
class Bulk:
    """Open corrections that wait for a yes."""

    ids: tuple[str, ...]
    cases: int
    people: int


def decide(visitor: Visitor, desk: Desk, sent: str, verdict: str, comment: str) -> Outcome:
    """Accept or reject the chosen correction, or only comment on it. sent: what the browser showed
    at the moment of the click, JSON with "correction", "case" and "next", the case after it.

    Shows the same case while it has open corrections, then the next one.
    """
    try:
        shown = json.loads(sent[:4000]) if sent else {}
        chosen, case_id, following = (
            str(shown.get(key) or "") for key in ("correction", "case", "next")
        )
    except (ValueError, AttributeError, TypeError):
        chosen = case_id = following = ""
    if not chosen:
        raise UserError("No correction is chosen", hint="Choose a case that somebody corrected")
    comment = (comment or "").strip()
    if len(comment) > MAX_COMMENT:
        raise UserError(
            "The comment is too long",
            expected=f"at most {MAX_COMMENT:,} letters",
            got=f"{len(comment):,}",
            field="comment",
        )
    if verdict == "comment" and not comment:
        raise UserError("The comment is empty", hint="Write something first", field="comment")
    feedback = Feedback(desk.home)
    desk.quota.take(visitor)
    feedback.review([chosen], verdict, visitor.name, comment)
    case = feedback.case(case_id)
    about = next((c for c in case.corrections if c.id == chosen), None)
    whose = f"{about.author}’s correction of {title(case)}" if about else "the correction"
    left = any(c.status == "open" for c in case.corrections)
    stay = verdict == "comment" or left or not following
    return Outcome(f"{DONE[verdict]} {whose}.", case_id if stay else following)


def undo(visitor: Visitor, desk: Desk) -> Outcome:
    """Takes the visitor's last accept or reject back, whole if it was many at once, by new events
    that restore what was there. Again: the one before."""
    feedback = Feedback(desk.home)
    cases = feedback.undo_review(visitor.name)
    where = f" in {len(cases):,} cases" if len(cases) > 1 else ""
    return Outcome(f"Took your last review back{where}.", cases[0])


def withdraw(visitor: Visitor, desk: Desk, correction: str, case: str) -> Outcome:
    """Takes back one's own correction."""
    Feedback(desk.home).withdraw(correction, visitor.name)
    return Outcome("Withdrawn. It stays in the history.", case)


def bulk_of_queue(desk: Desk, where: QueueAddress) -> Bulk:
    """The open corrections that the filters show, on all pages."""
    feedback, wanted = Feedback(desk.home), where.filter
    # A filter by person or day is about corrections, not about their cases.
    fitting = CorrectionFilter(
        status="open", author=wanted.author, since=wanted.since, until=wanted.until
    )
    ids = {c.id for c in feedback.corrections(fitting)}
    found = [c for case in feedback.cases(wanted) for c in case.corrections if c.id in ids]
    return _bulk(found, "The queue has no open correction")


def bulk_of_marked(desk: Desk, sent: str) -> Bulk:
    """The open corrections of the marked cases. sent: JSON list of case ids."""
    try:
        ids = json.loads(sent[:MAX_SENT]) if sent else []
    except ValueError:
        ids = []
    feedback = Feedback(desk.home)
    cases = [feedback.case(str(i)) for i in ids[:5000]] if isinstance(ids, list) else []
    found = [c for case in cases for c in case.corrections if c.status == "open"]
    return _bulk(found, "No marked case has an open correction")


def _bulk(found: Sequence[Correction], nothing: str) -> Bulk:
    if not found:
        raise UserError(nothing, hint="Mark cases with X or their box, or change the filters")
    cases = {(c.task, c.media) for c in found}
    return Bulk(tuple(c.id for c in found), len(cases), len({c.author for c in found}))


def accept_all(visitor: Visitor, desk: Desk, ids: Sequence[str]) -> str:
    """Accepts exactly the corrections that the question was about."""
    if not ids:
        raise UserError("Nothing waits to be accepted", hint="Press one of the two buttons first")
    n = Feedback(desk.home).review(list(ids), "accept", visitor.name)
    return f"Accepted {count(n, 'correction')}."


def forget(visitor: Visitor, desk: Desk, author: str, typed: str) -> str:
    """Deletes all that one person corrected. A trainer may, and the person."""
    if not author:
        raise UserError("No person is chosen", field="person")
    if author != visitor.name or visitor.anonymous:
        require(visitor, "trainer", "Deleting another person’s corrections")
    if (typed or "").strip() != author:
        raise UserError(
            "The name does not match", expected=author, got=(typed or "").strip() or "nothing",
            field="typed",
        )  # fmt: skip
    gone = Feedback(desk.home).forget(author)
    said = ", ".join(f"{n:,} {what}" for what, n in gone.items() if n)
    return f"Deleted: {said or 'nothing was there'}."
