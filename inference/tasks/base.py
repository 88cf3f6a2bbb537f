"""What a task is: its answer's fields, prompts, parser, target text. Knows no model, no page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inference.errors import unknown
from inference.fields import Answer, Field, Point

WH = tuple[int, int]


@dataclass(frozen=True)
class Task:
    """fields: of the answer, in order; main: name of the one that promotion looks at.

    prompts: label -> text. parse(text, image_wh, frame, resized_wh). target_text(point,
    image_wh, frame, resized_wh).
    """

    name: str
    fields: tuple[Field, ...]
    main: str
    prompt: str
    prompts: Mapping[str, str]
    neutral_prompt: str
    parse: Callable[[str, WH, str, WH | None], Answer]
    target_text: Callable[[Point, WH, str, WH | None], str]
    validate_prompt: Callable[[str], str]

    def __post_init__(self) -> None:
        self.field(self.main)

    def field(self, name: str) -> Field:
        """The field of that name; UserError with the alternatives where there is none."""
        for one in self.fields:
            if one.name == name:
                return one
        raise unknown("field", name, [one.name for one in self.fields])
