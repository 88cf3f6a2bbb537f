"""A result to keep: one sheet with the panels of the page, their answers and how they were made.

An SVG of its own, the image within it; the browser turns it into a PNG (ui/scene/scene.js), so
that page and file have one renderer.
"""

from __future__ import annotations

import textwrap
from html import escape

from PIL import Image

from explain.types import PairMaps
from inference.fields import Point
from inference.schema import ModelInfo
from ui.components.panels import MAX_COPY_PX, svg
from ui.scene import view as pieces
from ui.scene.handlers.view import draw_panels
from ui.shell.desk import Desk
from ui.shell.pictures import data_uri
from ui.shell.results import StoredResult

PANEL_W, GAP, MARGIN, LINE = 640, 16, 32, 24
INK, QUIET = "#1C1917", "#57534E"


def sheet(
    desk: Desk, result: StoredResult, maps: PairMaps, opacity: float, human: Point | None
) -> str:
    """Headline, panels with their texts, settings. human: where the person says the hazard is."""
    pair, info = result.pair, desk.services.model_info()
    copy = Image.fromarray(pair.image.pixels)
    copy.thumbnail((MAX_COPY_PX, MAX_COPY_PX))
    panels = draw_panels(desk, result, maps, human, data_uri(copy, 90))
    texts = [f"{pieces.spoken_point(s)}\n“{s.text.strip()}”" for s in pieces.sides_of(pair)]
    texts.append(pieces.spoken_distance(pair) + "\nBlue: base more. Amber: fine-tuned more.")
    ranges = [f"Colours: 0 to {p.vmax:.3g} {p.heatmap.unit}" for p in panels if p.heatmap]
    columns = [_wrapped(text, 60) for text in texts[: len(panels)]]
    width = 2 * MARGIN + len(panels) * PANEL_W + (len(panels) - 1) * GAP
    high = PANEL_W * pair.image.size_wh[1] / pair.image.size_wh[0]
    footer = _footer(result, maps, info, ranges, width)
    below = 130 + high + LINE
    height = below + LINE * (max(map(len, columns)) + len(footer) + 1) + MARGIN
    loud, quiet = pieces.compared(pair, result.truth or human)
    parts = [_text(MARGIN, 60, loud, 34, bold=True), _text(MARGIN, 90, quiet, 18, QUIET)]
    for i, (panel, lines) in enumerate(zip(panels, columns, strict=True)):
        x = MARGIN + i * (PANEL_W + GAP)
        scale = f"--sl-px:{pair.image.size_wh[0] / PANEL_W:.4f};--sl-opacity:{opacity:g}"
        parts.append(_text(x, 120, panel.title, 18, bold=True))
        drawn = svg(panel).replace("<svg ", f'<svg x="{x}" y="130" width="{PANEL_W}" '
                                   f'height="{high:.0f}" style="{scale}" ', 1)  # fmt: skip
        parts.append(drawn)
        parts += [_text(x, below + LINE * k, line, 16) for k, line in enumerate(lines)]
    start = height - MARGIN - LINE * (len(footer) - 1)
    parts += [_text(MARGIN, start + LINE * k, line, 14, QUIET) for k, line in enumerate(footer)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" '
        f'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, size: int, ink: str = INK, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    said = escape("".join(c for c in text if c.isprintable()))
    return f'<text x="{x}" y="{y:.0f}" font-size="{size}" fill="{ink}"{weight}>{said}</text>'


def _wrapped(text: str, letters: int) -> list[str]:
    return [part for line in text.split("\n") for part in textwrap.wrap(line, letters)]


def _footer(
    result: StoredResult, maps: PairMaps, info: ModelInfo, ranges: list[str], width: float
) -> list[str]:
    pair = result.pair
    image_wh = " × ".join(map(str, pair.image.size_wh))
    tokens = ", ".join(map(str, maps.settings.tokens)) or "coordinates"
    known = "" if result.truth is None else " · white ring: the true hazard"
    lines = [
        f"Image {pair.image.name}, {image_wh} px, sha256 {pair.image.content_hash[:16]} · model "
        f"{info.id} ({info.family}), quantised: {info.quantize}, {info.device} · adapter "
        f"{pair.request.adapter or 'none'}{known}",
        f"{pieces.caption(maps, len(maps.settings.tokens))} Tokens: {tokens} of the "
        f"{pieces.NAMES[pair.forced].lower()} answer. {'; '.join(dict.fromkeys(ranges))}",
        f"Prompt: {pair.request.prompt}",
    ]
    return [part for line in lines for part in _wrapped(line, int(width / 8))]
