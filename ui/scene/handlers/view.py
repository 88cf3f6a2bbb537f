"""A finished result as the Scene tab shows it: HTML and figures. Plain functions, no gradio.

Nothing here reaches the model, so a click on a token or a setting is answered at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from explain.registry import can_run
from explain.types import PairMaps
from inference.errors import UserError
from inference.fields import Point
from inference.schema import SIDES, PairPrediction, Side
from ui.components import figures, markup
from ui.scene import view as pieces
from ui.shell.address import SceneAddress, ViewSettings, to_query
from ui.shell.desk import Desk, default_prompt
from ui.shell.results import StoredResult
from ui.shell.services import Services
from ui.shell.visitors import Visitor, require

NEAR_PRIOR = 0.8  # likeness to the centre prior from which the page warns


@dataclass(frozen=True)
class SceneView:
    """Everything that the result part of the page shows: HTML and figures as JSON text.

    methods: (label, key) that can run on this result. layers, heads: how many there are.
    options: the map settings that the shown method heeds.
    """

    headline: str
    base_title: str
    tuned_title: str
    base_plot: str | None
    tuned_plot: str | None
    difference_plot: str | None
    base_answer: str
    tuned_answer: str
    difference_note: str
    tokens: str
    numbers: str
    shift_plot: str | None
    notes: str
    caption: str
    methods: tuple[tuple[str, str], ...]
    layers: int
    heads: int
    options: frozenset[str]
    settings: ViewSettings
    query: str


def view(
    visitor: Visitor,
    desk: Desk,
    result: StoredResult,
    settings: ViewSettings,
    human: Point | None = None,
) -> SceneView:
    """Draws a finished result. human: where this visitor says that the hazard is.

    Raises UserError where the settings do not fit the result.
    """
    require(visitor, "viewer", "Looking at a result")
    pair = result.pair
    settings = fit_settings(pair, settings)
    maps = desk.services.make_pair_maps(pair, settings.maps)
    trace = pair.base.trace
    chosen = settings.maps.tokens or tuple(desk.services.default_tokens(trace))
    sentence = desk.services.describe(pair, maps) if desk.services.describe else ""
    base_plot, tuned_plot, difference_plot = _plots(desk, result, maps, settings, human)
    shift = maps.layer_head_shift
    return SceneView(
        headline=pieces.headline(pair, result.truth, sentence, human),
        base_title=markup.panel_title("base", "Base", "without the adapter"),
        tuned_title=markup.panel_title(
            "finetuned", "Fine-tuned", (pair.request.adapter or "no adapter chosen")
        ),
        base_plot=base_plot,
        tuned_plot=tuned_plot,
        difference_plot=difference_plot,
        base_answer=pieces.answer(pair.base),
        tuned_answer=pieces.answer(pair.finetuned) if pair.finetuned else "",
        difference_note=pieces.moved_note(pair),
        tokens=pieces.tokens(pair, chosen, by_default=not settings.maps.tokens),
        numbers=pieces.numbers(pair, maps),
        shift_plot=figures.shift_table(shift, result.id) if shift is not None else None,
        notes=markup.warnings([*pair.notes, *maps.notes, *_centre_warnings(maps)]),
        caption=markup.hint(_caption(desk.services, maps, len(chosen))),
        methods=_methods(desk.services, pair),
        layers=trace.n_layers,
        heads=trace.n_heads,
        options=_options(desk.services, pair, settings.maps.method),
        settings=settings,
        query=to_query(address_of(desk.services, result, settings)),
    )


def _caption(services: Services, maps: PairMaps, n_chosen: int) -> str:
    """What the maps show, in a line."""
    made = maps.settings
    spec = services.explainers[made.method]
    first, last = made.layers
    which = f"layers {first} to {'last' if last == -1 else last}"
    parts = {
        "tokens": f"{n_chosen} answer token{'' if n_chosen == 1 else 's'}",
        "layers": "all layers" if made.layers == (0, -1) else which,
        "heads": f"{made.heads} of heads" if isinstance(made.heads, str) else f"head {made.heads}",
        "remove_sinks": "sinks removed" if made.remove_sinks else "",
        "relative": "relative to a neutral prompt" if made.relative else "",
    }
    said = [text for option, text in parts.items() if option in spec.options and text]
    return ", ".join([f"Maps: {spec.label.lower()}", *said]) + ". " + spec.description


def fit_settings(pair: PairPrediction, settings: ViewSettings) -> ViewSettings:
    """The same settings within what this result has (a link may come from another model)."""
    maps, trace = settings.maps, pair.base.trace
    last = trace.n_layers - 1
    first = min(maps.layers[0], last)
    stop = maps.layers[1]
    stop = -1 if stop == -1 or stop >= last else max(stop, first)
    heads = maps.heads if isinstance(maps.heads, str) else min(maps.heads, trace.n_heads - 1)
    kept = tuple(t for t in maps.tokens if t < len(trace.tokens))
    sides = [s for s in (pair.base, pair.finetuned) if s is not None]
    try:
        able = any(can_run(maps.method, side) for side in sides)
    except UserError:
        able = False
    method = maps.method if able else "attention"
    relative = maps.relative and trace.attention_neutral is not None
    fitted = replace(
        maps, layers=(first, stop), heads=heads, tokens=kept, method=method, relative=relative
    )
    return replace(settings, maps=fitted)


def _options(services: Services, pair: PairPrediction, method: str) -> frozenset[str]:
    options = services.explainers[method].options
    return options if pair.base.trace.attention_neutral is not None else options - {"relative"}


def _methods(services: Services, pair: PairPrediction) -> tuple[tuple[str, str], ...]:
    sides = [s for s in (pair.base, pair.finetuned) if s is not None]
    return tuple(
        (spec.label, key)
        for key, spec in services.explainers.items()
        if any(can_run(key, side) for side in sides)
    )


def _plots(
    desk: Desk,
    result: StoredResult,
    maps: PairMaps,
    settings: ViewSettings,
    human: Point | None,
) -> tuple[str | None, str | None, str | None]:
    pair, image = result.pair, result.pair.image
    sides = {"base": pair.base, "finetuned": pair.finetuned}
    said = {"truth": result.truth, "human": human}
    points = {kind: point for kind, point in said.items() if point is not None}
    marks: dict[str, Point] = {
        kind: side.point for kind, side in sides.items() if side is not None and side.point
    }
    colour = desk.pictures.url(image)
    common: dict[str, Any] = {
        "image_wh": image.size_wh, "opacity": settings.opacity, "case": result.id,
    }  # fmt: skip

    def one(side: Side) -> str:
        own = points | {k: v for k, v in marks.items() if k == side}
        heatmap = maps.base if side == "base" else maps.finetuned
        return figures.overlay(heatmap, colour, points=own, vmax=maps.vmax.get(side, 1.0), **common)

    if pair.finetuned is None:
        return one("base"), None, None
    grey = desk.pictures.url(image, grey=True)
    difference = figures.overlay(
        maps.difference, grey, points={**points, **marks}, vmax=maps.vmax_difference, **common
    )
    return one("base"), one("finetuned"), difference


def _centre_warnings(maps: PairMaps) -> list[str]:
    names = {"base": "The base's map", "finetuned": "The fine-tuned model's map"}
    return [
        f"{names[side]} is much like simply looking at the middle of the picture "
        f"(likeness {maps.figures[side].centre_similarity:.2f} of 1): read it with care."
        for side in SIDES
        if side in maps.figures and maps.figures[side].centre_similarity >= NEAR_PRIOR
    ]


def address_of(services: Services, result: StoredResult, settings: ViewSettings) -> SceneAddress:
    """The link to this result with these settings."""
    request = result.pair.request
    usual = default_prompt(services)
    forced: Side = request.forced if request.adapter else "finetuned"
    return SceneAddress(
        example=result.example_id,
        image=None if result.example_id else result.pair.image.content_hash,
        prompt=None if request.prompt == usual else request.prompt,
        adapter=None if request.adapter == services.default_adapter() else request.adapter or "",
        forced=forced,
        view=settings,
    )
