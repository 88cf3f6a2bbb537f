"""The proof of a job as the page shows it: what changed with its interval, the rule's verdict, and
the cases one by one. Reads what `training.proof.run` wrote; computes nothing that needs a model.

The rule. A candidate may be promoted if all of these hold, with 95 % intervals of the mean change
of the error (paired bootstrap, candidate minus current; the base where nothing is in use):

1. corrected: the interval lies below zero on the corrected cases: those kept back from training
   where there are at least KEPT_BACK of them, else all; and there are at least FEWEST cases.
2. held out: the interval does not lie above zero on the held-out scenes, and the mean error did
   not grow by more than MARGIN of what it was. Without the second half a small, noisy set would let
   a large harm pass.
3. unseen: the interval does not lie above zero on the held-out scenes of slices that no built-in
   adapter was trained on, where there are any.
4. now: the comparison was with the adapter that is in use now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from training.adapters import promotion
from training.adapters.promotion import Check, Decision, Verdict
from training.proof.changes import corrected
from training.proof.results import (
    ALL,
    BASE,
    CORRECTED,
    CURRENT,
    FEWEST,
    HELDOUT,
    KEPT,
    UNSEEN,
    CaseResult,
    Change,
)
from training.store.database import connect
from training.store.home import Home
from training.store.rows import one

KEPT_BACK, MARGIN = 10, 0.10
RULE = (
    "Better on the corrected cases: the 95 % interval of the change lies below zero.",
    "Not worse on the held-out scenes: the interval does not lie above zero, and the mean error "
    f"grew by at most {MARGIN:.0%}.",
    "Not worse on held-out scenes of kinds that no built-in adapter was trained on.",
    "Compared with the adapter that is in use now.",
)
# What it means that a condition does not hold.
NO = {
    CORRECTED: "Not clearly better on the corrected cases",
    HELDOUT: "Worse on the held-out scenes",
    UNSEEN: "Worse on kinds that no built-in adapter was trained on",
    "now": "Not compared with what is in use",
}


@dataclass(frozen=True)
class Comparison:
    """All of a job's proof. names: of the sides, by role. headline: the outcome in one sentence."""

    job: str | None
    task: str
    names: Mapping[str, str]
    changes: tuple[Change, ...]
    cases: tuple[CaseResult, ...]
    verdict: Verdict
    headline: str = ""
    created: str = ""


def compare(home: Home, adapter: str, current: str | None) -> Comparison | None:
    """The newest proof of an adapter, None where there is none yet. current: what is in use now
    (`promotion.in_use`)."""
    with connect(home) as db:
        rows = _evaluations(db, adapter)
        if not rows:
            return None
        verdict = verdict_of(db, adapter, current)
    newest = rows.get(HELDOUT) or rows[CORRECTED]
    results = [json.loads(row["result"]) for row in rows.values()]
    changes = corrected([Change.from_json(c) for r in results for c in r["changes"]])
    return Comparison(
        job=newest["job"],
        task=results[0]["task"],
        names=results[0]["names"],
        changes=changes,
        cases=tuple(CaseResult.from_json(r["task"], c) for r in results for c in r["cases"]),
        verdict=verdict,
        headline=headline(_by_label(changes)),
        created=newest["created"],
    )


def picture(home: Home, case: CaseResult) -> Path | None:
    """The file with the case's image, None where it is no longer there."""
    if case.picture is not None:
        path = home.root / case.picture
        return path if path.is_file() else None
    with connect(home) as db:
        row = one(db, "select file from media where hash = ?", [case.media])
    path = home.media / row["file"] if row is not None else home.media
    return path if path.is_file() else None


def _evaluations(db: Database, adapter: str) -> dict[str, dict[str, Any]]:
    """The newest of each name."""
    rows = db.query(
        "select * from evaluations where adapter = ? and name in (?, ?) order by created",
        [adapter, CORRECTED, HELDOUT],
    )
    return {row["name"]: row for row in rows}


def promote(home: Home, adapter: str, author: str, reason: str = "") -> Decision:
    """`training.adapters.promotion.promote` under this rule."""
    return promotion.promote(home, adapter, author, verdict_of, reason)


# ---- the rule -----------------------------------------------------------------------------------


