"""The language of signs: name, colour and shape of each kind of point, once for the page, the
exported image and figures. Never colour alone.

A mark is drawn round (0, 0) in pixels of the screen; whoever places it keeps that size at any zoom.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from inference.fields import Point
from ui.components.colours import BASE, FINETUNED, HUMAN

INK = "#111827"
_PLUS = "M-3-11h6v8h8v6h-8v8h-6v-8h-8v-6h8z"
_DIAMOND = "M0-11 11 0 0 11-11 0z"


@dataclass(frozen=True)
class Mark:
    name: str
    colour: str
    svg: str


MARKS: dict[str, Mark] = {
    "truth": Mark(
        "Ground truth", "#FFFFFF",
        f'<circle r="15" fill="none" stroke="{INK}" stroke-width="7"/>'
        '<circle r="15" fill="none" stroke="#fff" stroke-width="3"/>',
    ),
    "base": Mark(
        "Base", BASE,
        '<circle r="8" fill="rgba(255,255,255,.5)" stroke="#fff" stroke-width="8"/>'
        f'<circle r="8" fill="none" stroke="{BASE}" stroke-width="4"/>',
    ),
    "finetuned": Mark(
        "Fine-tuned", FINETUNED,
        f'<path d="{_DIAMOND}" fill="{FINETUNED}" stroke="#fff" stroke-width="2.5"/>',
    ),
    "head": Mark(
        "Head's point, not in the answer", FINETUNED,
        f'<path d="{_DIAMOND}" fill="none" stroke="#fff" stroke-width="6"/>'
        f'<path d="{_DIAMOND}" fill="none" stroke="{FINETUNED}" stroke-width="3"/>',
    ),
    "human": Mark(
        "Your correction", HUMAN,
        f'<path d="{_PLUS}" fill="{HUMAN}" stroke="#fff" stroke-width="2"/>',
    ),
    "rejected": Mark(
        "Rejected correction", HUMAN,
        f'<path d="{_PLUS}" fill="{HUMAN}" stroke="#fff" stroke-width="2" opacity=".45"/>',
    ),
}  # fmt: skip


def placed(kind: str, point: Point) -> str:
    """SVG of a mark at its place, in pixels of the original image, with a title for the pointer and
    the point's box where it has one. kind: of MARKS; "KIND:NAME" writes the name under the mark."""
    kind, _, beside = kind.partition(":")
    mark, name = MARKS[kind], escape(beside)
    x, y = f"{point.x_px:.1f}", f"{point.y_px:.1f}"
    area = label = ""
    if point.box_px is not None:
        x1, y1, x2, y2 = point.box_px
        area = (
            f'<rect x="{x1:g}" y="{y1:g}" width="{x2 - x1:g}" height="{y2 - y1:g}" fill="none" '
            f'stroke="{mark.colour}" stroke-width="3" vector-effect="non-scaling-stroke"/>'
        )
    if name:
        label = (
            f'<text y="30" text-anchor="middle" font-size="14" font-weight="700" fill="#fff" '
            f'stroke="{INK}" stroke-width="3" paint-order="stroke">{name}</text>'
        )
    return (
        f'{area}<g class="sl-point" data-kind="{kind}" data-x="{x}" data-y="{y}" '
        f'style="transform:translate({x}px,{y}px) scale(var(--sl-px,1))">'
        f"<title>{name or mark.name}: ({point.x_px:.0f}, {point.y_px:.0f}) px</title>{mark.svg}"
        f"{label}</g>"
    )
