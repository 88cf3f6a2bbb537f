"""Corrections of a scene: mark, save, withdraw. Plain functions, no gradio.

What `save` returns is committed; what it raises leaves the form as it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from inference.adapter_files import WEIGHTS
from inference.correction import Fix
from inference.correction import point_of as drawn_point
from inference.errors import UserError
from inference.fields import Label, Point, Text, Value
from inference.fingerprint import file_sha256
from inference.hub import is_hub_id
from inference.schema import ImageInput
from training.store.feedback import Correction, CorrectionFilter, Feedback
from ui.scene import correct_view
from ui.scene.handlers.view import address_of
from ui.shell.address import ViewSettings, to_query
from ui.shell.desk import Desk, adapter_entry
from ui.shell.results import StoredResult
from ui.shell.services import Services, find_example
from ui.shell.visitors import Visitor, how_to_get_a_role, require

Verdict = Literal["right", "wrong", "no_hazard"]
FIVE_SECONDS = 5


@dataclass(frozen=True)
class CorrectionForm:
    """What the person said. mark: JSON from the browser, "" where nothing is marked.
    five_second: the answers were hidden while they marked."""

    verdict: Verdict
    mark: str = ""
    hazard_kind: str | None = None
    rationale: str = ""
    five_second: bool = False


@dataclass(frozen=True)
class Mark:
    """In pixels of the original picture. draft: which picture and attempt it belongs to."""

    point_px: tuple[float, float] | None = None
    box_px: tuple[float, float, float, float] | None = None
    draft: str = ""


@dataclass(frozen=True)
class Mine:
    """This visitor's corrections of one picture that stand, newest first.

    tries: how many they ever made of it, so that each attempt has a draft of its own.
    """

    here: tuple[Correction, ...] = ()
    tries: int = 0

    @property
    def point(self) -> Point | None:
        """Where they say that the hazard is: of the newest correction, if it has a point."""
        point = self.here[0].payload.values.get("point") if self.here else None
        return point if isinstance(point, Point) else None


@dataclass(frozen=True)
class Editor:
    """What the correction part of the page shows for a result. problem: why this visitor cannot
    correct, or None."""

    invitation: str
    picture: str
    list: str
    mine: Mine
    problem: str | None = None


def editor(visitor: Visitor, desk: Desk, result: StoredResult, *, hidden: bool = False) -> Editor:
    """hidden: the answers are not shown yet (five-second mode), so the picture bears no signs."""
    require(visitor, "viewer", "Looking at a result")
    found = mine(visitor, desk, result)
    pair, image = result.pair, result.pair.image
    sides = {"base": pair.base, "finetuned": pair.finetuned}
    points = {kind: side.point for kind, side in sides.items() if side and side.point}
    picture = correct_view.editor(
        desk.pictures.url(image),
        image.size_wh,
        draft_of(image, found),
        {} if hidden else points,
        FIVE_SECONDS if hidden else 0,
    )
    about = f"the answer of {pair.request.adapter or 'the base model'}"
    problem = None
    if not visitor.may("annotator"):
        how = how_to_get_a_role(visitor)
        problem = f"to correct, {how[0].lower()}{how[1:]}"
    listed = correct_view.mine(found.here)
    return Editor(correct_view.invitation(about, problem, hidden), picture, listed, found, problem)


def may_correct(visitor: Visitor) -> None:
    """UserError for who may only look."""
    require(visitor, "annotator", "Correcting")


def mine(visitor: Visitor, desk: Desk, result: StoredResult) -> Mine:
    """What this visitor has said of the result's picture."""
    require(visitor, "viewer", "Looking at corrections")
    if desk.services.home is None:
        return Mine()
    task, image = result.pair.request.task, result.pair.image
    wanted = CorrectionFilter(task=task, author=visitor.name, media=image.content_hash)
    said = Feedback(desk.home).corrections(wanted)
    return Mine(tuple(c for c in reversed(said) if c.status != "withdrawn"), len(said))


def _all_mine(visitor: Visitor, feedback: Feedback) -> int:
    said = feedback.corrections(CorrectionFilter(author=visitor.name))
    return sum(c.status != "withdrawn" for c in said)


