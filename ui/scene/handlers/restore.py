"""What a page shows when it opens: the link's scene, or this browser's last one. No gradio."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from inference.errors import UserError
from inference.registry import task as find_task
from inference.schema import PairRequest
from training.store.feedback import Feedback
from ui.scene.address import SceneAddress, ViewSettings
from ui.scene.handlers.run import Order, SceneForm, begin
from ui.shell.desk import Desk, usual_adapter
from ui.shell.results import StoredResult
from ui.shell.runs import Run
from ui.shell.services import Services, find_example
from ui.shell.visitors import Visitor, names_only

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Restored:
    """What a page shows when it opens.

    result: a finished one to draw. run: one to follow or to start. message: why a link did not
    lead where it pointed.
    """

    form: SceneForm
    result: StoredResult | None = None
    run: Run | None = None
    message: str = ""


def restore(
    visitor: Visitor, desk: Desk, address: SceneAddress, remembered: Mapping[str, str]
) -> Restored:
    """The link's scene if it names one, else this browser's last one, else an empty page."""
    running = desk.runs.get(remembered.get("run"))
    if running is not None and not running.done.is_set() and running.task is not None:
        order: Order = running.task
        example_id = order.example.id if order.example else None
        form = _form(str(order.path), example_id, order.request, address.view)
        return Restored(form, run=running)
    if address.has_case:
        return _follow_link(visitor, desk, address)
    result = desk.results.get(remembered.get("result"))
    if result is not None:
        return Restored(_form_of_result(desk.services, result, address.view), result)
    return Restored(_form_of_address(visitor, desk.services, address))


def _follow_link(visitor: Visitor, desk: Desk, address: SceneAddress) -> Restored:
    form = _form_of_address(visitor, desk.services, address)
    forced = form.forced if form.adapter else "base"

    def fits(result: StoredResult) -> bool:
        made_of, image = result.pair.request, result.pair.image.content_hash
        same = result.example_id == address.example if address.example else image == address.image
        return same and form.prompt == made_of.prompt and forced == made_of.forced and (
            (form.task, form.adapter or None) == (made_of.task, made_of.adapter)
        )  # fmt: skip

    found = desk.results.newest(fits)
    if found is not None:
        return Restored(_form_of_result(desk.services, found, address.view), found)
    example = find_example(desk.services, address.example)
    held = None if example else _image_file(visitor, desk, address.image)
    if example is not None:
        form = replace(form, image=str(example.path), example=example.id)
    elif held is not None:
        form = replace(form, image=str(held))
    else:
        what = "example" if address.example else "image"
        return Restored(
            form,
            message=f"This link's {what} is not on this server any more. Uploaded images that "
            "nobody corrected are kept for a while only: upload it again, the link's settings are "
            "set.",
        )
    try:
        return Restored(form, run=begin(visitor, desk, form)[0])
    except UserError as problem:
        return Restored(form, message=names_only(str(problem)))


def _image_file(visitor: Visitor, desk: Desk, image: str | None) -> Path | None:
    """The file of the image with that sha256: still in memory, or kept with its corrections, for
    who may read them.

    A kept one is copied: the folder it lies in is never served.
    """
    held = desk.results.file(image)
    if held is not None and held.is_file():
        return held
    if not visitor.reads("corrections"):
        return None
    if desk.services.home is None or not _SHA256.fullmatch(image or ""):
        return None
    try:
        kept = Feedback(desk.home).media_path(str(image))
        copy = desk.pictures.new_file(f"image-{kept.stem[:8]}{kept.suffix}")
        shutil.copyfile(kept, copy)
    except (UserError, OSError):
        return None
    return copy


def _form_of_address(visitor: Visitor, services: Services, address: SceneAddress) -> SceneForm:
    adapter = address.adapter
    if adapter is None:
        adapter = usual_adapter(visitor, services, address.task)
    return SceneForm(
        task=address.task,
        prompt=address.prompt or find_task(address.task).prompt,
        adapter=adapter,
        forced=address.forced,
        view=address.view,
    )


def _form_of_result(services: Services, result: StoredResult, view: ViewSettings) -> SceneForm:
    example = find_example(services, result.example_id)
    path = example.path if example is not None else result.path
    image = str(path) if path.is_file() else None
    return _form(image, result.example_id, result.pair.request, view)


def _form(
    image: str | None, example: str | None, request: PairRequest, view: ViewSettings
) -> SceneForm:
    adapter = request.adapter or ""
    return SceneForm(image, example, request.task, request.prompt, adapter, request.forced, view)
