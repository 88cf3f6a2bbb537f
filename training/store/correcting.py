"""Adding one person's word to one case. Used by training.store.feedback."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from inference.checks import check_text
from inference.correction import Fix
from inference.errors import UserError
from inference.fields import Point, Steps
from training.store.adding import checked_json, insert, media_row
from training.store.case_rows import correction_of, prediction_of, to_json
from training.store.cases import Correction
from training.store.group_commit import write
from training.store.home import Home
from training.store.rows import Row, now, one

MAX_AUTHOR = 200  # characters


def correct(
    home: Home,
    task: str,
    media: str,
    prediction: str | None,
    payload: Fix,
    author: str,
    client: Mapping[str, Any],
) -> Correction:
    """See Feedback.correct."""
    if payload.task != task:
        raise UserError("The correction is of another task", expected=task, got=payload.task)
    check_author(author)
    made = secrets.token_hex(12)
    said, about = to_json(payload.to_json()), checked_json(client, "client")

    def work(db: Database) -> Correction:
        _inside(payload, media_row(db, media))
        before = _before(db, prediction, task, media)
        values: dict[str, Any] = {
            "id": made,
            "task": task,
            "media": media,
            "prediction": prediction,
            "kind": payload.verdict,
            "payload": said,
            "before": None if before is None else to_json(before),
            "author": author,
            "client": about,
            "created": now(),
        }
        insert(db, "corrections", values)
        return correction_of({**values, "withdrawn": None}, ())

    return write(home, work)


def check_author(name: str) -> None:
    """Any name will do, but one must be given. Raises UserError."""
    if not check_text(name, "author", MAX_AUTHOR).strip():
        raise UserError("Nobody is named", expected="a name, any name", field="author")


def _inside(payload: Fix, media: Row) -> None:
    """Points lie in their image, times in their clip."""
    for name, value in payload.values.items():
        if isinstance(value, Point):
            check_inside(value, (media["width"], media["height"]), name)
        if isinstance(value, Steps) and media["duration_s"] is not None:
            latest = max((t for s in value.steps for t in (s.start_s, s.end_s) if t), default=0.0)
            if latest > media["duration_s"]:
                raise UserError(
                    "A step lies after the clip's end",
                    expected=f"at most {media['duration_s']:g} s",
                    got=f"{latest:g} s",
                    field=name,
                )


def check_inside(point: Point, size_wh: tuple[int, int], field: str) -> None:
    """Raises UserError where the point, or the box around it, reaches out of its image."""
    box = point.box_px or (*point.xy, *point.xy)
    if min(box) < 0 or box[2] > size_wh[0] or box[3] > size_wh[1]:
        raise UserError(
            "The point lies outside the image",
            expected=f"within {size_wh[0]} x {size_wh[1]} pixels",
            got=", ".join(f"{v:g}" for v in box[2:]),
            field=field,
        )


def _before(
    db: Database, prediction: str | None, task: str, media: str
) -> Mapping[str, Any] | None:
    """What the side that was shown had said."""
    if prediction is None:
        return None
    row = one(db, "select * from predictions where id = ?", [prediction])
    if row is None or (row["task"], row["media"]) != (task, media):
        raise UserError(
            "The answer is not one to this image",
            expected="a prediction of the same task and image",
            got=str(prediction)[:70],
            field="prediction",
        )
    found = prediction_of(row)
    return {"side": "base" if found.finetuned is None else "finetuned", **found.shown}
