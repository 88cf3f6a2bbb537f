"""One app's scene desk: the services and what the page keeps on the server. No gradio."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import Cancelled, UserError, unexpected, unknown
from inference.inputs import Media
from inference.registry import TASKS
from inference.registry import task as find_task
from inference.schema import AdapterCard, AdapterEntry, PairPrediction, PairRequest
from training.adapters.promotion import promoted
from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.store.home import Home
from ui.shell.pictures import Pictures
from ui.shell.results import Results, Shelf
from ui.shell.runs import Runs
from ui.shell.services import Services
from ui.shell.visitors import Quota, Visitor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What the scene handlers work on; made once for each app."""

    services: Services
    results: Results = field(default_factory=Results)
    runs: Runs = field(default_factory=Runs)
    pictures: Pictures = field(default_factory=Pictures)
    quota: Quota = field(default_factory=Quota)
    batches: Shelf = field(default_factory=Shelf)

    def visitor(self, request: object) -> Visitor:
        """Who sent that request (a gr.Request, or None)."""
        return self.services.who(request)

    @property
    def home(self) -> Home:
        """Where corrections and jobs are kept; UserError where this app keeps nothing."""
        if self.services.home is None:
            raise UserError("This app keeps nothing", hint="Start it with --home FOLDER")
        return self.services.home


def ask_model(
    services: Services, image: Media, request: PairRequest, **more: Any
) -> PairPrediction:
    """Both sides' answers. What the model fails with unexpectedly goes to the log; the UserError
    says that it stopped. more: progress and cancelled, as `predict_pair` takes them."""
    try:
        return services.predict_pair(image, request, **more)
    except (UserError, Cancelled):
        raise
    except Exception as error:
        log.exception("the model stopped")
        raise unexpected("The model stopped with an unexpected error", error) from error


def adapters_for(visitor: Visitor, services: Services, task: str = "") -> list[AdapterEntry]:
    """The adapters that this visitor may use: of those trained here, who may not read about them
    gets only what is promoted or chosen by a flag. task: only those made for it; a card that names
    no task counts for all."""
    found, home = list(services.list_adapters()), services.home
    if home is not None and not visitor.reads("adapters on trial"):
        try:
            used = {promoted(home, name) for name in {e.card.task for e in found if e.card}}
        except UserError:  # a store that cannot be read hides no other adapter
            used = set()
        used.add(services.default_adapter())
        found = [
            e for e in found
            if e.name in used or not Path(e.source).is_relative_to(home.adapters)
        ]  # fmt: skip
    return [e for e in found if not task or e.card is None or e.card.task == task]


def check_adapter(visitor: Visitor, services: Services, name: str | None) -> str | None:
    """The adapter's name if it can be used, None for the base alone, else a UserError."""
    if not name:
        return None
    offered = adapters_for(visitor, services)
    entry = next((e for e in offered if e.name == name), None)
    if entry is None:
        names = [e.name for e in offered]
        raise unknown("adapter", name, names or ["(none is installed)"], field="adapter")
    if entry.problem:
        raise UserError(
            f"The adapter {name!r} cannot be used",
            got=entry.problem,
            hint="Choose another one or the base alone",
            field="adapter",
        )
    return name


def adapter_entry(services: Services, name: str | None) -> AdapterEntry | None:
    """The adapter of that name among those that the app knows."""
    return next((e for e in services.list_adapters() if e.name == name), None)


def adapter_choices(visitor: Visitor, services: Services, task: str = "") -> list[tuple[str, str]]:
    """(label, value) for the chooser; the base alone comes last."""
    found = []
    for entry in adapters_for(visitor, services, task):
        how = "cannot be used" if entry.problem else "head" if entry.has_head else "text only"
        found.append((f"{entry.name} ({how})", entry.name))
    return [*found, ("None: base alone", "")]


def usual_adapter(visitor: Visitor, services: Services, task: str) -> str:
    """The adapter that is chosen for a task at first: the one in use, else any that was made for
    it, else none ("")."""
    offered = [entry.name for entry in adapters_for(visitor, services, task)]
    usual = services.default_adapter()
    return usual if usual in offered and usual else next(iter(offered), "")


def task_choices(media: str) -> list[tuple[str, str]]:
    """(label, name) of the tasks that take that kind of media: "image" or "clip"."""
    return [(known.label, name) for name, known in TASKS.items() if find_task(name).media == media]


def photographed_card(services: Services) -> AdapterCard | None:
    """The first adapter's card that says how it does on photographs: what is trained here is never
    measured on them, what came with the app is."""
    cards = (entry.card for entry in services.list_adapters())
    return next((card for card in cards if card and card.extra.get("photos")), None)


def unfinished_job(desk: Desk) -> JobRow | None:
    """The training job that runs now, else the next in the queue."""
    if desk.services.home is None:
        return None
    try:
        found = jobs.jobs(desk.services.home, ("running", "cancelling", "queued"), limit=1)
    except UserError:  # a store that cannot be read hides no page
        return None
    return found[0] if found else None
