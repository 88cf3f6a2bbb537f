"""Free text: shown as it is, compared by being the same."""

from __future__ import annotations

from html import escape

from inference.fields import Field, Text, Value


def words(field: Field, value: Value) -> str:
    said = value.text if isinstance(value, Text) else str(value)
    return f"<q>{escape(said)}</q>"


def compare(
    field: Field, base: Value | None, tuned: Value | None, target: Value | None, diagonal_px: float
) -> tuple[str, str]:
    same = "The same" if base == tuned else "Another"
    return f"{same} {field.label.lower()}", ""


def read(field: Field, sent: str | None, case: str) -> Text | None:
    said = (sent or "").strip()
    return Text(said, source="human") if said else None