def save(visitor: Visitor, desk: Desk, result_id: str, form: CorrectionForm) -> str:
    """Stores the picture, the prediction and the correction; returns what was confirmed.

    Raises:
        UserError: the visitor may not, something is missing or wrong (with its field), or the
            store cannot be written.
    """
    may_correct(visitor)
    result = result_of(desk, result_id)
    payload = _payload(result, form)
    desk.quota.take(visitor)
    feedback = Feedback(desk.home)
    pair, services = result.pair, desk.services
    example = find_example(services, result.example_id)
    prediction = feedback.add_prediction(
        pair,
        _source(feedback, result),
        services.model_info(),
        adapter_version=adapter_version(services, pair.request.adapter),
        slices=example.slices if example else (),
        name=pair.image.name,
        truth={} if result.truth is None else {"point": result.truth},
        settings={"query": link(desk, result)},
    )
    feedback.correct(
        task=pair.request.task,
        media=pair.image.content_hash,
        prediction=prediction,
        payload=payload,
        author=visitor.name,
        client={"page": "scene"},
    )
    here = mine(visitor, desk, result).here
    return correct_view.saved(_all_mine(visitor, feedback), len(here))


def _source(feedback: Feedback, result: StoredResult) -> Path:
    """The picture's file. Uploads and copies go after a time; then the one that is kept with
    earlier corrections, if there are any."""
    if result.path.is_file():
        return result.path
    try:
        return feedback.media_path(result.pair.image.content_hash)
    except UserError:
        return result.path  # the store says what is missing


def withdraw(visitor: Visitor, desk: Desk, result_id: str, correction_id: str) -> str:
    """Takes one of the visitor's own corrections back; the store refuses anybody else's."""
    require(visitor, "annotator", "Withdrawing a correction")
    result_of(desk, result_id)  # the page draws it again without the mark
    feedback = Feedback(desk.home)
    feedback.withdraw(correction_id, visitor.name)
    return correct_view.withdrawn(_all_mine(visitor, feedback))


def link(desk: Desk, result: StoredResult) -> str:
    """The query that opens this case with these settings, whatever the defaults are by then."""
    request, image = result.pair.request, result.pair.image
    address = address_of(desk.services, result, ViewSettings())
    adapter = request.adapter or ""
    return to_query(
        replace(address, image=image.content_hash, prompt=request.prompt, adapter=adapter)
    )


def read_mark(text: str, image: ImageInput) -> Mark:
    """The mark as the browser sent it; UserError (field "point") for anything else."""
    if not text:
        return Mark()
    try:
        sent = json.loads(text)
        point, box = (_numbers(sent.get(key), n) for key, n in (("point", 2), ("box", 4)))
        draft = str(sent.get("case", ""))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UserError("The mark cannot be read", got=text[:80], field="point") from error
    if not draft.startswith(image.content_hash):
        raise UserError("The mark belongs to another picture", hint="Mark it again", field="point")
    return Mark(
        (point[0], point[1]) if point else None,
        (box[0], box[1], box[2], box[3]) if box else None,
        draft,
    )


def _numbers(sent: object, n: int) -> list[float] | None:
    if sent is None:
        return None
    if not isinstance(sent, list) or [type(v) in (int, float) for v in sent] != [True] * n:
        raise ValueError(f"not {n} numbers")
    return [float(value) for value in sent]


def draft_of(image: ImageInput, found: Mine) -> str:
    """Name of the attempt that the browser keeps; another one after each save."""
    return f"{image.content_hash}.{found.tries}"


def _payload(result: StoredResult, form: CorrectionForm) -> Fix:
    mark = read_mark(form.mark, result.pair.image) if form.verdict == "wrong" else Mark()
    if form.verdict == "wrong" and mark.point_px is None:
        raise UserError(
            "Nothing is marked yet",
            hint="Click the hazard in the picture, or choose “No hazard here”",
            field="point",
        )
    values: dict[str, Value] = {}
    x, y = mark.point_px or (None, None)
    point = drawn_point(x, y, mark.box_px)
    if point is not None:
        values["point"] = point
    if form.hazard_kind:
        values["hazard_kind"] = Label(form.hazard_kind)
    if reason := (form.rationale or "").strip():
        values["reason"] = Text(reason)
    verdict = "none" if form.verdict == "no_hazard" else form.verdict
    return Fix(result.pair.request.task, verdict, values, form.five_second)


def adapter_version(services: Services, name: str | None) -> str | None:
    """sha256 of the adapter's weights, or None for the base alone or where they are not found."""
    entry = adapter_entry(services, name) if name else None
    if entry is None:
        return None
    weights: object = Path(entry.source) / WEIGHTS
    if is_hub_id(entry.source):
        from huggingface_hub import try_to_load_from_cache

        weights = Path(str(try_to_load_from_cache(entry.source, WEIGHTS)))
    return file_sha256(weights) if isinstance(weights, Path) and weights.is_file() else None


def result_of(desk: Desk, result_id: str) -> StoredResult:
    """The result that is being corrected; UserError where the memory has dropped it."""
    result = desk.results.get(result_id)
    if result is None:
        raise UserError(
            "The answer that you correct is not in memory any more",
            hint="Press Look once more; your mark and text stay",
        )
    return result
