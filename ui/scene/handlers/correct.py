"""Corrections of a scene: mark, save, withdraw. Plain functions, no gradio.

What `save` returns is committed; what it raises leaves the form as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

from inference.adapter_files import WEIGHTS
from inference.correction import Fix, Verdict
from inference.errors import UserError
from inference.fields import Point, first_point
from inference.fingerprint import file_sha256
from inference.hub import is_hub_id
from inference.registry import task as find_task
from training.store.feedback import Correction, CorrectionFilter, Feedback
from ui.components.fields import kind_of, said
from ui.components.markup import sign
from ui.components.words import count, moment
from ui.scene.address import ViewSettings, to_query
from ui.scene.handlers.run import SceneForm, what_changed
from ui.scene.handlers.view import address_of, stored
from ui.shell.desk import Desk, adapter_entry
from ui.shell.results import StoredResult
from ui.shell.services import Services, find_example
from ui.shell.visitors import Visitor, how_to_get_a_role

FIVE_SECONDS = 5
GONE = "The answer that you correct is not in memory any more"
STATUS = {"open": "waits for review", "accepted": "accepted", "rejected": "rejected"}


@dataclass(frozen=True)
class CorrectionForm:
    """What the person said. values: what the editors hold, by field. five_second: the answers were
    hidden while they marked."""

    verdict: Verdict
    values: Mapping[str, Any] = field(default_factory=dict)
    five_second: bool = False


@dataclass(frozen=True)
class Mine:
    """This visitor's standing verdict on an image and task. draft: the name under which the browser
    keeps what they mark; each attempt has its own."""

    standing: Correction | None = None
    draft: str = ""

    @property
    def point(self) -> Point | None:
        """Where they say that the hazard is, if they said."""
        return first_point(self.standing.payload.values) if self.standing else None

    @property
    def html(self) -> str:
        """The verdict with its Undo."""
        if (c := self.standing) is None:
            return ""
        when = escape(f"{moment(c.created)} · {STATUS[c.status]}")
        return (
            f'<div class="sl-mine">{sign("human")}<span>Your verdict: {said(c.payload)}</span> '
            f'<span class="sl-quiet">{when}</span><button type="button" class="sl-small" '
            f'data-withdraw="{escape(c.id)}" aria-label="Undo your verdict">Undo</button></div>'
        )


def mine(visitor: Visitor, desk: Desk, result: StoredResult) -> Mine:
    """What this visitor has said of the result's image."""
    if desk.services.home is None:
        return Mine()
    task, image = result.pair.request.task, result.pair.image.content_hash
    wanted = CorrectionFilter(task=task, author=visitor.name, media=image)
    found = Feedback(desk.home).corrections(wanted)
    standing = [c for c in found if c.status != "withdrawn"]
    return Mine(standing[-1] if standing else None, f"{image}.{task}.{len(found)}")


def invitation(visitor: Visitor, hidden: bool) -> str:
    """What stands over the editor. hidden: the answers are not shown yet (five-second mode)."""
    if not visitor.may("annotator"):
        how = how_to_get_a_role(visitor)
        return f"To correct, {how[0].lower()}{how[1:]}."
    return "The answers appear when you have marked the image." if hidden else ""


def save(
    visitor: Visitor, desk: Desk, result_id: str, form: CorrectionForm, now: SceneForm | None = None
) -> str:
    """Stores the image, the prediction and the correction; returns what was confirmed. now: what
    the page's form holds, which must still be what the result was made from.

    Raises:
        UserError: the visitor may not, something is missing or wrong (with its field), or the
            store cannot be written.
    """
    result = stored(desk, result_id, GONE)
    if now is not None and (changed := what_changed(now, result)):
        raise UserError(
            f"The {' and '.join(changed)} changed since this answer", hint="Press Compare first"
        )
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
    all_mine = feedback.corrections(CorrectionFilter(author=visitor.name))
    images = {(c.task, c.media) for c in all_mine if c.status != "withdrawn"}
    return f"Saved. You have corrected {count(len(images), 'image')}."


def _source(feedback: Feedback, result: StoredResult) -> Path:
    """The image's file. Uploads and copies go after a time; then the one that is stored with
    earlier corrections, if there are any."""
    if result.path.is_file():
        return result.path
    try:
        return feedback.media_path(result.pair.image.content_hash)
    except UserError:
        return result.path  # the store says what is missing


def withdraw(visitor: Visitor, desk: Desk, result_id: str, correction_id: str) -> str:
    """Takes one of the visitor's own corrections back; the store refuses anybody else's."""
    result = stored(desk, result_id, GONE)  # the page draws it again without the mark
    Feedback(desk.home).withdraw(correction_id, visitor.name)
    again = " Your verdict of before stands again." if mine(visitor, desk, result).standing else ""
    return f"Undone.{again}"


def link(desk: Desk, result: StoredResult) -> str:
    """The query that opens this case with these settings, whatever the defaults are by then."""
    request, image = result.pair.request, result.pair.image
    address = address_of(desk.services, result, ViewSettings())
    adapter = request.adapter or ""
    return to_query(
        replace(address, image=image.content_hash, prompt=request.prompt, adapter=adapter)
    )


def _payload(result: StoredResult, form: CorrectionForm) -> Fix:
    """The correction as the store takes it. Only what is wrong has values: a mark that stands in
    the editor does not belong to another verdict."""
    task, case = find_task(result.pair.request.task), result.pair.image.content_hash
    known = {f.name: f for f in (*task.fields, *task.notes)}
    sent = {k: v for k, v in form.values.items() if k in known}
    if form.verdict != "wrong":
        sent.pop(task.main, None)
    read = {k: kind_of(known[k]).read(known[k], v, case) for k, v in sent.items()}
    values = {k: v for k, v in read.items() if v is not None}
    if form.verdict == "wrong" and task.main not in values:
        what = "Click the hazard in the image" if task.points else "Choose what is right"
        or_none = f", or choose “{task.absent}”" if task.absent else ""
        raise UserError("Nothing is marked yet", hint=f"{what}{or_none}", field=task.main)
    return Fix(task.name, form.verdict, values, form.five_second)


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
