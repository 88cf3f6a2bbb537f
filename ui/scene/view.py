"""Pieces of HTML for the Scene page: headline, captions, answers, tokens, numbers, examples.
Everything that came from a person or a model is escaped here. Knows no gradio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from explain.describe import near_point
from explain.registry import spec
from explain.types import MapFigures, PairMaps
from inference.fields import Point, Text, Value
from inference.registry import task as find_task
from inference.schema import AnswerToken, PairPrediction, Side, SidePrediction
from ui.components.colours import FINETUNED, rgb
from ui.components.fields import kind_of
from ui.components.markup import sign
from ui.components.tables import table
from ui.components.thumbnails import cropped
from ui.shell.services import Example

NAMES = {"base": "Base", "finetuned": "Fine-tuned"}
NEAR_PRIOR = 0.8  # likeness to the centre prior from which a map says no more than it
MOST_SHIFTED = 5
STRIP_WH = (240, 150)


def empty(has_examples: bool) -> str:
    """What to do on an empty page."""
    or_else = ", or pick an example above" if has_examples else ""
    return (
        '<div class="sl-empty"><p class="sl-empty-title">What does each model answer?</p><p>Drop, '
        f"paste or photograph a road scene and press <b>Compare</b>{or_else}. The base model's "
        "answer and map appear on the left, the fine-tuned one's beside it, then what changed."
        "</p></div>"
    )


# ---- what changed ------------------------------------------------------------------------------


def headline(pair: PairPrediction, target: Value | None) -> str:
    """The loudest sentence: how much closer to what is known, or how far apart. target: the truth,
    or what this person said."""
    loud, quiet = compared(pair, target)
    return (
        f'<p class="sl-headline" role="status"><strong>{escape(loud)}</strong> '
        f"<span>{escape(quiet)}</span></p>"
    )


def compared(pair: PairPrediction, target: Value | None) -> tuple[str, str]:
    """The headline, (loud, quiet)."""
    if pair.finetuned is None:
        return "The base model alone", "Choose an adapter and press Compare."
    task = find_task(pair.request.task)
    field = task.field(task.main)
    if field.kind == "point" and only_head(pair.finetuned):
        return "The fine-tuned answer names no point", "Its head's point is drawn hollow."
    base, tuned = (value_of(side, task.main) for side in (pair.base, pair.finetuned))
    said: tuple[str, str] = kind_of(field).compare(
        field, base, tuned, target, pair.image.diagonal_px
    )
    return said


def sides_of(pair: PairPrediction) -> list[SidePrediction]:
    """Base, and the fine-tuned one where there is an adapter."""
    return [side for side in (pair.base, pair.finetuned) if side is not None]


def value_of(side: SidePrediction, name: str) -> Value | None:
    """A field's value as it is shown: the head's point where there is one, else the text's."""
    value = side.parsed.values.get(name)
    return side.head_point or value if value is None or isinstance(value, Point) else value


def only_head(side: SidePrediction) -> bool:
    """Whether the head points although the answer names no point."""
    return side.head_point is not None and side.text_point is None


def spoken_point(side: SidePrediction) -> str:
    if side.point is None:
        return f"No point: {side.why_no_point}." if side.why_no_point else ""
    return f"Points at ({side.point.x_px:.0f}, {side.point.y_px:.0f}) px."


def spoken_distance(pair: PairPrediction) -> str:
    return "" if pair.distance_px is None else f"The points are {pair.distance_px:.0f} px apart."


# ---- one side ----------------------------------------------------------------------------------


def caption_of(side: SidePrediction, task_name: str, figures: MapFigures | None) -> str:
    """Beside the panel's title: the main field's value, and what the map is worth."""
    task = find_task(task_name)
    field = task.field(task.main)
    value = value_of(side, task.main)
    if field.kind == "point" and only_head(side):
        said = "head's point, not in the answer"
    elif value is None:
        said = f"no {escape(field.label.lower())}"
    else:
        said = kind_of(field).words(field, value)
    return f"<span>{said}</span>{_badge(figures)}"


