"""A result to keep: one picture of the whole comparison.

Drawn with Pillow, so no browser is needed. The picture uses the page's signs and colours.
"""

from __future__ import annotations

import math
import textwrap
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from explain.types import PairMaps
from inference.fields import Point
from inference.schema import Heatmap, ModelInfo, SidePrediction
from ui.components.colours import BASE, FINETUNED, HUMAN, diverging, inferno
from ui.shell.address import ViewSettings
from ui.shell.results import StoredResult

PANEL_W, GAP, MARGIN = 620, 24, 32
INK, QUIET, PAPER = "#1C1917", "#57534E", "#FFFFFF"
NAMES = {"base": "Base", "finetuned": "Fine-tuned"}


def comparison(
    result: StoredResult,
    maps: PairMaps,
    view: ViewSettings,
    info: ModelInfo,
    sentence: str,
    human: Point | None = None,
) -> Image.Image:
    """Header, three panels with their texts, settings: one RGB picture. human: where the person
    says that the hazard is."""
    pair = result.pair
    panels = [_panel(result, maps.base, ("base",), maps.vmax.get("base", 1.0), view, human)]
    texts = [_words(pair.base) + _scale(maps.base, maps.vmax.get("base", 1.0))]
    titles = ["Base"]
    if pair.finetuned is not None:
        tuned = _panel(
            result, maps.finetuned, ("finetuned",), maps.vmax.get("finetuned", 1.0), view, human
        )
        both = _panel(
            result, maps.difference, ("base", "finetuned"), maps.vmax_difference, view, human
        )
        panels += [tuned, both]
        scale = _scale(maps.finetuned, maps.vmax.get("finetuned", 1.0))
        texts += [_words(pair.finetuned) + scale, _difference_words(result, human)]
        titles += [f"Fine-tuned: {pair.request.adapter}", "Difference, fine-tuned minus base"]
    lines = [_wrapped(text, PANEL_W, 17) for text in texts]
    text_h = max(len(line) for line in lines) * 24
    width = 2 * MARGIN + 3 * PANEL_W + 2 * GAP
    footer = _footer(result, maps, info)
    height = 190 + panels[0].height + 16 + text_h + 24 + 24 * len(footer) + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    _head(draw, result, sentence)
    for i, panel in enumerate(panels):
        x = MARGIN + i * (PANEL_W + GAP)
        _sign(draw, (x + 9, 164), ("base", "finetuned", "both")[i], 8)
        draw.text((x + 26, 152), titles[i], INK, _font(19, True))
        sheet.paste(panel, (x, 186))
        _lines(draw, (x, 186 + panel.height + 12), lines[i], 17, INK)
    _lines(draw, (MARGIN, height - MARGIN - 24 * len(footer)), footer, 15, QUIET)
    return sheet


def _head(draw: ImageDraw.ImageDraw, result: StoredResult, sentence: str) -> None:
    pair = result.pair
    distance = pair.distance_px
    share = (
        ""
        if distance is None
        else f" ({100 * distance / pair.image.diagonal_px:.1f} % of the diagonal)"
    )
    moved = "Sightline" if distance is None else f"Moved {distance:.0f} px{share}"
    draw.text((MARGIN, 26), moved, INK, _font(36, True))
    wide = 3 * PANEL_W + 2 * GAP
    _lines(draw, (MARGIN, 80), _wrapped(sentence, wide, 19)[:2], 19, QUIET)


def _footer(result: StoredResult, maps: PairMaps, info: ModelInfo) -> list[str]:
    pair, made = result.pair, maps.settings
    width, height = pair.image.size_wh
    last = "last" if made.layers[1] == -1 else str(made.layers[1])
    tokens = "coordinates" if not made.tokens else ", ".join(map(str, made.tokens))
    extra = [name for name, on in (("sinks removed", made.remove_sinks),
             ("relative to a neutral prompt", made.relative),
             ("own scale per side", not made.shared_scale)) if on]  # fmt: skip
    lines = [
        f"Picture {pair.image.name}, {width} × {height} px, sha256 {pair.image.content_hash[:16]} "
        f"· model {info.id} ({info.family}), quantised: {info.quantize}, {info.device} "
        f"· adapter {pair.request.adapter or 'none'}",
        f"Method {made.method}, layers {made.layers[0]} to {last}, heads {made.heads}, tokens "
        f"{tokens} of the {NAMES[pair.forced].lower()} answer"
        + "".join(f", {name}" for name in extra),
        f"Prompt: {pair.request.prompt}",
    ]
    return [part for line in lines for part in _wrapped(line, 3 * PANEL_W + 2 * GAP, 15)]


def _words(side: SidePrediction) -> str:
    if side.point is None:
        return f"No point: {side.why_no_point}\n“{side.text.strip()}”"
    where = f"({side.point.x_px:.0f}, {side.point.y_px:.0f}) px, from its {side.point.source}"
    return f"{where}\n“{side.text.strip()}”"


def _scale(heatmap: Heatmap | None, vmax: float) -> str:
    return "" if heatmap is None else f"\nColours: 0 to {vmax:.3g} {heatmap.unit}"


