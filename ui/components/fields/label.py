"""Labels: one of a field's choices, compared by being the same."""

from __future__ import annotations

from html import escape

from inference.fields import Field, Label, Value


def words(field: Field, value: Value) -> str:
    assert isinstance(value, Label)
    share = (value.probabilities or {}).get(value.value)
    return f"<b>{escape(value.value)}</b>" + ("" if share is None else f" {100 * share:.0f} %")


def compare(
    field: Field, base: Value | None, tuned: Value | None, target: Value | None, diagonal_px: float
) -> tuple[str, str]:
    """Whether the label changed, and whether it is right now."""
    one, other, goal = (v.value if isinstance(v, Label) else "none" for v in (base, tuned, target))
    steps = f"{one} → {other}"
    if target is None:
        loud = f"Same {field.label.lower()}" if one == other else f"{field.label} changed"
        return loud, f"{steps}; correct it to score them"
    now = "right" if other == goal else "wrong"
    before = "still" if (one == goal) == (other == goal) else "now"
    return f"{field.label} {before} {now}", f"{steps}, expected {goal}"


def read(field: Field, sent: str | None, case: str) -> Label | None:
    if not sent:
        return None
    value = Label(sent, source="human")
    field.check(value)
    return value
