"""What the store hands out: media, predictions, corrections, cases, and the filters that ask for
them. Frozen; a case's state is derived from its events. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from inference.correction import Fix
from inference.fields import Value
from inference.registry import task as find_task
from training.store.disagreement import disagreement, risk

Status = Literal["open", "accepted", "rejected", "withdrawn"]
STATUSES: tuple[Status, ...] = ("open", "accepted", "rejected", "withdrawn")
ANONYMOUS = "anonymous"  # a name that many share; their sessions tell them apart
DECIDES: dict[str, Status] = {"accept": "accepted", "reject": "rejected", "reopen": "open"}


@dataclass(frozen=True)
class Media:
    """An image or clip. hash: sha256 of its bytes. kind: image | clip. file: its name below
    Home.media. bytes: its size. pixels_sha256: of the RGB values, where it was decoded."""

    hash: str
    kind: str
    file: str
    width: int
    height: int
    bytes: int
    duration_s: float | None
    slices: tuple[str, ...]
    name: str
    created: str
    pixels_sha256: str | None = None


@dataclass(frozen=True)
class StoredPrediction:
    """What both sides said.

    base, finetuned: {"label", "text", "values": {field: a value as JSON}, "missing": {field: why},
    "logprob"}. settings: what reopens the page as it was. truth: values by field, where known.
    """

    id: str
    task: str
    media: str
    backbone: str
    backbone_sha256: str | None
    adapter: str | None
    adapter_version: str | None
    prompt: str
    base: Mapping[str, Any]
    finetuned: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    latency_s: float | None
    truth: Mapping[str, Value]
    created: str

    def values(self, side: Mapping[str, Any]) -> dict[str, Value]:
        """By field, of `base` or `finetuned`."""
        return values_of(self.task, side)

    @property
    def shown(self) -> Mapping[str, Any]:
        """The side that is corrected: the fine-tuned where there is one."""
        return self.base if self.finetuned is None else self.finetuned


@dataclass(frozen=True)
class Review:
    """verdict: accept | reject | comment | reopen."""

    id: str
    correction: str
    verdict: str
    comment: str
    reviewer: str
    created: str


@dataclass(frozen=True)
class Correction:
    """One person's word on one case. before: what the side that was shown had said.
    reviews: oldest first. withdrawn: when, or None."""

    id: str
    task: str
    media: str
    prediction: str | None
    payload: Fix
    before: Mapping[str, Any] | None
    author: str
    client: Mapping[str, Any]
    created: str
    reviews: tuple[Review, ...] = ()
    withdrawn: str | None = None

    @property
    def status(self) -> Status:
        """Withdrawn wins; else the newest accept, reject or reopen counts."""
        if self.withdrawn is not None:
            return "withdrawn"
        return status_of([r.verdict for r in self.reviews])

    @property
    def person(self) -> str:
        """Who said it; people without a name are told apart by their sessions."""
        session = self.client.get("session")
        named = self.author != ANONYMOUS or not session
        return self.author if named else f"{ANONYMOUS} {session}"

    @cached_property
    def values(self) -> dict[str, Value]:
        """What it holds true, by field: the person's own values, and where the answer is called
        right, the model's."""
        agreed = self.payload.verdict == "right"
        return {**(values_of(self.task, self.before) if agreed else {}), **self.payload.values}


def values_of(task: str, side: Mapping[str, Any] | None) -> dict[str, Value]:
    """The values of a stored side, {} for none."""
    found: dict[str, Value] = find_task(task).values((side or {}).get("values"))
    return found


def voices(corrections: Iterable[Correction]) -> list[Correction]:
    """Each person's newest correction, oldest first."""
    newest = {c.person: c for c in sorted(corrections, key=lambda c: c.created)}
    return sorted(newest.values(), key=lambda c: c.created)


def status_of(verdicts: Sequence[str]) -> Status:
    """What reviews, oldest first, make of a correction."""
    decided = [v for v in verdicts if v in DECIDES]
    return DECIDES[decided[-1]] if decided else "open"


@dataclass(frozen=True)
class Case:
    """One image or clip in one task. predictions: newest first. corrections: oldest first."""

    task: str
    media: Media
    predictions: tuple[StoredPrediction, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.task}:{self.media.hash}"

    @cached_property
    def standing(self) -> tuple[Correction, ...]:
        """Each person's newest correction that was not withdrawn, oldest first: an earlier one
        stays as an event and stands again when the newer is withdrawn."""
        return tuple(voices(c for c in self.corrections if c.status != "withdrawn"))

    @property
    def status(self) -> Status:
        """Open while one that stands is; else accepted if one is; "open" with none at all."""
        found = {c.status for c in self.standing or self.corrections}
        for status in STATUSES:
            if status in found:
                return status
        return "open"

    @cached_property
    def disagreement(self) -> float:
        """0 (all agree) to 1; see training.store.disagreement."""
        kept = self._kept
        said = self.predictions[0].shown if self.predictions else _last_before(kept)
        model = None if said is None else values_of(self.task, said)
        size_wh = (self.media.width, self.media.height)
        return disagreement([c.payload for c in kept], find_task(self.task), model, size_wh)

    @cached_property
    def risk(self) -> float:
        """0 to 1; see training.store.disagreement."""
        return risk([c.payload for c in self._kept], self.media.slices)

    @property
    def _kept(self) -> list[Correction]:
        return [c for c in self.standing if c.status in ("open", "accepted")]


def _last_before(kept: Sequence[Correction]) -> Mapping[str, Any] | None:
    return next((c.before for c in reversed(kept) if c.before), None)


def case_id(task: str, media: str) -> str:
    return f"{task}:{media}"


@dataclass(frozen=True)
class CaseFilter:
    """Which cases. None: any. author, since, until: one of its corrections is by that person, or
    was made from/until that moment (ISO date or time, UTC, both inclusive). adapter: one of its
    predictions is by that adapter. order: "dispute" (disagreement x risk) or "newest"."""

    task: str | None = None
    status: str | None = None
    author: str | None = None
    adapter: str | None = None
    slice: str | None = None
    since: str | None = None
    until: str | None = None
    min_disagreement: float | None = None
    order: Literal["dispute", "newest"] = "dispute"


@dataclass(frozen=True)
class CorrectionFilter:
    """Which corrections, with the same meanings; status is the correction's own."""

    task: str | None = None
    status: str | None = None
    author: str | None = None
    media: str | None = None
    adapter: str | None = None
    slice: str | None = None
    since: str | None = None
    until: str | None = None
