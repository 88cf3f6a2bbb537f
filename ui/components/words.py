"""Times and numbers as texts, for all pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def when(stamp: str | None) -> str:
    """ "21 Nov 04:36 UTC" of an ISO time."""
    if not stamp:
        return ""
    try:
        at = datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        return stamp[:16]
    return f"{at.day} {at:%b %H:%M} UTC"


def moment(stamp: str) -> str:
    """ "2026-11-21 04:30 UTC" of an ISO time in UTC."""
    return f"{stamp[:16].replace('T', ' ')} UTC"


def count(n: int, what: str) -> str:
    """ "1 image", "2,000 images"."""
    return f"1 {what}" if n == 1 else f"{n:,} {what}s"


def bare(value: float, unit: str, signed: bool = False) -> str:
    """The number alone, with a true minus."""
    return _plain(value, unit, signed).replace("-", "−")


def _plain(value: float, unit: str, signed: bool) -> str:
    plus = "+" if signed else ""
    if unit == "%":
        return f"{value:{plus}.1f}"
    if abs(value) >= 100:
        return f"{value:{plus},.0f}"
    if unit == "px":
        return f"{value:{plus}.1f}"
    return f"{value:{plus}.3g}"


def setting(value: Any) -> str:
    """A setting's value in words."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else f"{value}"
