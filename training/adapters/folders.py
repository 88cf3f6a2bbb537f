"""Where an adapter of a name lies: trained here, or built in. Reads JSON only."""

from __future__ import annotations

from pathlib import Path

from inference.adapters import discover
from inference.schema import AdapterEntry
from training.store.home import Home

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "examples" / "adapters"  # a path, not an import


def embedded() -> list[AdapterEntry]:
    """The built-in adapters."""
    return discover([EMBEDDED])


def adapter_folder(home: Home, name: str) -> Path | None:
    """The folder of the adapter that people know by that name, or None. One that was trained here
    goes before a built-in one."""
    own = home.adapters / name
    if own.parent == home.adapters and (own / "adapter_config.json").is_file():
        return own
    return next((Path(e.source) for e in embedded() if e.name == name), None)


def default_name(task: str) -> str | None:
    """The adapter that serves a task until another is promoted: the one that `default.txt` names,
    or None where that is for another task."""
    named = EMBEDDED / "default.txt"
    if not named.is_file():
        return None
    usual = named.read_text(encoding="utf-8").strip()
    for entry in embedded():
        if usual in (entry.name, Path(entry.source).name) and entry.card is not None:
            return entry.name if entry.card.task == task else None
    return None
