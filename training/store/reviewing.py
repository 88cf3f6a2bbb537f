"""Decisions about corrections, as events. Each function runs inside a writing transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlite_utils import Database

from inference.checks import check_choice, check_text
from inference.errors import UserError
from training.store.cases import DECIDES, case_id
from training.store.rows import Row, now, one

VERDICTS = ("accept", "reject", "comment", "reopen")
INSERT = (
    "insert into reviews (id, correction, verdict, comment, reviewer, created, undoes)"
    " values (?, ?, ?, ?, ?, ?, ?)"
)
LAST = """
select r.id, r.correction, c.task, c.media from reviews r join corrections c on c.id = r.correction
where r.reviewer = :who and r.created = (
    select created from reviews r2
    where r2.reviewer = :who and r2.verdict in ('accept', 'reject') and r2.undoes is null
      and not exists (select 1 from reviews u where u.undoes = r2.id)
    order by r2.rowid desc limit 1)
  and r.verdict in ('accept', 'reject') and r.undoes is null
  and not exists (select 1 from reviews u where u.undoes = r.id)
order by r.rowid
"""


def withdraw(db: Database, correction: str, author: str) -> None:
    """Raises UserError where it is not there or somebody else's."""
    row = one(db, "select author from corrections where id = ?", [correction])
    if row is None:
        raise _unknown(correction)
    if row["author"] != author:
        raise UserError(
            "Only its author can withdraw a correction", hint="A trainer can reject it instead"
        )
    db.execute("insert or ignore into withdrawals values (?, ?, ?)", [correction, author, now()])


def review(db: Database, ids: Sequence[str], verdict: str, reviewer: str, comment: str) -> int:
    """How many were reviewed. Raises UserError."""
    check_choice(verdict, VERDICTS, "verdict")
    check_text(comment, "comment")
    if verdict == "comment" and not comment.strip():
        raise UserError("The comment is empty", hint="Write something first", field="comment")
    moment, done = now(), 0  # one moment for all: what was done at once is undone at once
    for correction in dict.fromkeys(ids):
        row = one(
            db,
            "select w.created as withdrawn from corrections c"
            " left join withdrawals w on w.correction = c.id where c.id = ?",
            [correction],
        )
        if row is None:
            raise _unknown(correction)
        if row["withdrawn"] is None:
            key = secrets.token_hex(12)
            db.execute(INSERT, [key, correction, verdict, comment, reviewer, moment, None])
            done += 1
    return done


def undo(db: Database, reviewer: str) -> list[str]:
    """The cases whose last decision by this person was taken back. Raises UserError."""
    last: list[Row] = list(db.query(LAST, {"who": reviewer}))
    if not last:
        raise UserError("There is nothing to undo", hint="You accepted or rejected nothing yet")
    moment = now()
    for row in last:
        # Where somebody decided after it, their word stays and this one only counts as undone.
        verdict = _standing(db, row["correction"], row["id"])
        key = secrets.token_hex(12)
        db.execute(INSERT, [key, row["correction"], verdict, "", reviewer, moment, row["id"]])
    return list(dict.fromkeys(case_id(row["task"], row["media"]) for row in last))


def _standing(db: Database, correction: str, without: str) -> str:
    """The decision that holds once `without` is taken back."""
    rows = list(
        db.query(
            "select id, verdict, undoes from reviews where correction = ? order by rowid",
            [correction],
        )
    )
    gone = {row["undoes"] for row in rows} | {without}
    verdicts = [
        row["verdict"]
        for row in rows
        if row["id"] not in gone and row["undoes"] is None and row["verdict"] in DECIDES
    ]
    return verdicts[-1] if verdicts else "reopen"


def _unknown(correction: str) -> UserError:
    return UserError(
        "There is no such correction",
        got=str(correction)[:70],
        hint="It may have been deleted",
        field="correction",
    )
