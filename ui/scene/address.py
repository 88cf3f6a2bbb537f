"""The address of a scene: what is compared and how it is drawn, as query parameters, and back. The
options of the explainers come under their own names. No gradio.

A wrong value in a link is ignored, never an error: the rest of the link still works.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from explain.registry import all_options
from explain.types import MapSettings
from inference.registry import TASKS
from inference.schema import SIDES, Side
from ui.shell.address import query_of

DEFAULT_OPACITY = 0.75
MAX_NUMBER = 100_000
MAX_TOKENS = 512  # that a map is made for


@dataclass(frozen=True)
class ViewSettings:
    """How a finished result is drawn. A method "" is the first that can run: a hazard head's map
    where there is one. opacity: of the maps over the image, 0..1."""

    maps: MapSettings = field(default_factory=lambda: MapSettings(""))
    opacity: float = DEFAULT_OPACITY


@dataclass(frozen=True)
class SceneAddress:
    """A scene and its settings.

    example, image: id of an example, or sha256 of an image that this server still holds.
    prompt: None = the task's default. adapter: None = the default, "" = the base alone.
    """

    example: str | None = None
    image: str | None = None
    task: str = "hazard"
    prompt: str | None = None
    adapter: str | None = None
    forced: Side = "finetuned"
    view: ViewSettings = field(default_factory=ViewSettings)

    @property
    def has_case(self) -> bool:
        return self.example is not None or self.image is not None


def to_query(address: SceneAddress) -> str:
    """The query string, without "?"; defaults are left out so that links stay short. The map's
    options are expected without those that have their defaults."""
    maps = address.view.maps
    pairs: dict[str, Any] = {
        "example": address.example,
        "image": address.image,
        "task": address.task if address.task != "hazard" else None,
        "prompt": address.prompt,
        "adapter": "none" if address.adapter == "" else address.adapter,
        "forced": address.forced if address.forced != "finetuned" else None,
        "method": maps.method,
        "token": ",".join(map(str, maps.tokens)),
        "scale": None if maps.shared_scale else "own",
        **{name: _text(value) for name, value in maps.options.items()},
    }
    if address.view.opacity != DEFAULT_OPACITY:
        pairs["opacity"] = round(100 * address.view.opacity)
    return query_of(pairs)


def from_query(query: Mapping[str, str], adapters: Collection[str]) -> SceneAddress:
    """Reads a query. adapters: names of those that the visitor may use."""
    adapter = {"none": ""}.get(query.get("adapter", ""), query.get("adapter"))
    maps = MapSettings(
        method=query.get("method") or "",
        tokens=_numbers(query.get("token", "")),
        shared_scale=query.get("scale") != "own",
        options={name: query[name] for name in all_options() if name in query},
    )
    percent = _number(query.get("opacity", ""))
    forced = query.get("forced")
    return SceneAddress(
        example=query.get("example") or None,
        image=query.get("image") or None,
        task=query["task"] if query.get("task") in TASKS else "hazard",
        prompt=query.get("prompt") or None,
        adapter=adapter if adapter == "" or adapter in adapters else None,
        forced=forced if forced in SIDES else "finetuned",  # type: ignore[arg-type]
        view=ViewSettings(maps, DEFAULT_OPACITY if percent is None else min(percent, 100) / 100),
    )


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _number(text: str) -> int | None:
    ok = text.isascii() and text.isdigit() and len(text) <= 6
    return min(int(text), MAX_NUMBER) if ok else None


def _numbers(text: str) -> tuple[int, ...]:
    numbers = (_number(part) for part in text.split(",")[:MAX_TOKENS])
    return tuple(sorted({n for n in numbers if n is not None}))
