"""Images with their maps and marks, side by side: one SVG each, whose units are pixels of the
original image. `ui/components/panels.js` gives them one zoom, the modes, values on hover.

Knows no gradio: strings in, strings out.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from PIL import Image

from inference.fields import Point
from inference.schema import Heatmap
from ui.components.colours import HUMAN, diverging, inferno, rgb_text
from ui.components.marks import INK, MARKS, placed
from ui.components.markup import sign

MAX_COPY_PX = 1280  # of the image's longer side within a file

MODES = {
    "three": "All three",
    "two": "Side by side",
    "slider": "Slider",
    "flicker": "Flicker",
    "difference": "Difference",
}
# Dim and flat under a difference, so that blue and amber are its only colours.
GREY = (
    '<filter id="sl-grey" color-interpolation-filters="sRGB"><feColorMatrix values="'
    + ".11 .36 .04 0 .27 " * 3
    + '0 0 0 1 0"/></filter>'
)


@dataclass(frozen=True)
class Panel:
    """One image.

    kind: "base", "finetuned", "difference" or "photo"; its sign stands before the title.
    url: of the image's copy. vmax: end of the colour range, from 0 or, signed, from -vmax.
    points: by kind of mark (ui.components.marks). note: HTML beside the title. said: what the
    panel shows, for screen readers.
    """

    kind: str
    title: str
    url: str
    image_wh: tuple[int, int]
    heatmap: Heatmap | None = None
    vmax: float = 1.0
    points: Mapping[str, Point] = field(default_factory=dict)
    note: str = ""
    said: str = ""


def map_image(heatmap: Heatmap, vmax: float) -> tuple[str, tuple[float, float, float, float]]:
    """The map as a PNG of one pixel a token, in an address, and the box x, y, width, height in
    pixels of the original image over which it is stretched: each pixel then covers exactly its
    token's cell."""
    shade = diverging if heatmap.signed else inferno
    cells = np.array([[shade(float(v) / vmax) for v in row] for row in heatmap.values])
    cells[..., 3] *= 255
    file = io.BytesIO()
    Image.fromarray(np.round(cells).astype(np.uint8), "RGBA").save(file, "PNG")
    x1, y1, x2, y2 = heatmap.grid.area_px
    address = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    return address, (x1, y1, x2 - x1, y2 - y1)


def svg(panel: Panel) -> str:
    """The panel's drawing."""
    width, height = panel.image_wh
    grey = panel.kind == "difference"
    dimmed = ' filter="url(#sl-grey)"' if grey else ""
    layers = [
        f'<image class="sl-photo" href="{escape(panel.url)}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none"{dimmed}/>'
    ]
    values = ""
    if panel.heatmap is not None:
        address, (x, y, w, h) = map_image(panel.heatmap, panel.vmax)
        layers.append(
            f'<image class="sl-map" href="{address}" x="{x:g}" y="{y:g}" width="{w:g}" '
            f'height="{h:g}" preserveAspectRatio="none" style="image-rendering:pixelated;'
            'opacity:var(--sl-opacity,.75)"/>'
        )
        values = f" data-map='{_values(panel.heatmap)}'"
    layers.append(_between(panel.points) if grey else "")
    layers += [placed(kind, point) for kind, point in panel.points.items()]
    label = escape(f"{panel.title}. {panel.said}".strip())
    draft = (
        f'<g class="sl-draft" style="display:none"><rect fill="none" stroke="{HUMAN}" '
        'stroke-width="3" vector-effect="non-scaling-stroke"/>'
        f'<g class="sl-point">{MARKS["human"].svg}</g></g>'
    )
    return (
        f'<svg class="sl-svg" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'role="img" tabindex="0" aria-label="{label}"{values}>{GREY if grey else ""}'
        f"{''.join(layers)}{draft}</svg>"
    )


def _values(heatmap: Heatmap) -> str:
    """What the pointer reads."""
    rows = [[float(f"{v:.3g}") for v in row] for row in heatmap.values]
    told = {"area": heatmap.grid.area_px, "unit": heatmap.unit or "value", "values": rows}
    return escape(json.dumps(told, separators=(",", ":")))


