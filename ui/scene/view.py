"""Pieces of HTML for the Scene page: headline, answers, tokens, numbers, examples. Everything that
came from a person or a model is escaped here. Knows no gradio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from explain.types import MapFigures, PairMaps
from inference.fields import Point
from inference.schema import AnswerToken, PairPrediction, Side, SidePrediction
from ui.components.markup import aspect_style, sign
from ui.shell.pictures import thumbnail
from ui.shell.services import Example

SAME_PLACE = 0.01  # share of the diagonal below which two points count as one place


def empty(has_examples: bool) -> str:
    """What to do on an empty page."""
    or_else = ", or pick a picture of the strip above" if has_examples else ""
    return (
        '<div class="sl-empty"><p class="sl-empty-title">Where does each model look?</p><p>Drop, '
        f"paste or photograph a road scene and press <b>Look</b>{or_else}. The base model's "
        "answer and map appear on the left, the fine-tuned one's beside it, then what changed."
        "</p></div>"
    )


def headline(
    pair: PairPrediction,
    truth: Point | None,
    sentence: str,
    human: Point | None = None,
) -> str:
    """The loudest thing on the page: how far the point moved."""
    big, small = _moved(pair)
    lines = [f'<p class="sl-moved"><strong>{escape(big)}</strong> <span>{escape(small)}</span></p>']
    for kind, name, point in (
        ("truth", "From the true hazard", truth),
        ("human", "From your correction", human),
    ):
        if point is not None:
            lines.append(f'<p class="sl-truth">{sign(kind)}{name}: {_far_from(pair, point)}</p>')
    lines.append(f'<p class="sl-sentence">{escape(sentence)}</p>' if sentence else "")
    style = aspect_style("sl-panels", pair.image.size_wh[0] / pair.image.size_wh[1])
    return f'<div class="sl-headline" role="status">{"".join(lines)}</div>{style}'


def _moved(pair: PairPrediction) -> tuple[str, str]:
    if pair.finetuned is None:
        return "The base model alone", "Choose an adapter and press Look to compare."
    distance = pair.distance_px
    if distance is None:
        silent = [s for s in (pair.base, pair.finetuned) if s.point is None]
        who = " and ".join("base" if s.side == "base" else "fine-tuned" for s in silent)
        return "No distance", f"No hazard point from: {who}. The maps can still be compared."
    percent = f"{100 * distance / pair.image.diagonal_px:.1f} % of the diagonal"
    if distance < SAME_PLACE * pair.image.diagonal_px:
        return "Same place", f"The two points lie {distance:.0f} px apart ({percent})."
    return f"Moved {distance:.0f} px", percent


def _far_from(pair: PairPrediction, truth: Point) -> str:
    parts = []
    for side in (pair.base, pair.finetuned):
        if side is not None:
            name = "Base" if side.side == "base" else "Fine-tuned"
            far = "no point" if side.point is None else f"{side.point.distance_px(truth):.0f} px"
            parts.append(f"<span>{sign(side.side)}{name} <b>{far}</b></span>")
    return " ".join(parts)


def answer(side: SidePrediction) -> str:
    """One side's own words, its point and where the point comes from."""
    point = side.point
    if point is None:
        where = f'<span class="sl-nopoint">No point: {escape(side.why_no_point)}</span>'
    else:
        source = "its heatmap head" if point.source == "head" else "its text"
        where = f"<b>({point.x_px:.0f}, {point.y_px:.0f}) px</b> from {source}"
    text = side.text.strip() or "(empty answer)"
    return (
        f'<div class="sl-answer"><p class="sl-point">{sign(side.side)}{where}{_spoken(side)}</p>'
        f"<blockquote>{escape(text)}</blockquote></div>"
    )


def _spoken(side: SidePrediction) -> str:
    """The text's own point, where the head's is shown instead."""
    if side.head_point is None:
        return ""
    said = side.text_point
    if said is None:
        return '<span class="sl-quiet">its text names none</span>'
    return f'<span class="sl-quiet">its text says ({said.x_px:.0f}, {said.y_px:.0f})</span>'


def moved_note(pair: PairPrediction) -> str:
    """Under the difference panel."""
    distance = pair.distance_px
    if distance is None:
        return ""
    return (
        f'<div class="sl-answer"><p class="sl-point">{sign("base")}→{sign("finetuned")}'
        f"<b>{distance:.0f} px</b> between the points</p>"
        f"<p class='sl-quiet'>{sign('blue')}base looks more {sign('amber')}fine-tuned looks more"
        "</p></div>"
    )


