"""How each kind of field (inference.fields) is shown for two sides, and how a person corrects it.

A module a kind, each with `words(field, value)`: the value as HTML; `compare(field, base, tuned,
target, diagonal_px)`: what changed between the sides, as (loud, quiet) text; `read(field, sent,
case)`: the value, or None, of what `ui.components.editors` holds. No gradio.
"""

from __future__ import annotations

from html import escape
from types import ModuleType

from inference.correction import Fix
from inference.fields import Field
from inference.registry import task as find_task
from ui.components.fields import label, point, text

KINDS: dict[str, ModuleType] = {"point": point, "label": label, "text": text}


def kind_of(field: Field) -> ModuleType:
    """The module of a field's kind; text's for kinds that have none yet."""
    return KINDS.get(field.kind, text)


def said(fix: Fix) -> str:
    """A correction in a few words, as HTML: the verdict, then what is right."""
    task = find_task(fix.task)
    verdict = {"right": "Right", "wrong": "Wrong"}.get(fix.verdict, task.absent)
    parts = [escape(verdict)]
    parts += [kind_of(task.field(k)).words(task.field(k), v) for k, v in fix.values.items()]
    return " · ".join([*parts, *(["before seeing the answers"] if fix.five_second else [])])
