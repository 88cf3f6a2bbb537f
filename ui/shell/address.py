"""The address of a page: what is shown and how, as query parameters, and back. No gradio.

A wrong value in a link is ignored, never an error: the rest of the link still works.
A page writes its part with `query_of({"case": ...})`, as the value of a
`gr.HTML(js_on_load=ADDRESS_JS, elem_classes="sl-hidden")`, and reads it from
`request.query_params`. Links between pages are `./NAME?QUERY`; links of before, `?tab=NAME&QUERY`,
are turned into them by ui/shell/sightline.js.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from explain.types import HeadChoice, MapSettings
from inference.schema import SIDES, Side

DEFAULT_OPACITY = 0.75
MAX_NUMBER = 100_000
MAX_TOKENS = 512  # that a map is made for
# For the gr.HTML whose value is a query: the browser shows it in its address bar.
ADDRESS_JS = "watch('value', () => window.sightline.address(props.value || ''));"


def query_of(params: Mapping[str, object]) -> str:
    """The query string, without "?"; None and "" are left out."""
    return urlencode(
        [(key, str(value)) for key, value in params.items() if value not in (None, "")]
    )


@dataclass(frozen=True)
class ViewSettings:
    """How a finished result is drawn. opacity: of the maps over the picture, 0..1."""

    maps: MapSettings = field(default_factory=MapSettings)
    opacity: float = DEFAULT_OPACITY


@dataclass(frozen=True)
class SceneAddress:
    """A scene and its settings.

    example, image: id of an example, or sha256 of a picture that this server still holds.
    prompt: None = the default. adapter: None = the default, "" = the base alone.
    """

    example: str | None = None
    image: str | None = None
    prompt: str | None = None
    adapter: str | None = None
    forced: Side = "finetuned"
    view: ViewSettings = field(default_factory=ViewSettings)

    @property
    def has_case(self) -> bool:
        return self.example is not None or self.image is not None


def to_query(address: SceneAddress) -> str:
    """The query string, without "?"; defaults are left out so that links stay short."""
    maps, default = address.view.maps, MapSettings()
    pairs: list[tuple[str, Any]] = [
        (key, getattr(address, key))
        for key in ("example", "image", "prompt", "adapter")
        if getattr(address, key) is not None
    ]
    optional = {
        "forced": (address.forced, "finetuned"),
        "method": (maps.method, default.method),
        "layers": ("{}-{}".format(*maps.layers), "0--1"),
        "heads": (str(maps.heads), "mean"),
        "token": (",".join(map(str, maps.tokens)), ""),
        "sinks": ("removed" if maps.remove_sinks else "", ""),
        "relative": ("1" if maps.relative else "", ""),
        "scale": ("same" if maps.shared_scale else "own", "same"),
        "opacity": (round(100 * address.view.opacity), round(100 * DEFAULT_OPACITY)),
    }
    pairs += [(key, value) for key, (value, usual) in optional.items() if value != usual]
    return urlencode(pairs)


def from_query(query: Mapping[str, str], adapters: Collection[str]) -> SceneAddress:
    """Reads a query; whatever is missing or makes no sense stays at its default. adapters: names
    of those that the visitor may use."""
    adapter = query.get("adapter")
    maps = MapSettings(
        method=query.get("method") or "attention",
        tokens=_numbers(query.get("token", "")),
        layers=_layers(query.get("layers", "")),
        heads=_heads(query.get("heads", "")),
        remove_sinks=query.get("sinks") == "removed",
        relative=query.get("relative") == "1",
        shared_scale=query.get("scale") != "own",
    )
    percent = _number(query.get("opacity", ""))
    opacity = DEFAULT_OPACITY if percent is None else min(percent, 100) / 100
    forced = query.get("forced")
    address = SceneAddress(
        example=query.get("example") or None,
        image=query.get("image") or None,
        prompt=query.get("prompt") or None,
        adapter=adapter if adapter == "" or adapter in adapters else None,
        view=ViewSettings(maps, opacity),
    )
    return replace(address, forced=forced) if forced in SIDES else address  # type: ignore[arg-type]


def _number(text: str) -> int | None:
    ok = text.isascii() and text.isdigit() and len(text) <= 6
    return min(int(text), MAX_NUMBER) if ok else None


def _numbers(text: str) -> tuple[int, ...]:
    numbers = (_number(part) for part in text.split(",")[:MAX_TOKENS])
    return tuple(sorted({n for n in numbers if n is not None}))


def _layers(text: str) -> tuple[int, int]:
    """ "2-5", or "2--1" for "from 2 to the last"."""
    first, _, last = text.partition("-")
    start, stop = _number(first), -1 if last == "-1" else _number(last)
    if start is None or stop is None or (stop != -1 and stop < start):
        return 0, -1
    return start, stop


def _heads(text: str) -> HeadChoice:
    number = _number(text)
    if number is not None:
        return number
    return "max" if text == "max" else "mean"
