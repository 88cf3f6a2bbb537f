"""Rows of the feedback tables to and from the store's types, and the SQL of its filters."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlite_utils import Database

from inference.correction import Payload, payload_from_json
from inference.errors import UserError
from training.store.cases import (
    STATUSES,
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
def _payload(task: str, text: str) -> Payload:
    """Payloads never change, and a page reads the same ones again and again."""
    return payload_from_json(task, json.loads(text))


def media_of(row: Row) -> Media:
    return Media(**{**row, "slices": tuple(json.loads(row["slices"]))})


def prediction_of(row: Row) -> StoredPrediction:
    values = {k: parsed(row[k]) for k in ("base", "finetuned", "settings", "truth")}
    truth = values["truth"]
    values["truth"] = (float(truth[0]), float(truth[1])) if truth else None
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
    used = [(sql, value) for sql, value in parts if value is not None]
    if wanted.until is not None:  # a date alone means that whole day
        used.append((f"substr(c.created, 1, {len(wanted.until)}) <= ?", wanted.until))
    sql = " and ".join(sql for sql, _ in used) or "true"
    return sql, [value for _, value in used]


CASES = "(c.task, c.media) in (select c.task, c.media from corrections c where {where})"


def whole_cases(wanted: CaseFilter) -> Clause:
    """All corrections of every case of which one correction matches."""
    where, values = clause(wanted)
    return CASES.format(where=where), values


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
    return [correction_of(row, reviews[row["id"]]) for row in rows]


def read_cases(db: Database, wanted: CaseFilter) -> list[Case]:
    """Cases with at least one correction; the derived conditions are not applied."""
    sql, values = whole_cases(wanted)
    grouped: dict[tuple[str, str], list[Correction]] = defaultdict(list)
    for c in read_corrections(db, (sql, values)):
        grouped[c.task, c.media].append(c)
    chosen = f"select distinct c.task, c.media from corrections c where {sql}"
    media = {
        row["hash"]: media_of(row)
        for row in db.query(
            f"select * from media where hash in (select media from ({chosen}))", values
        )
    }
    predictions: dict[tuple[str, str], list[StoredPrediction]] = defaultdict(list)
    for row in db.query(
        f"select * from predictions where (task, media) in ({chosen}) order by rowid desc", values
    ):
        predictions[row["task"], row["media"]].append(prediction_of(row))
    return [
        Case(task, media[hash_], tuple(predictions[task, hash_]), tuple(said))
        for (task, hash_), said in grouped.items()
    ]


# The state of a case as Case.status derives it, in SQL, where a number is all that is asked for.
RANKS = """
select min(case
    when w.correction is not null then 3
    else coalesce((
        select case r.verdict when 'accept' then 1 when 'reject' then 2 else 0 end
        from reviews r where r.correction = c.id and r.verdict <> 'comment'
        order by r.rowid desc limit 1), 0)
    end) as status_rank
from corrections c left join withdrawals w on w.correction = c.id
where {where} group by c.task, c.media
"""


def count_cases(db: Database, wanted: CaseFilter) -> int:
    """How many cases match, whatever their disagreement."""
    where, values = whole_cases(wanted)
    sql = f"select count(*) as n from ({RANKS.format(where=where)})"
    if wanted.status is not None:
        known = [*STATUSES]
        sql += " where status_rank = ?"
        values = [*values, known.index(wanted.status) if wanted.status in known else -1]
    return int(next(iter(db.query(sql, values)))["n"])


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
