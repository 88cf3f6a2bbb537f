"""What a task is: its answer's fields, prompts, parser, target text. Knows no model, no page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from inference.errors import UserError, unknown
from inference.fields import Answer, Field, Value, value_from_json

WH = tuple[int, int]
MAX_PROMPT = 2000  # characters


def validate_prompt(text: str) -> str:
    """The prompt without surrounding space.

    Raises:
        UserError: it is empty or longer than MAX_PROMPT characters.
    """
    stripped = text.strip()
    if not stripped:
        raise UserError(
            "The prompt is empty", expected=f"1 to {MAX_PROMPT} characters", field="prompt"
        )
    if len(stripped) > MAX_PROMPT:
        raise UserError(
            "The prompt is too long",
            expected=f"at most {MAX_PROMPT} characters",
            got=f"{len(stripped)}",
            field="prompt",
        )
    return stripped


@dataclass(frozen=True)
class Task:
    """fields: of the answer, in order; main: name of the one that promotion looks at. notes: what
    a person may add that no model answers. absent: what it is called where there is nothing of the
    main field ("No hazard"), or "" where there always is something. media: what it is asked about.

    prompts: label -> text. parse(text, image_wh, frame, resized_wh). target_text(values by field,
    image_wh, frame, resized_wh): the text that a model is trained to say.
    """

    name: str
    fields: tuple[Field, ...]
    main: str
    prompt: str
    prompts: Mapping[str, str]
    neutral_prompt: str
    parse: Callable[[str, WH, str, WH | None], Answer]
    target_text: Callable[[Mapping[str, Value], WH, str, WH | None], str]
    validate_prompt: Callable[[str], str] = validate_prompt
    notes: tuple[Field, ...] = ()
    absent: str = ""
    media: Literal["image", "clip"] = "image"

    def __post_init__(self) -> None:
        if self.main not in [f.name for f in self.fields]:
            raise unknown("field", self.main, [f.name for f in self.fields])

    def field(self, name: str) -> Field:
        """The field or note of that name; UserError with the alternatives where there is none."""
        for one in (*self.fields, *self.notes):
            if one.name == name:
                return one
        known = [one.name for one in (*self.fields, *self.notes)]
        raise unknown("field", name, known, name or "values")  # an error always names its field

    def check_media(self, kind: str) -> None:
        """UserError where the task takes the other kind of media."""
        if kind != self.media:
            article = {"image": "an image", "clip": "a clip"}
            raise UserError(
                f"The task {self.name!r} takes {article[self.media]}",
                expected=article[self.media],
                got=article.get(kind, kind),
                field=self.media,
            )

    @property
    def main_field(self) -> Field:
        return self.field(self.main)

    @property
    def points(self) -> tuple[str, ...]:
        """Names of the fields that are points."""
        return tuple(f.name for f in self.fields if f.kind == "point")

    def values(self, stored: Mapping[str, Any] | None) -> dict[str, Value]:
        """Values by field, of JSON. Raises UserError where one is not this task's."""
        return {k: value_from_json(self.field(k), v) for k, v in (stored or {}).items()}
