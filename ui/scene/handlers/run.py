"""What leads to the model in the Scene tab: a form is checked, a run begun and followed. Plain
functions, no gradio. What a finished result looks like: `ui.scene.handlers.view`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from explain.types import HeadChoice, MapSettings
from inference.errors import Cancelled, UserError, unknown
from inference.schema import ImageInput
from ui.shell.address import MAX_NUMBER, MAX_TOKENS
from ui.shell.desk import Desk, Order, SceneForm, ask_model, prepare
from ui.shell.results import StoredResult
from ui.shell.runs import Run, Snapshot
from ui.shell.services import Example, Progress, Services, find_example
from ui.shell.visitors import Visitor, require

log = logging.getLogger(__name__)


def begin(visitor: Visitor, desk: Desk, form: SceneForm) -> tuple[Run, ImageInput]:
    """A run that may start when the model is free; UserError if the form is not in order."""
    require(visitor, "viewer", "Asking the model")
    order, image = prepare(visitor, desk, form)
    run = desk.runs.new()
    run.task = order
    run.stage = "Waiting for the model"
    return run, image


def look(visitor: Visitor, desk: Desk, run: Run) -> Iterator[Snapshot | StoredResult]:
    """Starts the run, or joins it, and follows it to its result. Raises its error."""
    require(visitor, "viewer", "Asking the model")
    if not run.claimed():
        desk.runs.start(run, lambda progress, cancelled: _predict(desk, run, progress))
    yield from run.follow()
    if run.stop.is_set():
        raise Cancelled
    if run.error is not None:
        raise run.error
    result = desk.results.get(run.result)
    if result is None:
        raise UserError("The answer is not in memory any more", hint="Press Look once more")
    yield result


def _predict(desk: Desk, run: Run, progress: Progress) -> str:
    """Id of the result."""
    order: Order = run.task
    if not desk.services.model_info().loaded:
        progress("Loading the model", 0.0)
    image = desk.services.load_image(order.path)
    pair = ask_model(
        desk.services, image, order.request, progress=progress, cancelled=run.cancelled
    )
    example = order.example
    return desk.results.put(
        pair, order.path, example.id if example else None, example.hazard if example else None
    ).id


def stop(visitor: Visitor, desk: Desk, run_id: str | None) -> None:
    """Asks a run to stop. Its id cannot be guessed: only its own page has it."""
    require(visitor, "viewer", "Stopping a run")
    desk.runs.cancel(run_id)


def check_picture(visitor: Visitor, services: Services, path: str | None) -> str:
    """One line about a picture just chosen; UserError if it cannot be used."""
    require(visitor, "viewer", "Choosing a picture")
    if not path:
        return ""
    return size_note(services.load_image(Path(path)))


def size_note(image: ImageInput) -> str:
    width, height = image.size_wh
    return f"{image.name}: {width} × {height} px"


def example_of(visitor: Visitor, services: Services, example_id: str) -> Example:
    """The example that was clicked; a UserError for an id that does not exist."""
    require(visitor, "viewer", "Choosing an example")
    found = find_example(services, example_id)
    if found is None:
        raise unknown("example", example_id, [e.id for e in services.examples()], "image")
    return found


def token_list(sent: object) -> list[int]:
    """Token numbers as the browser sent them, a JSON list; anything else is dropped."""
    try:
        found = json.loads(str(sent))
    except (ValueError, RecursionError):
        found = []
    numbers = found if isinstance(found, list) else []
    return sorted({n for n in numbers if type(n) is int and 0 <= n < MAX_NUMBER})[:MAX_TOKENS]


def settings_of(values: Mapping[str, object]) -> MapSettings:
    """Map settings from the page's controls (sliders may cross: they are put in order)."""
    first, last = sorted((int(values["first"]), int(values["last"])))  # type: ignore[call-overload]
    return MapSettings(
        method=str(values["method"] or "attention"),
        tokens=tuple(values["tokens"] or ()),  # type: ignore[arg-type]
        layers=(first, last),
        heads=head_choice(values["heads"]),
        remove_sinks=bool(values["sinks"]),
        relative=bool(values["relative"]),
        shared_scale=bool(values["same_scale"]),
    )


def head_choice(sent: object) -> HeadChoice:
    """mean, max or the number of a head; nothing is the mean."""
    text = "mean" if sent is None else str(sent).strip() or "mean"
    if text == "mean" or text == "max":
        return cast(HeadChoice, text)
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise UserError(
            "Unknown choice of heads",
            expected="mean, max or the number of a head, from 0",
            got=repr(text),
            field="heads",
        )
    return int(text)
