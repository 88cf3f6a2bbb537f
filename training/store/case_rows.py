"""Rows of the feedback tables to and from the store's types, and the SQL of its filters."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlite_utils import Database

from inference.correction import Fix, fix_from_json
from inference.errors import UserError
from inference.registry import TASKS
from inference.registry import task as find_task
from training.store.cases import (
    Case,
    CaseFilter,
    Correction,
    CorrectionFilter,
    Media,
    Review,
    StoredPrediction,
)

Row = Mapping[str, Any]
Clause = tuple[str, list[Any]]


def to_json(value: object) -> str:
    """Compact, and without nan, which JSON does not have."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parsed(text: str | None) -> Any:
    """JSON; None for none. Short cuts for what most rows hold."""
    if text is None or text == "null":
        return None
    return {} if text == "{}" else json.loads(text)


@lru_cache(maxsize=20_000)
def _payload(task: str, text: str) -> Fix:
    """They never change, and a page reads the same ones again and again."""
    return fix_from_json(task, json.loads(text))


def media_of(row: Row) -> Media:
    return Media(**{**row, "slices": tuple(json.loads(row["slices"]))})


def prediction_of(row: Row) -> StoredPrediction:
    values = {k: parsed(row[k]) for k in ("base", "finetuned", "settings", "truth")}
    values["truth"] = find_task(row["task"]).values(values["truth"])
    return StoredPrediction(**{**row, **values})


def correction_of(row: Row, reviews: Sequence[Review]) -> Correction:
    return Correction(
        id=row["id"],
        task=row["task"],
        media=row["media"],
        prediction=row["prediction"],
        payload=_payload(row["task"], row["payload"]),
        before=parsed(row["before"]),
        author=row["author"],
        client=parsed(row["client"]),
        created=row["created"],
        reviews=tuple(reviews),
        withdrawn=row["withdrawn"],
    )


# ---- filters ----------------------------------------------------------------------------------

ADAPTER = (
    "exists (select 1 from predictions p where p.media = c.media and p.task = c.task"
    " and p.adapter = ?)"
)
SLICE = (
    "exists (select 1 from media m, json_each(m.slices) s where m.hash = c.media and s.value = ?)"
)

REVIEWED = "exists (select 1 from reviews r where r.correction = c.id and r.verdict = ?)"


def clause(wanted: CaseFilter | CorrectionFilter) -> Clause:
    """A condition on corrections `c`; what is derived (status, disagreement) is not in it."""
    parts: list[tuple[str, Any]] = [
        ("c.task = ?", wanted.task),
        ("c.author = ?", wanted.author),
        (ADAPTER, wanted.adapter),
        (SLICE, wanted.slice),
        ("c.created >= ?", wanted.since),
    ]
    if isinstance(wanted, CorrectionFilter):
        parts.append(("c.media = ?", wanted.media))
        # Whether the last review is that one is told from the reviews themselves.
        reviewed = {"accepted": "accept", "rejected": "reject"}.get(wanted.status or "")
        parts.append((REVIEWED, reviewed))
    used = [(sql, value) for sql, value in parts if value is not None]
    if wanted.until is not None:  # a date alone means that whole day
        used.append((f"substr(c.created, 1, {len(wanted.until)}) <= ?", wanted.until))
    sql = " and ".join(sql for sql, _ in used) or "true"
    return sql, [value for _, value in used]


ORDERS = {
    "dispute": "s.disagreement * s.risk desc, s.newest desc, s.media",
    "newest": "s.newest desc, s.media",
}
EVERY: Clause = ("select s.task, s.media from case_states s", [])


def chosen_cases(wanted: CaseFilter, of: Collection[tuple[str, str]] | None = None) -> Clause:
    """A query for (task, media) of the cases of which one correction matches, in no order. of:
    only these, None for any."""
    where, values = clause(wanted)
    parts = [f"(s.task, s.media) in (select c.task, c.media from corrections c where {where})"]
    if where == "true":
        parts = ["s.stale = 0"]
    if wanted.status is not None:
        parts, values = [*parts, "s.status = ?"], [*values, wanted.status]
    if wanted.min_disagreement:
        parts, values = [*parts, "s.disagreement >= ?"], [*values, wanted.min_disagreement]
    if of is not None:
        listed = "(select value ->> 0, value ->> 1 from json_each(?))"
        parts, values = (
            [*parts, f"(s.task, s.media) in {listed}"],
            [*values, json.dumps(sorted(of))],
        )
    return f"{EVERY[0]} where {' and '.join(parts)}", values


