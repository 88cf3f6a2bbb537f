"""Text to points in original pixels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import UserError
from inference.fields import Point, Text, check_answer
from inference.tasks import hazard
from inference.tasks.coordinates import FRAMES, parse_point, to_pixels

WH = (1280, 720)

GOOD = [
    ("The area around (640,360) should be paid more attention to.", (640, 360)),
    ("The area around ( 640 , 360 ) should", (640, 360)),
    ("[640, 360]", (640, 360)),
    ("(640; 360)", (640, 360)),
    ("(640 360)", (640, 360)),
    ("x=640, y=360", (640, 360)),
    ("X: 640 Y: 360", (640, 360)),
    ("x = 640.5 and y = 360.25", (640.5, 360.25)),
    ('{"point_2d": [640, 360], "label": "car"}', (640, 360)),
    ('```json\n[{"point_2d": [640, 360]}]\n```', (640, 360)),
    ('{"x": 640, "y": 360}', (640, 360)),
    ('{"bbox_2d": [600, 300, 680, 420]}', (640, 360)),
    ("<|box_start|>(640,360)<|box_end|>", (640, 360)),
    ("<|box_start|>(600,300),(680,420)<|box_end|>", (640, 360)),
    ("<point>640, 360</point>", (640, 360)),
    ("It is at 640, 360.", (640, 360)),
    ("640, 360", (640, 360)),
    ("coordinates: 640, 360", (640, 360)),
    ("\u0661\u0662, \u0663", (12, 3)),
    ("(640,360) and later (10,20)", (640, 360)),
    ("first (10,20), then [600, 300, 680, 420]", (10, 20)),
    ("In 2024 the car at (640,360)", (640, 360)),
    ("About 80 % sure: (640,360)", (640, 360)),
    ("(640.0,360.0)", (640, 360)),
    ("(+640,+360)", (640, 360)),
    ("(0,0)", (0, 0)),
    ("(1280,720)", (1280, 720)),
    ("(1283,722)", (1280, 720)),
    ("(-3,-2)", (0, 0)),
]

BAD = [
    ("", "empty"),
    ("   \n", "empty"),
    ("the red car", "no numbers"),
    ("x, y", "no numbers"),
    ("(x,y)", "no numbers"),
    ("around (640", "only one number"),
    ("(640,)", "only one number"),
    ("90%", "only one number"),
    ("in 2024", "only one number"),
    ("(nan, 360)", "not finite"),
    ("(640, inf)", "not finite"),
    ("x=NaN, y=3", "not finite"),
    ("between 2023 and 2024 it rained", "none written as a point"),
    ("3 cars, 2 lanes", "none written as a point"),
    ("50%, 60%", "none written as a point"),
    ("(6400,360)", "outside the image"),
    ("(640,-360)", "outside the image"),
    ("(640,3600)", "outside the image"),
    ("(99999999999999999999,1)", "none written as a point"),
    ("(1,2,3)", "none written as a point"),
    ("((((((((", "no numbers"),
    ("On March 3, 2024 it rained", "none written as a point"),
    ("10,000 km", "none written as a point"),
    ("It drove at 10,000 rpm", "none written as a point"),
    ("Cars: 3, 5 and 7", "none written as a point"),
    ("(" * 50_000 + "1", "only one number"),
    ("1 " * 50_000, "none written as a point"),
    ("1," * 20_000 + "x", "none written as a point"),
]


@pytest.mark.parametrize(("text", "point"), GOOD, ids=[t[:40] for t, _ in GOOD])
def test_finds_the_point(text, point):
    parsed = parse_point(text, WH, "original_px")
    assert isinstance(parsed, Point), parsed
    assert (parsed.x_px, parsed.y_px) == point
    assert parsed.source == "text"
    first, last = parsed.span or (0, 0)
    assert sum(c.isdigit() for c in text[first:last]) >= 2  # where it stands in the text


@pytest.mark.parametrize(("text", "reason"), BAD, ids=[t[:40] for t, _ in BAD])
def test_says_why_there_is_none(text, reason):
    parsed = parse_point(text, WH, "original_px")
    assert isinstance(parsed, str)
    assert reason in parsed


@given(text=st.text(max_size=300), reason=st.text(max_size=60))
def test_any_hazard_answer_fits_the_task(text, reason):
    for said in (text, f"The area around (3,4) should be paid more attention to. {reason}"):
        answer = check_answer(hazard.TASK.fields, hazard.parse(said, WH, "norm1000"))
        if point := answer.values.get("point"):
            assert 0 <= point.x_px <= WH[0] and 0 <= point.y_px <= WH[1]
        else:
            assert answer.missing["point"]
        for value in answer.values.values():
            assert value.span is not None
            first, last = value.span
            assert 0 <= first <= last <= len(said)
            if isinstance(value, Text):
                assert said[first:last] == value.text


sides = st.integers(16, 8000)


@given(w=sides, h=sides, x=st.floats(0, 1), y=st.floats(0, 1), frame=st.sampled_from(list(FRAMES)))
def test_a_written_point_is_read_back_in_every_frame(w, h, x, y, frame):
    resized = (max(28, w // 56 * 28), max(28, h // 56 * 28))
    point = Point(x * w, y * h, source="truth")
    text = hazard.target_text({"point": point}, (w, h), frame, resized)
    parsed = hazard.parse(text, (w, h), frame, resized).values["point"]
    assert isinstance(parsed, Point)
    unit = 10 if frame == "norm1000" else 1
    step_x, step_y = to_pixels(unit, unit, frame, (w, h), resized)
    # Half a step of rounding; a whole one at the border of a frame with a fractional size.
    assert abs(parsed.x_px - point.x_px) <= step_x + 1e-6
    assert abs(parsed.y_px - point.y_px) <= step_y + 1e-6


def test_frames_scale_as_they_say():
    assert to_pixels(500, 500, "norm1000", (1280, 720)) == (640, 360)
    assert to_pixels(256, 144, "longer512", (1280, 720)) == (640, 360)
    assert to_pixels(140, 70, "resized_px", (1280, 720), (280, 140)) == (640, 360)
    assert to_pixels(640, 360, "original_px", (1280, 720), (280, 140)) == (640, 360)


def test_unknown_frame_lists_the_known_ones():
    with pytest.raises(UserError, match="norm1000"):
        to_pixels(1, 1, "furlongs", (10, 10))


def test_the_papers_sentence():
    text = hazard.target_text({"point": Point(640.4, 359.6)}, WH, "original_px")
    assert text == "The area around (640,360) should be paid more attention to."


@pytest.mark.parametrize("prompt", ["", "  \n\t", "x" * 2001, "x" * 10_000])
def test_bad_prompts(prompt):
    with pytest.raises(UserError) as caught:
        hazard.TASK.validate_prompt(prompt)
    assert caught.value.field == "prompt"
    assert caught.value.expected


def test_good_prompt_is_stripped():
    assert hazard.TASK.validate_prompt("  Where?  ") == "Where?"
    assert hazard.TASK.validate_prompt("x" * 2000) == "x" * 2000
