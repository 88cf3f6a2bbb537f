"""What the documented API does. Plain functions, no gradio; UserError for wrong arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explain.types import MapSettings
from inference.errors import UserError, unknown
from inference.registry import TASKS
from inference.registry import task as find_task
from inference.schema import SIDES
from ui.scene.address import MAX_TOKENS, ViewSettings
from ui.scene.handlers.downloads import as_numbers
from ui.scene.handlers.run import SceneForm, prepare
from ui.shell.desk import Desk, ask_model
from ui.shell.visitors import Visitor


def predict(
    visitor: Visitor, desk: Desk, image: str | None, prompt: str | None, adapter: str | None,
    forced: str | None, max_new_tokens: float | None, task: str | None = "hazard",
) -> dict[str, Any]:  # fmt: skip
    """Both sides' answers and attention maps, as JSON. The result stays available for `maps`."""
    if forced not in SIDES:
        raise unknown("side", forced or "", SIDES, field="forced")
    if task not in TASKS:
        raise unknown("task", task or "", TASKS, field="task")
    services = desk.services
    adapter = adapter or ""
    chosen = {"": services.default_adapter(), "none": None}.get(adapter, adapter)
    form = SceneForm(image, None, task, prompt or find_task(task).prompt, chosen, forced)
    order, decoded = prepare(visitor, desk, form, max_new_tokens)
    result = desk.results.put(ask_model(services, decoded, order.request), order.path)
    return as_numbers(desk, result.id, ViewSettings(MapSettings()))


def maps(
    desk: Desk, result: str | None, method: str | None, tokens: str | None,
    shared_scale: bool, options: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Maps of a finished result under other settings. options: of the explainers, by name; those
    that the method does not have are ignored."""
    explainers = desk.services.explainers
    if not method or method not in explainers:
        raise unknown("method", method or "", explainers, field="method")
    own = {option.name: options[option.name] for option in explainers[method].options}
    settings = MapSettings(method, _tokens(tokens or ""), bool(shared_scale), own)
    return as_numbers(desk, result or "", ViewSettings(settings), strict=True)


def _tokens(text: str) -> tuple[int, ...]:
    """Each number once: a map of a token that is named twice is the same map."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise UserError(
            "Not a list of tokens", expected='numbers such as "3,4"', got=repr(text), field="tokens"
        )
    if len(parts) > MAX_TOKENS:
        raise UserError(
            "Too many tokens", expected=f"at most {MAX_TOKENS}", got=f"{len(parts):,}",
            field="tokens",
        )  # fmt: skip
    return tuple(sorted({int(part) for part in parts}))
