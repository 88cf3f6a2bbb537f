"""INSIGHT's chat rows: the paper's exact sentences, written and read.

A row is a user turn "<image> Which area ...?" and an assistant turn "The area around (x,y) should
be paid more attention to." (INSIGHT, Sec. IV-A and Table I). Coordinates are pixels of the
original picture, as the paper's labels are; whole numbers, so half a pixel is lost at most.
Reading takes any bracketed point, since other people's rows vary. Knows no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from inference.errors import UserError
from inference.fields import Point
from inference.tasks.coordinates import parse_point
from inference.tasks.hazard import PROMPT, target_text

FRAME = "original_px"
IMAGE_MARK = "<image>"
MAX_TURNS = 64
_SENTENCE = re.compile(
    r"the area around \(\s*[-+\d.]+\s*,\s*[-+\d.]+\s*\) should be paid more attention to\.?",
    re.IGNORECASE,
)
_ASSISTANTS = {"assistant", "gpt"}


@dataclass(frozen=True)
class Said:
    """What a row says: the point in original pixels, and the words beside the paper's sentence."""

    point_px: tuple[float, float]
    rationale: str


def to_messages(point_px: tuple[float, float], image_wh: tuple[int, int]) -> list[dict[str, str]]:
    """The two turns for a point."""
    answer = target_text(Point(*point_px, source="human"), image_wh, FRAME)
    return [
        {"role": "user", "content": f"{IMAGE_MARK} {PROMPT}"},
        {"role": "assistant", "content": answer},
    ]


def from_messages(messages: Any, image_wh: tuple[int, int]) -> Said:
    """The point in the last assistant turn.

    Turns are {"role", "content"} (user, assistant) or {"from", "value"} (human, gpt).

    Raises:
        UserError: (field "messages") why the row has no point.
    """
    turns = _turns(messages)
    answers = [text for who, text in turns if who in _ASSISTANTS]
    if not answers:
        raise _bad("No assistant turn", "a user turn and an assistant turn", _roles(turns))
    parsed = parse_point(answers[-1], image_wh, FRAME)
    if isinstance(parsed, str):
        raise _bad("No hazard point", "(x,y) in original pixels", parsed)
    beside = " ".join(part.strip() for part in _SENTENCE.split(answers[-1]))
    return Said((parsed.x_px, parsed.y_px), beside.strip())


def _turns(messages: Any) -> list[tuple[str, str]]:
    if not isinstance(messages, (list, tuple)) or not messages:
        raise _bad("No messages", "a list of turns", type(messages).__name__)
    if len(messages) > MAX_TURNS:
        raise _bad("Too many turns", f"at most {MAX_TURNS}", str(len(messages)))
    return [_turn(turn) for turn in messages]


def _turn(turn: Any) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise _bad("A turn is not an object", "role and content", type(turn).__name__)
    who = turn.get("role", turn.get("from"))
    said = turn.get("content", turn.get("value"))
    if isinstance(said, list):  # OpenAI's parts
        said = " ".join(str(p.get("text") or "") for p in said if isinstance(p, dict))
    if not isinstance(who, str) or not isinstance(said, str):
        got = f"{type(who).__name__} and {type(said).__name__}"
        raise _bad("A turn lacks its role or its text", "two texts", got)
    return who.lower(), said


def _roles(turns: list[tuple[str, str]]) -> str:
    return ", ".join(who[:20] for who, _ in turns)


def _bad(message: str, expected: str, got: str) -> UserError:
    return UserError(message, expected=expected, got=got, field="messages")
