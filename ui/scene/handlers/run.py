"""What leads to the model in the Scene page: a form is checked, a run begun and followed. Plain
functions, no gradio. What a finished result looks like: `ui.scene.handlers.view`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from inference.errors import Cancelled, UserError, unknown
from inference.fingerprint import file_sha256
from inference.inputs import Media
from inference.registry import task as find_task
from inference.schema import PairRequest, Side
from ui.scene.address import MAX_NUMBER, MAX_TOKENS, ViewSettings
from ui.shell.arguments import whole
from ui.shell.desk import Desk, ask_model, check_adapter
from ui.shell.results import StoredResult
from ui.shell.runs import Run, Snapshot
from ui.shell.services import Example, Progress, Services, find_example
from ui.shell.visitors import Visitor

AGAIN = "Press Compare once more"


@dataclass(frozen=True)
class SceneForm:
    """What the user filled in. image: path of the image's file. example: its id, if it is one.
    adapter: "" or None for the base alone."""

    image: str | None = None
    example: str | None = None
    task: str = "hazard"
    prompt: str = ""
    adapter: str | None = None
    forced: Side = "finetuned"
    view: ViewSettings = field(default_factory=ViewSettings)


@dataclass(frozen=True)
class Order:
    """What the model is to do. No pixels: a run that waits holds nothing big."""

    path: Path
    request: PairRequest
    example: Example | None = None


def prepare(
    visitor: Visitor, desk: Desk, form: SceneForm, max_new_tokens: object = 64
) -> tuple[Order, Media]:
    """Checks the form and reads the image. UserError names the field that is wrong."""
    if not form.image:
        raise UserError(
            "There is no image yet", hint="Drop one, paste one or pick an example", field="image"
        )
    longest = whole("max_new_tokens", max_new_tokens, 1, 512)
    task = find_task(form.task)
    prompt = task.validate_prompt(form.prompt)
    adapter = check_adapter(visitor, desk.services, form.adapter)
    image = desk.services.load_media(Path(form.image))
    request = PairRequest(
        form.task, prompt, adapter, form.forced if adapter else "base", task.neutral_prompt, longest
    )
    example = find_example(desk.services, form.example) if form.example else None
    return Order(Path(form.image), request, example), image


def begin(visitor: Visitor, desk: Desk, form: SceneForm) -> tuple[Run, Media]:
    """A run that may start when the model is free; UserError if the form is not in order."""
    order, image = prepare(visitor, desk, form)
    run = desk.runs.new()
    run.task = order
    run.stage = "Waiting for the model"
    return run, image


def follow(desk: Desk, run: Run) -> Iterator[Snapshot | StoredResult]:
    """Starts the run, or joins it, and follows it to its result. Raises its error."""
    if not run.claimed():
        desk.runs.start(run, lambda progress, cancelled: _predict(desk, run, progress))
    yield from run.follow()
    if run.stop.is_set():
        raise Cancelled
    if run.error is not None:
        raise run.error
    result = desk.results.get(run.result)
    if result is None:
        raise UserError("The answer is not in memory any more", hint=AGAIN)
    yield result


def _predict(desk: Desk, run: Run, progress: Progress) -> str:
    """Id of the result."""
    order: Order = run.task
    if not desk.services.model_info().loaded:
        progress("Loading the model", 0.0)
    image = desk.services.load_media(order.path)
    more = {"progress": progress, "cancelled": run.cancelled}
    pair = ask_model(desk.services, image, order.request, **more)
    example = order.example
    truth = example.hazard if example and order.request.task == "hazard" else None
    return desk.results.put(pair, order.path, example.id if example else None, truth).id


def check_image(services: Services, path: str | None) -> str:
    """One line about an image just chosen; UserError if it cannot be used."""
    return size_note(services.load_media(Path(path))) if path else ""


def size_note(image: Media) -> str:
    width, height = image.size_wh
    return f"{image.name}: {width} × {height} px"


def example_of(services: Services, example_id: str) -> Example:
    """The example that was clicked; a UserError for an id that does not exist."""
    found = find_example(services, example_id)
    if found is None:
        raise unknown("example", example_id, [e.id for e in services.examples()], "image")
    return found


def what_changed(form: SceneForm, result: StoredResult) -> list[str]:
    """The parts of the form that the result was not made from: it must not be read, or corrected,
    as theirs."""
    request = result.pair.request
    if form.example is not None or result.example_id is not None:
        same_image = form.example == result.example_id
    else:
        same_image = _hash_of(form.image or "") == result.pair.image.content_hash
    parts = {
        "image": same_image,
        "task": form.task == request.task,
        "prompt": form.prompt.strip() == request.prompt,
        "adapter": (form.adapter or None) == request.adapter,
    }
    return [name for name, same in parts.items() if not same]


def _hash_of(path: str) -> str:
    try:
        return _hashed(Path(path), Path(path).stat().st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=64)
def _hashed(path: Path, stamp_ns: int) -> str:
    return file_sha256(path)


def token_list(sent: object) -> list[int]:
    """Token numbers as the browser sent them, a JSON list; anything else is dropped."""
    try:
        found = json.loads(str(sent))
    except (ValueError, RecursionError):
        found = []
    numbers = found if isinstance(found, list) else []
    return sorted({n for n in numbers if type(n) is int and 0 <= n < MAX_NUMBER})[:MAX_TOKENS]
