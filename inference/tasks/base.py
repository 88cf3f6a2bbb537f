"""What a task is: its prompts, its parser and its target text. Knows no model and no page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inference.schema import HazardPoint, ParsedAnswer

WH = tuple[int, int]


@dataclass(frozen=True)
class Task:
    """prompts: label -> text. parse(text, image_wh, frame, resized_wh). target_text(point,
    image_wh, frame, resized_wh)."""

    name: str
    prompt: str
    prompts: Mapping[str, str]
    neutral_prompt: str
    parse: Callable[[str, WH, str, WH | None], ParsedAnswer]
    target_text: Callable[[HazardPoint, WH, str, WH | None], str]
    validate_prompt: Callable[[str], str]
