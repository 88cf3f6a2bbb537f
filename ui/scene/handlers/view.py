"""A finished result as the Scene page shows it: HTML. Plain functions, no gradio.

Nothing here reaches the model, so a click on a token or a setting is answered at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from explain import registry
from explain.types import PairMaps
from inference.errors import UserError
from inference.fields import Point
from inference.registry import BACKBONES
from inference.registry import task as find_task
from inference.schema import PairPrediction, Side
from inference.tasks.coordinates import FRAMES
from ui.components import markup, panels
from ui.components.panels import Panel
from ui.scene import view as pieces
from ui.scene.address import SceneAddress, ViewSettings, to_query
from ui.shell.desk import Desk, adapter_entry
from ui.shell.results import StoredResult
from ui.shell.services import Services


@dataclass(frozen=True)
class SceneView:
    """The result part of the page, as HTML: a field for each of its components. settings: as they
    fit this result. address: its query."""

    headline: str
    stage: str
    answers: str
    tokens: str
    numbers: str
    shift: str
    notes: str
    address: str
    settings: ViewSettings


def view(
    desk: Desk,
    result: StoredResult,
    settings: ViewSettings,
    human: Point | None = None,
    draft: str = "",
) -> SceneView:
    """Draws a finished result. human: where this visitor says that the hazard is. draft: name of
    the attempt to mark that the browser keeps.

    Raises UserError where the settings do not fit the result.
    """
    pair = result.pair
    settings = fit_settings(pair, settings)
    maps = desk.services.make_pair_maps(pair, settings.maps)
    chosen = settings.maps.tokens or tuple(desk.services.default_tokens(pair.base.trace))
    shown = draw_panels(desk, result, maps, human)
    by_token = registry.spec(maps.settings.method).tokens
    return SceneView(
        headline=pieces.headline(pair, result.truth or human),
        stage=panels.stage(
            shown, result.id, opacity=settings.opacity, modes=len(shown) > 1,
            more=f'data-draft="{draft}"',
        ),
        answers=pieces.answers(pair, frame_of(desk.services, pair)),
        tokens=pieces.tokens(pair, chosen, not settings.maps.tokens) if by_token else "",
        numbers=pieces.numbers(pair, maps) + markup.hint(pieces.caption(maps, len(chosen))),
        shift=pieces.shift(maps.layer_head_shift),
        notes=markup.warnings([*pair.notes, *maps.notes]),
        address=to_query(address_of(desk.services, result, settings)),
        settings=settings,
    )  # fmt: skip


def fit_settings(
    pair: PairPrediction, settings: ViewSettings, strict: bool = False
) -> ViewSettings:
    """The same settings within what this result has (a link may come from another model).
    strict: UserError for what does not fit."""
    maps, trace = settings.maps, pair.base.trace
    able = registry.runnable(pair)
    method = maps.method if maps.method in able or (strict and maps.method) else able[0]
    kept = maps.tokens if strict else tuple(t for t in maps.tokens if t < len(trace.tokens))
    fitted = registry.complete(replace(maps, method=method, tokens=kept), trace, strict)
    return replace(settings, maps=fitted)


def draw_panels(
    desk: Desk, result: StoredResult, maps: PairMaps, human: Point | None, url: str = ""
) -> list[Panel]:
    """Base, fine-tuned and difference; the base alone without an adapter. url: of the image,
    instead of its copy for the page."""
    pair, image = result.pair, result.pair.image
    url = url or desk.pictures.url(image.still())
    goals = {"truth": result.truth, "human": human}
    known = {kind: point for kind, point in goals.items() if point is not None}
    said = desk.services.describe(pair, maps) if desk.services.describe else ""
    drawn: list[Panel] = []
    marks: dict[str, Point] = {}
    for side in pieces.sides_of(pair):
        # A head's point that the answer does not name is drawn hollow.
        mark = "head" if pieces.only_head(side) else side.side
        own: dict[str, Point] = {} if side.point is None else {mark: side.point}
        marks |= own
        drawn.append(Panel(
            side.side,
            "Base" if side.side == "base" else f"Fine-tuned: {pair.request.adapter}",
            url,
            image.size_wh,
            maps.base if side.side == "base" else maps.finetuned,
            maps.vmax.get(side.side, 1.0),
            {**known, **own},
            pieces.caption_of(side, pair.request.task, maps.figures.get(side.side)),
            f"{pieces.spoken_point(side)} {said}",
        ))  # fmt: skip
    if pair.finetuned is not None:
        drawn.append(Panel(
            "difference", "Difference", url, image.size_wh, maps.difference, maps.vmax_difference,
            {**known, **marks}, said=f"Fine-tuned minus base. {pieces.spoken_distance(pair)}",
        ))  # fmt: skip
    return drawn


def photo(desk: Desk, result: StoredResult, draft: str, wait_s: int) -> str:
    """The image alone, before its answers may be seen."""
    image = result.pair.image
    width, height = image.size_wh
    said = f"Image to mark, {width} by {height} pixels."
    plain = Panel(
        "human", "Where is the hazard?", desk.pictures.url(image.still()), image.size_wh, said=said
    )
    more = f'data-draft="{draft}" data-wait="{wait_s}"'
    return panels.stage([plain], f"{result.id}?", modes=False, more=more)


def frame_of(services: Services, pair: PairPrediction) -> dict[Side, str]:
    """In words, the frame in which each side's text names positions."""
    usual = getattr(BACKBONES.get(services.model_info().family), "frame", "original_px")
    entry = adapter_entry(services, pair.request.adapter)
    own = entry.card.coordinate_frame if entry and entry.card else None
    return {"base": FRAMES[usual].label, "finetuned": FRAMES[own or usual].label}


def address_of(services: Services, result: StoredResult, settings: ViewSettings) -> SceneAddress:
    """The link to this result with these settings; what is as usual is left out."""
    request = result.pair.request
    maps = settings.maps
    if maps.method:
        usual = registry.runnable(result.pair)[0]
        options = registry.changed(maps, result.pair.base.trace)
        method = "" if maps.method == usual else maps.method
        settings = replace(settings, maps=replace(maps, method=method, options=options))
    return SceneAddress(
        example=result.example_id,
        image=None if result.example_id else result.pair.image.content_hash,
        task=request.task,
        prompt=None if request.prompt == find_task(request.task).prompt else request.prompt,
        adapter=None if request.adapter == services.default_adapter() else request.adapter or "",
        forced=request.forced if request.adapter else "finetuned",
        view=settings,
    )


def stored(desk: Desk, result_id: str, gone: str) -> StoredResult:
    """The result of that id; UserError (its message: `gone`) where the memory has dropped it."""
    result = desk.results.get(result_id)
    if result is None:
        raise UserError(gone, hint="Press Compare once more; your mark and text stay")
    return result
