"""INSIGHT's chat rows: the paper's sentences, and whatever other people's files hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.errors import UserError
from inference.fields import Point, Text
from inference.tasks.hazard import TASK
from training.evaluation.insight import from_messages
from training.exchange.sharegpt import to_messages

WH = (1280, 720)
PAPER = [  # INSIGHT, Table I, third row
    {
        "role": "user",
        "content": "<image> Which area should we pay more attention to in the current autonomous "
        "driving scenario?",
    },
    {
        "role": "assistant",
        "content": "The area around (866,371) should be paid more attention to.",
    },
]


def said(answer: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "<image> Where?"}, {"role": "assistant", "content": answer}]


def spoken(messages: Any, size_wh: tuple[int, int] = WH) -> tuple[tuple[float, float], str]:
    """The point and the reason, "" where there is none."""
    values = from_messages(TASK, messages, size_wh)
    point, reason = values["point"], values.get("reason")
    assert isinstance(point, Point) and (reason is None or isinstance(reason, Text))
    return point.xy, reason.text if reason else ""


def test_writes_the_papers_row() -> None:
    assert to_messages(TASK, {"point": Point(866.2, 370.7)}, WH) == PAPER
    assert to_messages(TASK, {}, WH) == []


@pytest.mark.parametrize(
    ("messages", "point", "reason"),
    [
        (PAPER, (866, 371), ""),
        (
            said("The area around (10, 20) should be paid more attention to. A child waits."),
            (10, 20),
            "A child waits.",
        ),
        (said("A dog at (5,6)."), (5, 6), ""),
        (said([{"type": "text", "text": "(7,8)"}]), (7, 8), ""),
        ([{"from": "human", "value": "x"}, {"from": "gpt", "value": "(4,5)"}], (4, 5), ""),
    ],
)
def test_reads_the_papers_and_other_peoples_rows(
    messages: Any, point: tuple[float, float], reason: str
) -> None:
    assert spoken(messages) == (point, reason)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "No messages"),
        ([], "No messages"),
        ("(1,2)", "No messages"),
        ([{"role": "user", "content": "(1,2)"}], "No assistant turn"),
        (["(1,2)"], "A turn is not an object"),
        ([{"role": "assistant"}], "lacks its role or its text"),
        (said("no idea"), "no numbers"),
        (said("The area around (nan,3) should be paid more attention to."), "not finite"),
        (said("The area around (1300,3) should be paid more attention to."), "outside"),
        (said("x") * 40, "Too many turns"),
    ],
)
def test_says_why_a_row_has_no_point(messages: Any, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as caught:
        from_messages(TASK, messages, WH)
    assert caught.value.field == "messages"


_TEXT = st.text(max_size=12) | st.just("(1,2")
_VALUE = st.none() | st.integers() | st.floats() | _TEXT | st.just([{"text": "(1,2"}])
_KEYS = st.sampled_from(["role", "content", "from", "value"])
_WHO = st.fixed_dictionaries({"role": st.just("assistant")}, optional={"content": _VALUE})
_TURN = _WHO | st.dictionaries(_KEYS, _VALUE, max_size=4) | _VALUE


@settings(max_examples=80, deadline=None)
@given(st.lists(_TURN, max_size=3) | _VALUE)
def test_any_json_gives_a_point_or_a_reason(messages: Any) -> None:
    try:
        (x, y), _ = spoken(messages)
    except UserError:
        return
    assert 0 <= x <= WH[0] and 0 <= y <= WH[1]
