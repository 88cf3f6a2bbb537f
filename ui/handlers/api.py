"""What the documented API does. Plain functions, no gradio; UserError for wrong arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from explain.types import HeadChoice, MapSettings
from inference.errors import UserError, unknown
from inference.schema import SIDES
from ui.address import ViewSettings
from ui.handlers.desk import Desk, SceneForm, default_prompt, prepare
from ui.handlers.downloads import as_numbers
from ui.visitors import Visitor, require


def predict(
    visitor: Visitor, desk: Desk, image: str | None, prompt: str, adapter: str, forced: str,
    max_new_tokens: int,
) -> dict[str, Any]:  # fmt: skip
    """Both sides' answers and default maps, as JSON. The result stays available for `maps`."""
    require(visitor, "viewer", "Asking the model")
    if forced not in SIDES:
        raise unknown("side", forced, SIDES, field="forced")
    services = desk.services
    chosen = {"": services.default_adapter(), "none": None}.get(adapter, adapter)
    form = SceneForm(image, None, prompt or default_prompt(services), chosen, forced)
    order = prepare(desk, form, max_new_tokens)
    pair = services.predict_pair(order.image, order.request)
    result = desk.results.put(pair, order.path)
    return as_numbers(visitor, desk, result.id, ViewSettings())


def maps(
    visitor: Visitor, desk: Desk, result: str, method: str, tokens: str,
    layers: tuple[int, int], heads: str, switches: Mapping[str, bool],
) -> dict[str, Any]:  # fmt: skip
    """Maps of a finished result under other settings."""
    require(visitor, "viewer", "Looking at a result")
    services = desk.services
    if method not in services.explainers:
        raise unknown("method", method, services.explainers, field="method")
    settings = MapSettings(
        method=method, tokens=_numbers(tokens), layers=layers, heads=_heads(heads),
        **{key: bool(value) for key, value in switches.items()},
    )  # fmt: skip
    return as_numbers(visitor, desk, result, ViewSettings(settings))


def _numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise UserError(
            "Not a list of tokens", expected='numbers such as "3,4"', got=repr(text), field="tokens"
        )
    return tuple(int(part) for part in parts)


def _heads(text: str) -> HeadChoice:
    text = str(text).strip()
    if text == "mean" or text == "max":
        return cast(HeadChoice, text)
    return _numbers(text)[0] if text else "mean"
