"""A list of buttons of which one is chosen: steps, jobs, adapters. A press becomes one event."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from ui.shell.events import asks


class Item(NamedTuple):
    """value: what a press sends. kind: of the sign, as a class of style. sign: before the name.
    spoken: for screen readers alone. tags: as HTML."""

    value: str
    name: str
    note: str
    kind: str = ""
    sign: str = ""
    spoken: str = ""
    tags: str = ""


def chooser(label: str, key: str, items: Iterable[Item], current: str | None) -> str:
    """key: of the data attribute that `clicks` listens to."""
    return (
        f'<nav aria-label="{label}"><ol class="sl-chooser">'
        f"{''.join(_item(item, key, item.value == current) for item in items)}</ol></nav>"
    )


def _item(item: Item, key: str, current: bool) -> str:
    here = ' aria-current="true"' if current else ""
    sign = f'<i aria-hidden="true">{item.sign}</i>' if item.sign else ""
    spoken = f'<span class="sl-spoken">, {item.spoken}</span>' if item.spoken else ""
    return (
        f'<li><button type="button" class="sl-item {item.kind}" data-{key}="{escape(item.value)}"'
        f'{here}><b>{sign}{escape(item.name)}</b><span class="sl-quiet">{escape(item.note)}</span>'
        f"{item.tags}{spoken}</button></li>"
    )


def clicks(key: str) -> str:
    """Script of an HTML piece whose [data-KEY] buttons become one event each."""
    return f"window.sightline.chooser(element, '{key}', {asks(key)});"
