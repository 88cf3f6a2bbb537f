"""Loading and unloading adapters from the page. Plain functions, no gradio."""

from __future__ import annotations

from inference.errors import UserError
from ui.shell.desk import Desk, adapter_entry


def load(desk: Desk, source: str) -> tuple[str, str]:
    """Loads an adapter from a folder or hub id: the one to choose now, and what happened."""
    source = (source or "").strip()
    if not source:
        raise UserError(
            "No adapter named", expected="a folder or a Hugging Face id", field="adapter"
        )
    entry = desk.services.load_adapter(source)
    how = "its head gives the point" if entry.has_head else "it has no head: points come from text"
    return entry.name, f"Loaded {entry.name}; {how}. Press Compare to use it."


def unload(desk: Desk, name: str) -> tuple[str, str]:
    """Takes an adapter out of memory: the default one, to choose now, and what happened."""
    if not name or adapter_entry(desk.services, name) is None:
        raise UserError("No adapter is chosen, so there is none to unload", field="adapter")
    desk.services.unload_adapter(name)
    left = desk.services.default_adapter()
    return left if left and left != name else "", f"Unloaded {name}."