def _badge(figures: MapFigures | None) -> str:
    """The verdict on a map; the numbers behind it under the pointer, or after a tap."""
    if figures is None:
        return ""
    near, prior = figures.share_near_point, figures.near_centre
    no_better = near is not None and prior is not None and near <= prior
    if figures.nearly_uniform:
        shape, verdict = "none", "nearly uniform: do not interpret"
    elif figures.centre_similarity >= NEAR_PRIOR or no_better:
        shape, verdict = "none", "no better than the centre prior"
    elif figures.centre_similarity >= NEAR_PRIOR - 0.2:
        shape, verdict = "half", "weak"
    else:
        shape, verdict = "full", "trust with care"
    numbers = (
        f"Entropy {100 * figures.entropy_relative:.0f} % of a uniform map's. Near the point "
        f"{near_point(figures) or 'no point'}. "
        f"Similarity to the centre prior {figures.centre_similarity:.2f}."
    )
    return (
        f'<details class="sl-badge sl-badge-{shape}"><summary title="{numbers}"><i></i>{verdict}'
        f"</summary><p>{numbers}</p></details>"
    )


def answers(pair: PairPrediction, frames: Mapping[Side, str]) -> str:
    """Both sides' own words, their fields, and where each point comes from. frames: in which each
    side's text names positions."""
    told = "".join(_answer(s, pair.request.task, frames[s.side]) for s in sides_of(pair))
    return f'<div class="sl-answers">{told}</div>'


def _answer(side: SidePrediction, task_name: str, frame: str) -> str:
    lines = [_where(side, frame)]
    for field in find_task(task_name).fields:
        value = side.parsed.values.get(field.name)
        if isinstance(value, Point) or (isinstance(value, Text) and value.text in side.text):
            continue  # said already: by `_where`, or within the answer itself
        if value is not None:
            lines.append(f"{escape(field.label)}: {kind_of(field).words(field, value)}")
        elif field.name in side.parsed.missing and field.kind != "point":
            lines.append(f"{escape(field.label)}: {escape(side.parsed.missing[field.name])}")
    text = side.text.strip() or "(empty answer)"
    said = "".join(f"<p>{line}</p>" for line in lines if line)
    return (
        f'<section class="sl-answer"><h3>{sign(side.side)}{NAMES[side.side]} answer</h3>'
        f"<blockquote>{escape(text)}</blockquote>{said}</section>"
    )


def _where(side: SidePrediction, frame: str) -> str:
    """Where the shown point comes from, and how the text's numbers become pixels."""
    parts = []
    said = side.text_point
    if side.head_point is not None:
        parts.append(f"({side.head_point.x_px:.0f}, {side.head_point.y_px:.0f}) px from its head")
        parts.append("" if said else "not in the answer: it names no point")
    if said is not None:
        numbers = side.text[slice(*said.span)] if said.span else ""
        here = f"({said.x_px:.0f}, {said.y_px:.0f}) px"
        parts.append(
            f"the text's {escape(numbers)}, in {escape(frame)}, is {here}" if numbers
            else f"{here} from its text"
        )  # fmt: skip
    if side.point is None and side.why_no_point:
        parts.append(f"No point: {escape(side.why_no_point)}")
    return "; ".join(part for part in parts if part)


# ---- tokens ------------------------------------------------------------------------------------


def tokens(pair: PairPrediction, chosen: Sequence[int], by_default: bool) -> str:
    """The forced answer as buttons. Each shows how likely either side finds it."""
    other = pair.finetuned.trace.tokens if pair.finetuned is not None else None
    chips = "".join(
        _chip(i, token, other[i] if other and i < len(other) else None, i in chosen)
        for i, token in enumerate(pair.base.trace.tokens)
    )
    which = "the coordinates" if by_default else f"{len(chosen)} chosen"
    return (
        '<div class="sl-tokens" role="group" aria-label="Answer tokens">'
        "<h3>Attention from these answer tokens <span class='sl-quiet'>the same answer, "
        f"{NAMES[pair.forced].lower()}'s, forced on both models · now: {which}</span></h3>"
        f'<div class="sl-chips">{chips}</div><div class="sl-chip-tools">'
        '<button type="button" class="sl-small" data-role="several" aria-pressed="false">Select '
        'multiple tokens</button><button type="button" class="sl-small" data-role="default" '
        f"{'disabled' if by_default else ''}>Back to the coordinates</button>"
        f"<span class='sl-quiet'>bars: token probability, {sign('base')} base "
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
        f'tabindex="{-1 if index else 0}" aria-pressed="{str(chosen).lower()}" '
        f'aria-label="{escape(spoken)}" title="{escape(spoken)}">'
        f"<span>{escape(shown)}</span>{bars}</button>"
    )


