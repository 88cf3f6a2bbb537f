"""The store of people's corrections: events that are added, never changed.

What a method that writes has returned is committed and on disk. Only `forget` deletes. Nothing
here needs to know who a person is: an author is whatever name the page gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inference.correction import Fix
from inference.fields import Value
from inference.inputs import media_kind
from inference.schema import ModelInfo, PairPrediction
from training.store import case_rows as rows
from training.store import forgetting, reviewing
from training.store.adding import Answers, NewMedia, add_answers, add_media, answers_of, media_row
from training.store.cases import (
    Case,
    CaseFilter,
    Correction,
    CorrectionFilter,
    Media,
    Review,
    StoredPrediction,
)
from training.store.correcting import check_author, correct
from training.store.database import connect
from training.store.group_commit import write
from training.store.home import Home

__all__ = [
    "Answers",
    "Case",
    "CaseFilter",
    "Correction",
    "CorrectionFilter",
    "Feedback",
    "Media",
    "Review",
    "StoredPrediction",
]

# What a filter of cases asks of single corrections too.
ASKED_OF_EACH = ("task", "author", "adapter", "slice", "since", "until")


@dataclass(frozen=True)
class Feedback:
    """The store in a home. Cheap to make; holds nothing open."""

    home: Home

    # ---- adding -------------------------------------------------------------------------------
    def add_media(
        self,
        path: Path,
        *,
        kind: str | None = None,
        size_wh: tuple[int, int] | None = None,
        duration_s: float | None = None,
        slices: Sequence[str] = (),
        name: str = "",
        expected: str | None = None,
        pixels_sha256: str | None = None,
    ) -> str:
        """Keep an image or clip; its content hash. Again with the same bytes: nothing new, but
        slices are added.

        kind, size_wh, duration_s: read from the file where not given. expected: the hash that it
        must have. pixels_sha256: of its RGB values.

        Raises:
            UserError: it cannot be read or kept, or is another file than expected.
        """
        made = (path, kind, size_wh, duration_s, tuple(slices), name, expected, pixels_sha256)
        new = NewMedia(*made)
        return add_media(self.home, new)

    def add_answers(
        self, media: str, answers: Answers, settings: Mapping[str, Any] | None = None
    ) -> str:
        """Keep what a model said of kept media; the prediction's id. Idempotent.

        settings: what reopens the page as it was; the first ones stay.
        """
        return add_answers(self.home, media, answers, settings or {})

    def add_prediction(
        self,
        pair: PairPrediction,
        image_path: Path,
        info: ModelInfo,
        *,
        adapter_version: str | None,
        slices: Sequence[str] = (),
        name: str = "",
        truth: Mapping[str, Value] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> str:
        """Keep an image or clip and what both sides said of it; the prediction's id. Idempotent.

        Raises:
            UserError: the file is not the image of the pair; nothing could be written.
        """
        media = self.add_media(
            image_path,
            kind=media_kind(pair.image),
            size_wh=pair.image.size_wh,
            duration_s=pair.image.times_s[-1] if pair.image.times_s else None,
            slices=slices,
            name=name,
            expected=pair.image.content_hash,
            pixels_sha256=pair.image.pixels_sha256,
        )
        answers = answers_of(pair, info, adapter_version, truth or {})
        return self.add_answers(media, answers, settings)

    def correct(
        self,
        *,
        task: str,
        media: str,
        prediction: str | None,
        payload: Fix,
        author: str,
        client: Mapping[str, Any] | None = None,
    ) -> Correction:
        """Add one person's word. Returned means committed.

        media: its content hash. prediction: id of the answer that was looked at, or None.

        Raises:
            UserError: the payload is another task's or points outside the image; media or
                prediction are not there or do not belong together; nothing could be written.
        """
        return correct(self.home, task, media, prediction, payload, author, client or {})

    def withdraw(self, correction_id: str, author: str) -> None:
        """Its author takes a correction back. Twice is once.

        Raises:
            UserError: it is not there, or is somebody else's.
        """
        write(self.home, lambda db: reviewing.withdraw(db, correction_id, author))

    def review(self, ids: Sequence[str], verdict: str, reviewer: str, comment: str = "") -> int:
        """Accept, reject, reopen or comment on corrections, all or none; how many.

        Withdrawn ones are passed over.

        Raises:
            UserError: unknown verdict or correction, or a comment without words.
        """
        check_author(reviewer)
        return write(self.home, lambda db: reviewing.review(db, ids, verdict, reviewer, comment))

    def undo_review(self, reviewer: str) -> list[str]:
        """Take this person's last accept or reject back, whole if it was many at once; the cases'
        ids. Further calls go further back.

        Raises:
            UserError: there is nothing to undo.
        """
        return write(self.home, lambda db: reviewing.undo(db, reviewer))

    def forget(self, author: str) -> dict[str, int]:
        """Delete all that came from one person; see `forgetting`. Counts by what it is."""
        return forgetting.forget(self.home, author)

    # ---- reading ------------------------------------------------------------------------------
    def cases(
        self, wanted: CaseFilter | None = None, *, limit: int | None = None, offset: int = 0
    ) -> list[Case]:
        """Corrected cases, those most in dispute and most dangerous first; newest first where
        equal."""
        self._derive()
        with connect(self.home) as db:
            db.execute("BEGIN")
            found = rows.page_of_cases(db, wanted or CaseFilter(), limit, offset)
            db.rollback()
            return found

    def count(self, wanted: CaseFilter | None = None) -> int:
        """How many cases match."""
        self._derive()
        with connect(self.home) as db:
            return rows.count_cases(db, wanted or CaseFilter())

    def _derive(self) -> None:
        """States of cases with events since they were last read."""
        with connect(self.home) as db:
            stale = rows.any_stale(db)
        if stale:
            write(self.home, rows.refresh)

    def case(self, case_id: str) -> Case:
        """One case by its id, "task:mediahash". UserError where there is none."""
        task, _, media = case_id.partition(":")
        with connect(self.home) as db:
            db.execute("BEGIN")
            found = rows.read_case(db, task, media)
            db.rollback()
            return found

    def corrections(self, wanted: CorrectionFilter | None = None) -> list[Correction]:
        """Oldest first."""
        wanted = wanted or CorrectionFilter()
        with connect(self.home) as db:
            db.execute("BEGIN")
            found = rows.read_corrections(db, rows.clause(wanted))
            db.rollback()
        return [c for c in found if wanted.status in (None, c.status)]

    def chosen(
        self, wanted: CaseFilter, predictions: bool = True
    ) -> list[tuple[Case, list[Correction]]]:
        """Matching cases, each with those of its corrections that match by themselves: of that
        status, or else all that were not withdrawn. predictions: with the cases' predictions."""
        asked = {name: getattr(wanted, name) for name in ASKED_OF_EACH}
        found = self.corrections(CorrectionFilter(status=wanted.status, **asked))
        taken = [c for c in found if wanted.status or c.status != "withdrawn"]
        ids = {c.id for c in taken}
        self._derive()
        with connect(self.home) as db:
            db.execute("BEGIN")
            of = {(c.task, c.media) for c in taken}
            cases = rows.page_of_cases(db, replace(wanted, status=None), None, 0, of, predictions)
            db.rollback()
        each = [(case, [c for c in case.corrections if c.id in ids]) for case in cases]
        return [(case, corrections) for case, corrections in each if corrections]

    def media(self, media: str) -> Media:
        """UserError where it is not kept."""
        with connect(self.home) as db:
            return rows.media_of(media_row(db, media))

    def media_path(self, media: str) -> Path:
        """Where the bytes lie. UserError where they are not kept."""
        return self.home.media / self.media(media).file

    def authors(self) -> list[str]:
        return self._list("select distinct author as x from corrections order by x")

    def adapters(self) -> list[str]:
        """Those that made an answer that is kept."""
        return self._list(
            "select distinct adapter as x from predictions where adapter is not null order by x"
        )

    def slices(self) -> list[str]:
        return self._list("select distinct s.value as x from media, json_each(slices) s order by x")

    def _list(self, sql: str) -> list[str]:
        with connect(self.home) as db:
            return rows.distinct(db.query(sql), "x")