def _difference_words(result: StoredResult, human: Point | None) -> str:
    said = "blue: base looks more\namber: fine-tuned looks more"
    if human is not None:
        said += f"\ngreen cross: corrected to ({human.x_px:.0f}, {human.y_px:.0f}) px"
    if result.truth is None:
        return said
    sides = [side for side in (result.pair.base, result.pair.finetuned) if side is not None]
    far = [
        f"{NAMES[side.side].lower()} {side.point.distance_px(result.truth):.0f} px away"
        for side in sides
        if side.point is not None
    ]
    return ", ".join([f"{said}\nwhite ring: the true hazard", *far])


def _panel(
    result: StoredResult, heatmap: Heatmap | None, kinds: tuple[str, ...], vmax: float,
    view: ViewSettings, human: Point | None,
) -> Image.Image:  # fmt: skip
    """The picture with one map and its signs, PANEL_W wide."""
    pair = result.pair
    width, height = pair.image.size_wh
    scale = PANEL_W / width
    size = (PANEL_W, max(1, min(round(height * scale), 3 * PANEL_W)))
    picture = Image.fromarray(pair.image.pixels).resize(size, Image.Resampling.LANCZOS)
    if heatmap is not None:
        if heatmap.signed:
            picture = ImageOps.grayscale(picture).point(lambda v: 70 + v * 0.5).convert("RGB")
        picture.paste(*_layer(heatmap, vmax, view.opacity, size, (width, height)))
    draw = ImageDraw.Draw(picture)
    scale_xy = (size[0] / width, size[1] / height)
    sides = {"base": pair.base, "finetuned": pair.finetuned}
    at = {k: _scaled(sides[k].point, scale_xy) for k in kinds if sides[k] and sides[k].point}  # type: ignore[union-attr,arg-type]
    if len(at) == 2:
        draw.line([at["base"], at["finetuned"]], "white", 6)
        draw.line([at["base"], at["finetuned"]], INK, 2)
    if result.truth is not None:
        _sign(draw, _scaled(result.truth, scale_xy), "truth", 20)
    for kind, where in at.items():
        _sign(draw, where, kind, 13)
    if human is not None:
        _sign(draw, _scaled(human, scale_xy), "human", 13)
    if len(at) == 2:
        (x1, y1), (x2, y2) = at["base"], at["finetuned"]
        draw.text(
            ((x1 + x2) / 2, (y1 + y2) / 2 - 20),
            f"{pair.distance_px:.0f} px",
            "white",
            _font(18, True),
            anchor="mm",
            stroke_width=3,
            stroke_fill=INK,
        )
    return picture


def _layer(
    heatmap: Heatmap, vmax: float, opacity: float, size: tuple[int, int], image_wh: tuple[int, int]
) -> tuple[Image.Image, tuple[int, int], Image.Image]:
    """(colours, place, mask) for Image.paste, cells as sharp as they are."""
    shade = diverging if heatmap.signed else inferno
    cells = np.array(
        [[shade(float(v) / vmax) for v in row] for row in heatmap.values], dtype=np.float64
    )
    cells[..., 3] *= 255 * opacity
    sx, sy = size[0] / image_wh[0], size[1] / image_wh[1]
    x1, y1, x2, y2 = heatmap.grid.area_px
    box = (max(1, round((x2 - x1) * sx)), max(1, round((y2 - y1) * sy)))
    layer = Image.fromarray(np.round(cells).astype(np.uint8), "RGBA")
    layer = layer.resize(box, Image.Resampling.NEAREST)
    return layer.convert("RGB"), (round(x1 * sx), round(y1 * sy)), layer.getchannel("A")


def _scaled(point: Point, scale: tuple[float, float]) -> tuple[float, float]:
    return point.x_px * scale[0], point.y_px * scale[1]


def _sign(draw: ImageDraw.ImageDraw, at: tuple[float, float], kind: str, radius: int) -> None:
    """Circle for the base, diamond for the fine-tuned, ring for the truth, cross for the person,
    each with a halo."""
    x, y = at
    if kind == "both":
        _sign(draw, (x - 3, y), "base", radius - 2)
        _sign(draw, (x + 6, y), "finetuned", radius - 2)
        return
    if kind == "finetuned":
        points = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
        draw.polygon(points, FINETUNED, "white", max(1, radius // 5))
        return
    if kind == "human":
        for reach, half, ink in (
            (radius + 2, radius // 3 + 2, "white"),
            (radius, radius // 3, HUMAN),
        ):
            draw.rectangle([x - reach, y - half, x + reach, y + half], ink)
            draw.rectangle([x - half, y - reach, x + half, y + reach], ink)
        return
    halo, colour = ("white", BASE) if kind == "base" else (INK, "white")
    thin = 3 if kind == "truth" else radius // 3 + 1
    for r, ink, line in ((radius + 2, halo, thin + 4), (radius, colour, thin)):
        draw.ellipse([x - r, y - r, x + r, y + r], None, ink, line)


def _lines(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], lines: list[str], size: int, ink: str
) -> None:
    for i, line in enumerate(lines):
        draw.text((at[0], at[1] + i * 24), line, ink, _font(size))


def _wrapped(text: str, width_px: int, size: int) -> list[str]:
    """Broken at words to about that width."""
    letters = max(10, math.floor(width_px / (size * 0.54)))
    return [part for line in text.split("\n") for part in textwrap.wrap(line, letters) or [""]]


@lru_cache(maxsize=32)
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans where the system has it, else the font within Pillow."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    for candidate in (name, str(Path("/usr/share/fonts/truetype/dejavu") / name)):
        try:
            return ImageFont.truetype(candidate, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
