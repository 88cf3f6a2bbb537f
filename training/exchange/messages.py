"""Chat rows: a task's prompt and the text that a model is trained to say, written and read.

For the hazard task these are INSIGHT's exact sentences (Sec. IV-A and Table I): a user turn
"<image> Which area ...?" and an assistant turn "The area around (x,y) should be paid more attention
to." Coordinates are pixels of the original image, as the paper's labels are; whole numbers, so half
a pixel is lost at most. Reading goes through the task's parser, since other people's rows vary.
Knows no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.errors import UserError
from inference.fields import Value
from inference.tasks.base import WH, Task

FRAME = "original_px"
IMAGE_MARK = "<image>"
MAX_TURNS = 64
_ASSISTANTS = {"assistant", "gpt"}


def to_messages(task: Task, values: Mapping[str, Value], image_wh: WH) -> list[dict[str, str]]:
    """The two turns; [] where there is no value of the main field."""
    if task.main not in values:
        return []
    return [
        {"role": "user", "content": f"{IMAGE_MARK} {task.prompt}"},
        {"role": "assistant", "content": task.target_text(values, image_wh, FRAME, None)},
    ]


def from_messages(task: Task, messages: Any, image_wh: WH) -> Mapping[str, Value]:
    """Values by field, in the last assistant turn.

    Turns are {"role", "content"} (user, assistant) or {"from", "value"} (human, gpt).

    Raises:
        UserError: (field "messages") why the row has no value of the main field.
    """
    turns = _turns(messages)
    answers = [text for who, text in turns if who in _ASSISTANTS]
    if not answers:
        raise _bad("No assistant turn", "a user turn and an assistant turn", _roles(turns))
    answer = task.parse(answers[-1], image_wh, FRAME, None)
    if task.main not in answer.values:
        label = task.main_field.label.lower()
        why = answer.missing.get(task.main, "")
        raise _bad(f"No {label}", f"a {label} that the task's parser reads", why)
    return answer.values


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