def verdict_of(db: Database, adapter: str, current: str | None) -> Verdict:
    """The rule on the newest proof of the adapter, if `current` is in use now."""
    results = {k: json.loads(row["result"]) for k, row in _evaluations(db, adapter).items()}
    if not results:
        return Verdict(False, (), "There is no proof of this adapter yet.")
    changes = _by_label(Change.from_json(c) for r in results.values() for c in r["changes"])
    first = next(iter(results.values()))
    compared = first["names"].get(CURRENT)
    if compared is None and current is not None and first.get("unfit") == current:
        current = None  # it belongs to another base model, so the base alone is what it is now
    checks = [_better(changes), _not_worse(changes)]
    if (HELDOUT, UNSEEN) in changes:
        checks.append(_unseen(changes[HELDOUT, UNSEEN]))
    checks.append(_with_what_is_in_use(compared, current))
    allowed = all(check.passed for check in checks)
    failed = " ".join(f"{NO[c.name]}: {c.found}" for c in checks if not c.passed)
    words = "The rule allows it: better on the corrected cases and not worse elsewhere."
    return Verdict(
        allowed, tuple(checks), words if allowed else f"The rule says no. {failed}", compared
    )


Changes = Mapping[tuple[str, str], Change]


def _by_label(changes: Iterable[Change]) -> Changes:
    return {(c.kind, c.label): c for c in changes}


def _judged(changes: Changes) -> Change | None:
    """The corrected cases that the rule is about."""
    kept = changes.get((CORRECTED, KEPT))
    return kept if kept is not None and kept.n >= KEPT_BACK else changes.get((CORRECTED, ALL))


def _which(change: Change) -> str:
    return "corrected cases" + (" of the validation set" if change.label == KEPT else "")


def headline(changes: Changes) -> str:
    """The outcome in one sentence: what happened to the corrected cases, and harm elsewhere. It
    begins with "Better" only where nothing else became worse.

    "Not better: corrected cases 31 px worse, interval −13 to +111."
    """
    change = _judged(changes)
    if change is None:
        return "Not measured: there are no corrected cases."
    cases = _which(change)
    low, high = change.mean_change.low, change.mean_change.high
    interval = f"interval {low:+.0f} to {high:+.0f}".replace("-", "−")
    harmed = [
        f"{words} {_by(found)}"
        for label, words in ((ALL, "held-out scenes"), (UNSEEN, "scenes of unseen kinds"))
        if (found := changes.get((HELDOUT, label))) is not None and found.mean_change.low > 0
    ]
    if change.verdict == "too few":
        said = f"Too few to tell: {change.n} {cases}, {_by(change)}"
    else:
        better = "Worse elsewhere" if harmed else "Better"
        outcome = better if high < 0 else "Worse" if low > 0 else "Not better"
        said = f"{outcome}: {cases} {_by(change)}, {interval}"
    return "; ".join([said, *harmed]) + "."


def _by(change: Change) -> str:
    by = round(change.mean_change.estimate)
    return f"{abs(by):,} {change.unit} {'worse' if by > 0 else 'better'}" if by else "unchanged"


def _better(changes: Changes) -> Check:
    change = _judged(changes)
    if change is None:
        return Check(CORRECTED, RULE[0], False, "There are no corrected cases to measure.")
    enough = change.n >= FEWEST
    few = "" if enough else f" Fewer than {FEWEST} cases cannot show anything."
    found = f"{_said(change)} on {change.n} {_which(change)}.{few}"
    return Check(CORRECTED, RULE[0], enough and change.mean_change.high < 0, found)


def _not_worse(changes: Changes) -> Check:
    change = changes.get((HELDOUT, ALL))
    if change is None:
        return Check(HELDOUT, RULE[1], False, "The held-out scenes were not measured.")
    before = change.mean.get(CURRENT, change.mean[BASE]).estimate
    share = change.mean_change.estimate / before if before else 0.0
    passed = change.mean_change.low <= 0 and share <= MARGIN
    found = f"{_said(change)} ({share:+.1%}) on {change.n} held-out scenes."
    return Check(HELDOUT, RULE[1], passed, found)


def _unseen(change: Change) -> Check:
    found = f"{_said(change)} on {change.n} such scenes."
    return Check(UNSEEN, RULE[2], change.mean_change.low <= 0, found)


def _with_what_is_in_use(compared: str | None, current: str | None) -> Check:
    before, now = compared or "the base alone", current or "the base alone"
    if compared == current:
        return Check("now", RULE[3], True, f"Compared with {before}.")
    found = f"Compared with {before}, but {now} is in use now: prove it again."
    return Check("now", RULE[3], False, found)


def _said(change: Change) -> str:
    """ "−41.0 px (−55.0 to −28.0)"."""
    by = change.mean_change
    said = f"{by.estimate:+.1f} {change.unit} ({by.low:+.1f} to {by.high:+.1f})"
    return said.replace("-", "−")