def _between(points: Mapping[str, Point]) -> str:
    """The line from the base's point to the fine-tuned one, and its length."""
    base, tuned = points.get("base"), points.get("finetuned") or points.get("head")
    if base is None or tuned is None:
        return ""
    ends = f'x1="{base.x_px:.1f}" y1="{base.y_px:.1f}" x2="{tuned.x_px:.1f}" y2="{tuned.y_px:.1f}"'
    # Over the upper mark, where neither mark hides it; under it at the image's upper edge.
    upper = min((base, tuned), key=lambda p: p.y_px)
    down = 28 if upper.y_px < 60 else -18
    place = f"transform:translate({upper.x_px:.1f}px,{upper.y_px:.1f}px) scale(var(--sl-px,1))"
    return "".join(
        f'<line {ends} stroke="{ink}" stroke-width="{wide}" vector-effect="non-scaling-stroke"/>'
        for ink, wide in (("#fff", 5), (INK, 2))
    ) + (
        f'<text class="sl-point sl-length" style="{place}" y="{down}" text-anchor="middle" '
        f'font-size="16" font-weight="700" fill="#fff" stroke="{INK}" stroke-width="4" '
        f'paint-order="stroke">{base.distance_px(tuned):.0f} px</text>'
    )


def stage(
    panels: Sequence[Panel], case: str, *, opacity: float = 1.0, modes: bool = True, more: str = ""
) -> str:
    """The panels in a row, with the modes, colour bars and zoom below them.

    case: zoom is kept as long as it stays the same. modes: whether there are two sides to switch
    between. more: attributes of the outermost element.
    """
    width, height = panels[0].image_wh
    figures = "".join(_figure(panel) for panel in panels)
    buttons = "".join(
        f'<button type="button" class="sl-small" data-mode="{key}" aria-pressed="false">{name}'
        "</button>"
        for key, name in MODES.items()
    )
    chosen = f'<span class="sl-modes" role="group" aria-label="View">{buttons}</span>'
    zoom = "".join(
        f'<button type="button" class="sl-small" data-zoom="{by}" aria-label="{name}" '
        f'title="{name}">{text}</button>'
        for by, text, name in ((1.5, "+", "Zoom in"), (1 / 1.5, "−", "Zoom out"), (0, "⤢", "Whole"))
    )
    return (
        f'<div class="sl-stage" data-case="{escape(case)}" data-count="{len(panels)}" '
        f'data-wh="{width},{height}" {more} '
        f'style="--sl-wh:{width / height:.4f};--sl-opacity:{opacity:g}">'
        f'<div class="sl-figures">{figures}</div>'
        '<input class="sl-split" type="range" min="0" max="100" value="50" '
        'aria-label="Where base ends and fine-tuned begins, percent">'
        f'<div class="sl-under">{chosen if modes else ""}{_bars(panels)}'
        f'<span class="sl-zoom" role="group" aria-label="Zoom">{zoom}</span></div>'
        '<div class="sl-value" role="status" hidden></div></div>'
    )


def _figure(panel: Panel) -> str:
    shown = f"{sign(panel.kind)}{escape(panel.title)}" if panel.title else ""
    return (
        f'<figure class="sl-figure" data-side="{panel.kind}"><figcaption><h3>{shown}</h3>'
        f"{panel.note}</figcaption>{svg(panel)}</figure>"
    )


def _bars(panels: Sequence[Panel]) -> str:
    """One bar for each range: sides that share theirs share the bar."""
    bars: dict[str, list[str]] = {}
    for panel in panels:
        if panel.heatmap is not None:
            bars.setdefault(_bar(panel.heatmap, panel.vmax), []).append(panel.kind)
    return "".join(
        f'<span class="sl-scale" data-of="{" ".join(kinds)}">{"".join(map(sign, kinds))}{bar}'
        "</span>"
        for bar, kinds in bars.items()
    )


def _bar(heatmap: Heatmap, vmax: float) -> str:
    shade = diverging if heatmap.signed else inferno
    low = -1.0 if heatmap.signed else 0.0
    stops = ",".join(rgb_text(shade(low + (1 - low) * i / 12)) for i in range(13))
    least = "base more" if heatmap.signed else "0"
    most = "fine-tuned more" if heatmap.signed else f"{vmax:.2g} {heatmap.unit}"
    ramp = f'<i style="background:linear-gradient(90deg,{stops})"></i>'
    return f"<small>{least}</small>{ramp}<small>{escape(most)}</small>"
