"""The Promote step: the rule with its outcome, promoting, overriding, rolling back. No gradio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.errors import UserError
from training.adapters import promotion
from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.proof.comparison import Comparison
from training.proof.comparison import promote as promote_by_rule
from training.store.home import Home
from ui.components.words import when
from ui.shell.desk import Desk
from ui.shell.visitors import READABLE, Visitor, require
from ui.training.handlers.prove import found
from ui.training.views import ConditionView, StepState


@dataclass(frozen=True)
class Standing:
    """What is in use for a task. previous: what a rollback would bring back; None: nothing to
    take back. history: newest first, as texts."""

    in_use: str
    can_roll_back: bool
    history: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Outcome:
    """The rule on one candidate. used: it is in use already."""

    conditions: tuple[ConditionView, ...]
    allowed: bool
    words: str
    used: bool


def outcome(visitor: Visitor, home: Home, job: JobRow) -> Outcome | None:
    """None while there is no proof."""
    require(visitor, READABLE["metrics"], "The outcome of a proof")
    comparison = found(home, job)
    if comparison is None:
        return None
    used = promotion.in_use(home, job.task) == job.name
    verdict = comparison.verdict
    words = f"{job.name} is in use." if used else verdict.words
    conditions = tuple(ConditionView(c.text, c.passed, c.found) for c in verdict.checks)
    # Once in use, its proof compares it with what was in use before: that is the one to show.
    if used:
        kept = _decided(home, job)
        if kept is not None:
            conditions = kept
    return Outcome(conditions, verdict.allowed or used, words, used)


def _decided(home: Home, job: JobRow) -> tuple[ConditionView, ...] | None:
    """The rule as it stood when this adapter was promoted."""
    for decision in promotion.history(home, job.task):
        if decision.adapter == job.name and not decision.is_rollback:
            checks: list[dict[str, Any]] = list(decision.rule.get("checks", []))
            return tuple(ConditionView(c["text"], bool(c["passed"]), c["found"]) for c in checks)
    return None


def standing(visitor: Visitor, home: Home, task: str) -> Standing:
    require(visitor, READABLE["metrics"], "What is in use")
    decisions = promotion.history(home, task)
    return Standing(
        promotion.in_use(home, task) or "the base alone",
        promotion.promoted(home, task) is not None,
        tuple(_said(d, visitor.reads("names of people")) for d in decisions),
    )


def _said(decision: promotion.Decision, named: bool) -> dict[str, str]:
    if decision.is_rollback:
        why = "rolled back" + (f": {decision.overridden}" if decision.overridden else "")
    elif decision.overridden:
        why = f"against the rule: {decision.overridden}"
    else:
        why = "the rule allowed it"
    return {
        "when": when(decision.created), "adapter": decision.adapter or "the base alone",
        "previous": decision.previous or "the base alone", "why": why,
        "author": decision.author if named else "",
    }  # fmt: skip


def promote(visitor: Visitor, desk: Desk, job_id: str, reason: str = "") -> str:
    """Puts the job's adapter into use. reason: why, where the rule says no."""
    require(visitor, "trainer", "Promoting an adapter")
    reason = (reason or "").strip()
    if len(reason) > 2000:
        raise UserError(
            "The reason is too long",
            expected="at most 2,000 characters",
            got=f"{len(reason):,}",
            field="reason",
        )
    name = jobs.job(desk.home, job_id).name
    promote_by_rule(desk.home, name, visitor.name, reason)
    return f"{name} is in use from now on: the Scene page offers it, without a restart."


def override(visitor: Visitor, desk: Desk, job_id: str, reason: str) -> str:
    """As `promote`, against the rule: a reason is needed."""
    require(visitor, "trainer", "Overriding the rule")
    if not (reason or "").strip():
        raise UserError(
            "A promotion against the rule needs a reason",
            expected="a sentence that says why; it is kept",
            field="reason",
        )
    return promote(visitor, desk, job_id, reason)


def rollback(visitor: Visitor, desk: Desk, task: str) -> str:
    require(visitor, "trainer", "Taking a promotion back")
    decision = promotion.rollback(desk.home, task, visitor.name)
    return f"Taken back. {decision.adapter or 'The base alone'} is in use again."


def proof_states(home: Home, job: JobRow) -> dict[str, StepState]:
    """The last two steps' states for the row at the top."""
    comparison = found(home, job)
    if comparison is None:
        waiting = StepState("todo", "after the run")
        if job.state == "done":
            waiting = StepState("bad", "no proof was made")
        return {"prove": waiting, "promote": StepState("todo", "after the proof")}
    return {
        "prove": StepState("done", _change(comparison)),
        "promote": _promote_state(home, job, comparison),
    }


def _change(comparison: Comparison) -> str:
    for change in comparison.changes:
        if (change.kind, change.label) == ("corrected", "all"):
            return f"{change.mean_change.estimate:+.0f} px on corrected"
    return "measured"


def _promote_state(home: Home, job: JobRow, comparison: Comparison) -> StepState:
    if promotion.in_use(home, job.task) == job.name:
        return StepState("done", "in use")
    if comparison.verdict.allowed:
        return StepState("ready", "the rule allows it")
    return StepState("bad", "the rule says no")