# ---- numbers -----------------------------------------------------------------------------------


def numbers(pair: PairPrediction, maps: PairMaps) -> str:
    """The metrics of the maps, base and fine-tuned in two columns, each beside its baselines."""
    rows: tuple[tuple[str, str, Callable[[MapFigures], str]], ...] = (
        ("Entropy", "how spread out: 0 bits is one cell; a uniform map has 100 %",
         lambda f: f"{f.entropy_bits:.1f} bits ({100 * f.entropy_relative:.0f} %)"),
        ("Near its own point", "share of the map within 10 % of the image's width",
         lambda f: near_point(f) or "no point"),
        ("Attention on image tokens", "share of all attention; the rest goes to words",
         lambda f: f"{100 * f.share_on_image:.1f} %"),
        ("Similarity to the centre prior", "0 unlike, 1 the same as a blob in the middle",
         lambda f: f"{f.centre_similarity:.2f}"),
    )  # fmt: skip
    sides = [side.side for side in sides_of(pair)]
    told = [maps.figures.get(side) for side in sides]
    body = [
        (Markup(f"{label}<small>{note}</small>"),
         ["–" if figures is None else read(figures) for figures in told])
        for label, note, read in rows
    ]  # fmt: skip
    heads = ["Metric", *(Markup(f"{sign(side)}{NAMES[side]}") for side in sides)]
    return table(heads, body, stack=True)


def caption(maps: PairMaps, n_chosen: int) -> str:
    """What the maps show, in a line."""
    known = spec(maps.settings.method)
    said = [f"{n_chosen} answer token{'' if n_chosen == 1 else 's'}"] if known.tokens else []
    for option in known.options:
        value = maps.settings.options[option.name]
        if option.kind == "switch":
            value = "on" if value else "off"
        said.append(f"{option.label.lower()} {value}")
    return ", ".join([f"Maps: {known.label.lower()}", *said]) + f". {known.description}"


def shift(table: NDArray[np.floating[Any]] | None) -> str:
    """How far each head's attention moved between the sides: layers down, heads across."""
    if table is None:
        return ""
    r, g, b = rgb(FINETUNED)
    most = max(float(table.max()), 1e-6)
    heads = "".join(f'<th scope="col">{i}</th>' for i in range(table.shape[1]))
    rows = "".join(
        f'<tr><th scope="row">{i}</th>'
        + "".join(
            f'<td style="background:rgba({r},{g},{b},{v / most:.2f})" '
            f'title="layer {i}, head {j}: {v:.3f}"></td>'
            for j, v in enumerate(row)
        )
        + "</tr>"
        for i, row in enumerate(table)
    )
    order = np.argsort(table, axis=None)[::-1][:MOST_SHIFTED]
    top = [divmod(int(k), table.shape[1]) for k in order]
    said = "; ".join(f"layer {i}, head {j}: {table[i, j]:.2f}" for i, j in top)
    return (
        '<p class="sl-hint">Total variation between the two sides, 0–1, by layer (down) and head '
        f"(across). Most: {said}.</p>"
        f'<table class="sl-shift"><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody>'
        "</table>"
    )


# ---- input -------------------------------------------------------------------------------------


def stale(changed: Sequence[str], made_of: str) -> str:
    """Over a result that the form no longer asks for."""
    if not changed:
        return ""
    return (
        f'<div class="sl-stale" role="status"><b>The {" and ".join(changed)} changed.</b> This '
        f"result is of {escape(made_of)}. Press Compare to run the model on what is chosen now."
        "</div>"
    )


def examples(strip: Sequence[Example], current: str | None) -> str:
    """The examples strip: one click runs one. One stop for Tab, arrows move within."""
    if not strip:
        return ""
    buttons = "".join(
        f'<button type="button" class="sl-example" data-example="{escape(e.id)}" '
        f'tabindex="{-1 if i else 0}" title="{escape(e.label)}" '
        f'aria-pressed="{str(e.id == current).lower()}">'
        f'<img alt="" src="{cropped(e.path, STRIP_WH)}">'
        f"<span>{escape(e.label)}</span></button>"
        for i, e in enumerate(strip)
    )
    return (
        '<section aria-label="Examples: drawn scenes whose true hazard is known">'
        f'<div class="sl-strip" role="group">{buttons}</div></section>'
    )
