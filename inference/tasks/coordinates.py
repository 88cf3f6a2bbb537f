"""Numbers in a model's text, and the frames they are written in.

Turns text into a point in original pixels or says in words why there is none. Knows no task and
no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from inference.errors import unknown
from inference.fields import Point, Span

WH = tuple[int, int]
LONGER_SIDE = 512  # INSIGHT resizes images so that the longer side has this many pixels
TOLERANCE = 0.005  # of a frame's side: numbers this far outside are put on the border


@dataclass(frozen=True)
class Frame:
    """size(image_wh, resized_wh): width and height of the frame in its own units."""

    label: str
    size: Callable[[WH, WH | None], tuple[float, float]]


def _longer512(image_wh: WH, _: WH | None) -> tuple[float, float]:
    scale = LONGER_SIDE / max(image_wh)
    return image_wh[0] * scale, image_wh[1] * scale


FRAMES: dict[str, Frame] = {
    "original_px": Frame("pixels of the original image", lambda i, _: (i[0], i[1])),
    "resized_px": Frame("pixels of the image as the model saw it", lambda i, r: r or i),
    "norm1000": Frame("thousandths of the width and height", lambda *_: (1000.0, 1000.0)),
    "longer512": Frame("pixels after the longer side was made 512", _longer512),
}


def frame_size(frame: str, image_wh: WH, resized_wh: WH | None = None) -> tuple[float, float]:
    """Width and height of a frame, in its own units."""
    if frame not in FRAMES:
        raise unknown("coordinate frame", frame, FRAMES)
    return FRAMES[frame].size(image_wh, resized_wh)


def to_pixels(
    x: float, y: float, frame: str, image_wh: WH, resized_wh: WH | None = None
) -> tuple[float, float]:
    """A frame's position in original pixels."""
    width, height = frame_size(frame, image_wh, resized_wh)
    return x * image_wh[0] / width, y * image_wh[1] / height


def from_pixels(
    x_px: float, y_px: float, frame: str, image_wh: WH, resized_wh: WH | None = None
) -> tuple[float, float]:
    """An original-pixel position in a frame's units."""
    width, height = frame_size(frame, image_wh, resized_wh)
    return x_px * width / image_wh[0], y_px * height / image_wh[1]


_NUMBER = r"([-+]?\d{1,7}(?:\.\d{1,9})?)"
_SEP = r"\s*(?:,|;|\s)\s*"
_BOX = re.compile(
    rf"[(\[]\s*{_NUMBER}{_SEP}{_NUMBER}{_SEP}{_NUMBER}{_SEP}{_NUMBER}\s*[)\]]"
    rf"|[(\[]\s*{_NUMBER}{_SEP}{_NUMBER}\s*[)\]]\s*,?\s*[(\[]\s*{_NUMBER}{_SEP}{_NUMBER}\s*[)\]]"
)
_POINT = re.compile(rf"[(\[]\s*{_NUMBER}{_SEP}{_NUMBER}\s*[)\]]")
_NAMED = re.compile(
    rf"\bx\"?\s*[=:]\s*\"?{_NUMBER}\D{{1,12}}?y\"?\s*[=:]\s*\"?{_NUMBER}", re.IGNORECASE
)
# Without brackets only where the words say that a place follows: "March 3, 2024" is none, and
# neither is "10,000".
_BARE = re.compile(
    rf"(?:^\s*|>\s*|\b(?:at|around|near|point|position|location|coordinates?)[\s:]{{1,3}})"
    rf"{_NUMBER}(?:\s*,\s+|,(?!\d{{3}}\b)){_NUMBER}(?![\w%]|[.,]\d)",
    re.IGNORECASE,
)
_BOX_MARK = re.compile(r"box|\bbbox", re.IGNORECASE)
_NAN = re.compile(r"[(\[=:,]\s*[-+]?(?:nan|inf(?:inity)?)\b", re.IGNORECASE)
_ANY = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Written:
    """A point as it stands in a text: x and y in the text's units, and where it stands."""

    x: float
    y: float
    span: Span


def find_point(text: str) -> Written | str:
    """The first point written in the text, in whatever units it is written; else why there is none.

    Accepts (x,y), [x, y], x=.., y=.., {"point_2d": [x, y]}, <|box_start|>(x,y)<|box_end|>, "x, y",
    and boxes, of which it takes the centre: [x1, y1, x2, y2], or two points after a box mark.
    """
    if not text.strip():
        return "the answer is empty"
    if _NAN.search(text):
        return "the coordinates are not finite numbers"
    found = [w for w in (_box(text), _pair(_POINT, text), _pair(_NAMED, text)) if w]
    found = found or [w for w in (_pair(_BARE, text),) if w]
    if found:
        return min(found, key=lambda w: w.span[0])  # a box before the point that opens it
    numbers = _ANY.findall(text)
    if not numbers:
        return "the answer has no numbers"
    if len(numbers) == 1:
        return f"the answer has only one number, {numbers[0]}"
    return "the answer has numbers, but none written as a point such as (x,y)"


def _pair(pattern: re.Pattern[str], text: str) -> Written | None:
    match = pattern.search(text)
    return match and Written(float(match[1]), float(match[2]), match.span())


def _box(text: str) -> Written | None:
    match = _BOX.search(text)
    if match is None:
        return None
    # Two points side by side are a box only where the text says so (Qwen's box marks).
    if match[1] is None and not _BOX_MARK.search(text[: match.start()]):
        return None
    x1, y1, x2, y2 = (float(g) for g in match.groups() if g is not None)
    return Written((x1 + x2) / 2, (y1 + y2) / 2, match.span())


def parse_point(text: str, image_wh: WH, frame: str, resized_wh: WH | None = None) -> Point | str:
    """The point in a text, in original pixels with its span of the text, or why there is none.

    Numbers up to TOLERANCE outside the frame are put on the border; further out they are refused,
    since a clipped wrong number would be taken for an answer.
    """
    found = find_point(text)
    if isinstance(found, str):
        return found
    width, height = frame_size(frame, image_wh, resized_wh)
    x, y = found.x, found.y
    inside_x = -TOLERANCE * width <= x <= (1 + TOLERANCE) * width
    inside_y = -TOLERANCE * height <= y <= (1 + TOLERANCE) * height
    if not (inside_x and inside_y):
        return (
            f"({x:g}, {y:g}) lies outside the image: expected x from 0 to {width:g} and y from "
            f"0 to {height:g} in {FRAMES[frame].label}"
        )
    x_px, y_px = to_pixels(x, y, frame, image_wh, resized_wh)
    x_px = min(max(x_px, 0.0), float(image_wh[0]))
    y_px = min(max(y_px, 0.0), float(image_wh[1]))
    return Point(x_px, y_px, source="text", span=found.span)
