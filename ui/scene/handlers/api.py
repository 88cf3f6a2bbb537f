"""What the documented API does. Plain functions, no gradio; UserError for wrong arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explain.types import MapSettings
from inference.errors import UserError, unknown
from inference.schema import SIDES
from ui.scene.handlers.downloads import as_numbers
from ui.scene.handlers.run import head_choice
from ui.shell.address import MAX_NUMBER, MAX_TOKENS, ViewSettings
from ui.shell.arguments import whole
from ui.shell.desk import Desk, SceneForm, ask_model, default_prompt, prepare
from ui.shell.visitors import Visitor, require


def predict(
    visitor: Visitor, desk: Desk, image: str | None, prompt: str | None, adapter: str | None,
    forced: str | None, max_new_tokens: float | None,
) -> dict[str, Any]:  # fmt: skip
    """Both sides' answers and default maps, as JSON. The result stays available for `maps`."""
    require(visitor, "viewer", "Asking the model")
    if forced not in SIDES:
        raise unknown("side", forced or "", SIDES, field="forced")
    services = desk.services
    adapter = adapter or ""
    chosen = {"": services.default_adapter(), "none": None}.get(adapter, adapter)
    form = SceneForm(image, None, prompt or default_prompt(services), chosen, forced)
    order, picture = prepare(visitor, desk, form, max_new_tokens)
    result = desk.results.put(ask_model(services, picture, order.request), order.path)
    return as_numbers(visitor, desk, result.id, ViewSettings())


def maps(
    visitor: Visitor, desk: Desk, result: str | None, method: str | None, tokens: str | None,
    layers: tuple[float | None, float | None], heads: str | None, switches: Mapping[str, bool],
) -> dict[str, Any]:  # fmt: skip
    """Maps of a finished result under other settings."""
    require(visitor, "viewer", "Looking at a result")
    services = desk.services
    if not method or method not in services.explainers:
        raise unknown("method", method or "", services.explainers, field="method")
    first = whole("first_layer", layers[0], 0, MAX_NUMBER)
    last = whole("last_layer", layers[1], -1, MAX_NUMBER)
    settings = MapSettings(
        method=method, tokens=_tokens(tokens or ""), layers=(first, last),
        heads=head_choice(heads), **{key: bool(value) for key, value in switches.items()},
    )  # fmt: skip
    return as_numbers(visitor, desk, result or "", ViewSettings(settings))


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