# ---- reading ----------------------------------------------------------------------------------


def read_corrections(db: Database, where: Clause) -> list[Correction]:
    """Oldest first, by the order in which they were committed."""
    sql, values = where
    reviews: dict[str, list[Review]] = defaultdict(list)
    for row in db.query(
        "select r.id, r.correction, r.verdict, r.comment, r.reviewer, r.created from reviews r"
        f" where r.correction in (select c.id from corrections c where {sql}) order by r.rowid",
        values,
    ):
        reviews[row["correction"]].append(Review(**row))
    rows = db.query(
        "select c.*, w.created as withdrawn from corrections c"
        f" left join withdrawals w on w.correction = c.id where {sql} order by c.rowid",
        values,
    )
    # A plugin's task may be missing in this run; its corrections stay in the database.
    return [correction_of(row, reviews[row["id"]]) for row in rows if row["task"] in TASKS]


def read_cases(db: Database, chosen: Clause, predictions: bool = True) -> list[Case]:
    """The cases that a query for (task, media) names, in its order; those without corrections are
    left out. predictions: with them."""
    sql, values = chosen
    there = f"(c.task, c.media) in (select task, media from ({sql}))"
    grouped: dict[tuple[str, str], list[Correction]] = defaultdict(list)
    for c in read_corrections(db, (there, values)):
        grouped[c.task, c.media].append(c)
    media = {
        row["hash"]: media_of(row)
        for row in db.query(
            f"select * from media where hash in (select media from ({sql}))", values
        )
    }
    made: dict[tuple[str, str], list[StoredPrediction]] = defaultdict(list)
    for row in (
        db.query(
            f"select * from predictions where (task, media) in (select task, media from ({sql}))"
            " order by rowid desc",
            values,
        )
        if predictions
        else ()
    ):
        made[row["task"], row["media"]].append(prediction_of(row))
    return [
        Case(task, media[hash_], tuple(made[task, hash_]), tuple(grouped[task, hash_]))
        for task, hash_ in db.execute(sql, values).fetchall()
        if (task, hash_) in grouped
    ]


def page_of_cases(
    db: Database,
    wanted: CaseFilter,
    limit: int | None,
    offset: int,
    of: Collection[tuple[str, str]] | None = None,
    predictions: bool = True,
) -> list[Case]:
    """Matching cases in the filter's order. limit: None for all. of: as in `chosen_cases`;
    predictions: as in `read_cases`."""
    sql, values = chosen_cases(wanted, of)
    ordered = f"{sql} order by {ORDERS[wanted.order]} limit ? offset ?"
    limited = [*values, -1 if limit is None else limit, offset]
    return read_cases(db, (ordered, limited), predictions)


def count_cases(db: Database, wanted: CaseFilter) -> int:
    """How many cases match."""
    sql, values = chosen_cases(wanted)
    return int(db.execute(f"select count(*) from ({sql})", values).fetchone()[0])


def any_stale(db: Database) -> bool:
    """Whether an event came after a case's state was derived."""
    found = db.execute("select 1 from case_states where stale = 1 limit 1").fetchone()
    return found is not None


def refresh(db: Database) -> None:
    """Derive the state of each stale case again; one whose corrections were deleted goes."""
    cases = read_cases(db, (f"{EVERY[0]} where s.stale = 1", []))
    db.conn.executemany(
        "update case_states set status = ?, disagreement = ?, risk = ?, newest = ?, stale = 0"
        " where task = ? and media = ?",
        [
            (c.status, c.disagreement, c.risk, c.corrections[-1].created, c.task, c.media.hash)
            for c in cases
        ],
    )
    db.execute("delete from case_states where stale = 1")


def read_case(db: Database, task: str, media: str) -> Case:
    """One case, corrected or only predicted. UserError where there is neither."""
    rows = list(db.query("select * from media where hash = ?", [media]))
    predictions = db.query(
        "select * from predictions where task = ? and media = ? order by rowid desc", [task, media]
    )
    seen = tuple(prediction_of(row) for row in predictions)
    said = read_corrections(db, ("c.task = ? and c.media = ?", [task, media]))
    if not rows or not (seen or said):
        raise UserError(
            "There is no such case",
            got=f"{task}:{media}"[:100],
            hint="It may have been deleted",
            field="case",
        )
    return Case(task, media_of(rows[0]), seen, tuple(said))


def distinct(rows: Iterable[Row], name: str) -> list[str]:
    return [str(row[name]) for row in rows]
