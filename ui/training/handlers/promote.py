"""The Promote step: the rule with its outcome, promoting, overriding, rolling back. No gradio."""

from __future__ import annotations

from dataclasses import replace

from inference.errors import UserError
from inference.registry import TASKS
from training.adapters import promotion
from training.adapters.promotion import Decision
from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.proof.comparison import Check, Verdict
from training.proof.comparison import promote as promote_by_rule
from training.store.home import Home
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor
from ui.training.handlers.prove import proof

BASE_ALONE = "the base alone"


def outcome(visitor: Visitor, home: Home, job: JobRow) -> tuple[Verdict, bool] | None:
    """The rule on the job's adapter, and whether it is in use already; None while there is no
    proof."""
    comparison = proof(visitor, home, job)
    if comparison is None:
        return None
    verdict = comparison.verdict
    if promotion.in_use(home, job.task) != job.name:
        return verdict, False
    # Its proof compares it with what was in use before: the rule as it stood when it was promoted.
    for decision in promotion.history(home, job.task):
        if decision.adapter == job.name and not decision.is_rollback:
            checks = tuple(Check(**check) for check in decision.rule.get("checks", []))
            verdict = replace(verdict, checks=checks)
            break
    return replace(verdict, allowed=True, words=f"{job.name} is in use."), True


def standing(visitor: Visitor, desk: Desk, task: str) -> tuple[str, str | None, list[Decision]]:
    """What the pages use now, what a rollback would bring back (None: nothing to roll back), and
    the decisions, newest first."""
    decisions = promotion.history(desk.home, task)
    if not visitor.reads("names of people"):
        decisions = [replace(decision, author="") for decision in decisions]
    before = None
    if (promoted := promotion.promoted(desk.home, task)) is not None:
        made = next(d for d in decisions if d.adapter == promoted and not d.is_rollback)
        before = made.previous or BASE_ALONE
    first = task == next(iter(TASKS))
    used = desk.services.default_adapter() if first else promotion.in_use(desk.home, task)
    return used or BASE_ALONE, before, decisions


def promote(visitor: Visitor, desk: Desk, job_id: str, reason: str = "") -> str:
    """Puts the job's adapter into use. reason: why, where the rule says no."""
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
    if not (reason or "").strip():
        raise UserError(
            "A promotion against the rule needs a reason",
            expected="a sentence that says why; it is stored",
            field="reason",
        )
    return promote(visitor, desk, job_id, reason)


def rollback(visitor: Visitor, desk: Desk, task: str) -> str:
    decision = promotion.rollback(desk.home, task, visitor.name)
    return f"Rolled back. {decision.adapter or 'The base alone'} is in use again."