def tokens(pair: PairPrediction, chosen: Sequence[int], by_default: bool) -> str:
    """The forced answer as buttons. Each shows how likely either side finds it."""
    other = pair.finetuned.trace.tokens if pair.finetuned is not None else None
    chips = "".join(
        _chip(i, token, other[i] if other and i < len(other) else None, i in chosen)
        for i, token in enumerate(pair.base.trace.tokens)
    )
    whose = "fine-tuned model's" if pair.forced == "finetuned" else "base model's"
    which = "the coordinates" if by_default else f"{len(chosen)} chosen"
    return (
        f'<div class="sl-tokens" role="group" aria-label="Tokens of the {whose} answer">'
        f"<h3>Map for these words <span class='sl-quiet'>of the {whose} answer, which both sides "
        f"are made to say · now: {which}</span></h3>"
        f'<div class="sl-chips">{chips}</div><div class="sl-chip-tools">'
        f'<button type="button" class="sl-small" data-role="several" aria-pressed="false">Select '
        f'several</button><button type="button" class="sl-small" data-role="default" '
        f"{'disabled' if by_default else ''}>Back to the coordinates</button>"
        f"<span class='sl-quiet'>bars: how likely each side finds the word, {sign('base')} base "
        f"{sign('finetuned')} fine-tuned · Shift-click adds</span></div></div>"
    )


def _chip(index: int, base: AnswerToken, tuned: AnswerToken | None, chosen: bool) -> str:
    shown = base.text.replace("\n", "⏎").replace("\t", "⇥") or "∅"
    p_base = math.exp(min(base.logprob, 0.0))
    spoken = f"“{shown.strip() or 'blank'}”, base {100 * p_base:.0f} %"
    bars = f'<i class="sl-p-base" style="width:{100 * p_base:.0f}%"></i>'
    if tuned is not None:
        p_tuned = math.exp(min(tuned.logprob, 0.0))
        bars += f'<i class="sl-p-tuned" style="width:{100 * p_tuned:.0f}%"></i>'
        spoken += f", fine-tuned {100 * p_tuned:.0f} %"
    special = " sl-special" if base.is_special else ""
    return (
        f'<button type="button" class="sl-chip{special}" data-token="{index}" '
        f'aria-pressed="{str(chosen).lower()}" aria-label="{escape(spoken)}" '
        f'title="{escape(spoken)}"><span>{escape(shown)}</span>{bars}</button>'
    )


def numbers(pair: PairPrediction, maps: PairMaps) -> str:
    """The figures beside the maps, base and fine-tuned in two columns."""
    sides: list[Side] = ["base", "finetuned"] if pair.finetuned is not None else ["base"]
    figures = [maps.figures.get(side) for side in sides]
    rows = (
        ("Entropy of the map", "how spread out: 0 bits is one cell", _entropy),
        ("Near its own point", "share of the map within 10 % of the width", _near),
        ("On the picture at all", "share of all attention; the rest goes to words", _on_image),
        ("Like the centre prior", "0 unlike, 1 the same as looking at the middle", _centre),
    )
    names = {"base": "Base", "finetuned": "Fine-tuned"}
    head = "".join(f'<th scope="col">{sign(s)}{names[s]}</th>' for s in sides)
    body = "".join(
        f'<tr><th scope="row">{label}<span class="sl-quiet">{note}</span></th>'
        + "".join(f"<td>{'–' if f is None else read(f)}</td>" for f in figures)
        + "</tr>"
        for label, note, read in rows
    )
    return (
        f'<table class="sl-numbers"><caption>In numbers</caption><thead><tr><td></td>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )


def _entropy(figures: MapFigures) -> str:
    most = f"{100 * figures.entropy_relative:.0f} % of max"
    return f"{figures.entropy_bits:.1f} bits<small>{most}</small>"


def _near(figures: MapFigures) -> str:
    near = figures.share_near_point
    return "no point" if near is None else f"{100 * near:.1f} %"


def _on_image(figures: MapFigures) -> str:
    return f"{100 * figures.share_on_image:.1f} %"


def _centre(figures: MapFigures) -> str:
    return f"{figures.centre_similarity:.2f}"


def examples(strip: Sequence[Example], current: str | None) -> str:
    """The examples strip: one click runs one."""
    if not strip:
        return ""
    buttons = "".join(
        f'<button type="button" class="sl-example" data-example="{escape(e.id)}" '
        f'title="{escape(e.label)}" aria-pressed="{str(e.id == current).lower()}">'
        f'<img alt="" src="{_thumbnail(e.path)}">'
        f"<span>{escape(e.label)}</span></button>"
        for e in strip
    )
    return (
        '<section aria-label="Examples"><h3>Examples <span class="sl-quiet">drawn scenes whose '
        f'true hazard is known · one click runs</span></h3><div class="sl-strip">{buttons}</div>'
        "</section>"
    )


@lru_cache(maxsize=64)
def _thumbnail(path: Path) -> str:
    return thumbnail(path)
