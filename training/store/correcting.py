"""Adding one person's word to one case. Used by training.store.feedback."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from inference.checks import check_text
from inference.correction import HazardFix, Payload, payload_to_json, task_of
from inference.errors import UserError
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
    payload: Payload,
    author: str,
    client: Mapping[str, Any],
) -> Correction:
    """See Feedback.correct."""
    if task_of(payload) != task:
        raise UserError("The correction is of another task", expected=task, got=task_of(payload))
    check_author(author)
    made = secrets.token_hex(12)
    said, about = to_json(payload_to_json(payload)), checked_json(client, "client")

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


def _inside(payload: Payload, media: Row) -> None:
    """Points lie in their picture, times in their clip."""
    if isinstance(payload, HazardFix) and payload.point_px is not None:
        corner = payload.box_px[2:] if payload.box_px else payload.point_px
        for value, most in zip(corner, (media["width"], media["height"]), strict=True):
            if value > most:
                raise UserError(
                    "The point lies outside the picture",
                    expected=f"within {media['width']} x {media['height']} pixels",
                    got=", ".join(f"{v:g}" for v in corner),
                    field="point",
                )
    time, length = getattr(payload, "event_time_s", None), media["duration_s"]
    if time is not None and length is not None and time > length:
        raise UserError(
            "The event lies after the clip's end",
            expected=f"at most {length:g} s",
            got=f"{time:g} s",
            field="event_time",
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
            "The answer is not one to this picture",
            expected="a prediction of the same task and picture",
            got=str(prediction)[:70],
            field="prediction",
        )
    found = prediction_of(row)
    return {"side": "base" if found.finetuned is None else "finetuned", **found.shown}
