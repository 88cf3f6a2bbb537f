"""Which adapter serves a task: promoted, rolled back, and by whom. Append-only.

Knows the decisions, not the rule that they rest on (`training.proof.comparison`). No torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from inference.adapters import validate_adapter
from inference.errors import UserError
from training.adapters.folders import adapter_folder, default_name
from training.store.database import connect
from training.store.home import Home
from training.store.rows import now, one, writing

ROLLBACK = "rollback"


@dataclass(frozen=True)
class Check:
    """One condition of the rule. text: what it asks. found: what came out."""

    name: str
    text: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Verdict:
    """What the rule says, condition by condition. compared_with: what was in use in the proof."""

    allowed: bool
    checks: tuple[Check, ...]
    words: str
    compared_with: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "allowed": self.allowed,
            "words": self.words,
            "compared_with": self.compared_with,
            "checks": [vars(check) for check in self.checks],
        }


# (database, candidate, adapter in use or None) -> the verdict
Rule = Callable[[Database, str, str | None], Verdict]


@dataclass(frozen=True)
class Decision:
    """One promotion or rollback.

    adapter: in use since then; "" for none. previous: in use before. rule: what was compared and
    the outcome, as a Verdict's JSON, or {"rollback": id of the promotion that it takes back}.
    overridden: the reason given, where the rule said no (or for a rollback).
    """

    id: int
    task: str
    adapter: str
    previous: str | None
    rule: Mapping[str, Any]
    overridden: str
    author: str
    created: str

    @property
    def is_rollback(self) -> bool:
        return ROLLBACK in self.rule


def history(home: Home, task: str) -> list[Decision]:
    """The newest first."""
    with connect(home) as db:
        return _history(db, task)[::-1]


def promoted(home: Home, task: str) -> str | None:
    """Name of the adapter that was promoted for the task and not taken back, or None."""
    with connect(home) as db:
        return _top(_standing(_history(db, task)))


def in_use(home: Home, task: str, db: Database | None = None) -> str | None:
    """The promoted adapter, else the default one, else None (the base alone)."""
    name = promoted(home, task) if db is None else _top(_standing(_history(db, task)))
    if name is not None and adapter_folder(home, name) is not None:
        return name
    return default_name(task)


def promote(home: Home, adapter: str, author: str, rule: Rule, reason: str = "") -> Decision:
    """Make a trained adapter the one in use for its task, from now on and on all pages.

    The rule is asked again inside the transaction, so that nobody promotes on figures that no
    longer hold. reason: needed where the rule says no; it is kept. Raises UserError: there is no
    such adapter, its files are not whole, it is already in use, or the rule says no and there is no
    reason (field "reason").
    """
    with connect(home) as db, writing(db):
        row = one(db, "select task from adapters where name = ?", [adapter])
        folder = adapter_folder(home, adapter)
        if row is None or folder is None:
            raise UserError(
                "There is no such trained adapter",
                expected="one that a job made",
                got=adapter[:100],
                field="adapter",
            )
        validate_adapter(folder)
        task, current = row["task"], in_use(home, row["task"], db)
        if current == adapter:
            raise UserError("This adapter is already in use", got=adapter, field="adapter")
        verdict = rule(db, adapter, current)
        if not verdict.allowed and not reason.strip():
            raise UserError(
                "The rule does not allow this promotion",
                got=verdict.words,
                hint="Give the reason why it should be used all the same; it is kept",
                field="reason",
            )
        overridden = "" if verdict.allowed else reason.strip()
        return _decide(db, task, adapter, current, verdict.to_json(), overridden, author)


def rollback(home: Home, task: str, author: str, reason: str = "") -> Decision:
    """Take the last promotion back: what was in use before it is in use again. Done twice, it takes
    back the one before, and so on. Raises UserError: nothing is promoted."""
    with connect(home) as db, writing(db):
        standing = _standing(_history(db, task))
        if not standing:
            raise UserError("Nothing is promoted, so there is nothing to take back", got=task)
        last = standing[-1]
        before = _top(standing[:-1]) or default_name(task) or ""
        rule = {ROLLBACK: last.id}
        return _decide(db, task, before, last.adapter, rule, reason.strip(), author)


def _decide(
    db: Database,
    task: str,
    adapter: str,
    previous: str | None,
    rule: Mapping[str, Any],
    overridden: str,
    author: str,
) -> Decision:
    cursor = db.execute(
        "insert into promotions (task, adapter, previous, rule, overridden, author, created)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        [task, adapter, previous, json.dumps(rule), overridden, author, now()],
    )
    made = one(db, "select * from promotions where id = ?", [cursor.lastrowid])
    assert made is not None
    return _as_decision(made)


def _history(db: Database, task: str) -> list[Decision]:
    rows = db.query("select * from promotions where task = ? order by id", [task])
    return [_as_decision(row) for row in rows]


def _standing(decisions: list[Decision]) -> list[Decision]:
    """The promotions that were not taken back, oldest first."""
    gone = {d.rule[ROLLBACK] for d in decisions if d.is_rollback}
    return [d for d in decisions if not d.is_rollback and d.id not in gone]


def _top(standing: list[Decision]) -> str | None:
    return standing[-1].adapter if standing else None


def _as_decision(row: Mapping[str, Any]) -> Decision:
    return Decision(**{**row, "rule": json.loads(row["rule"])})
