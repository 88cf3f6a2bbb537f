"""A result's numbers as one JSON object: what the page shows, and the maps behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explain.types import PairMaps
from inference.fields import Point
from inference.schema import Heatmap, ModelInfo, SidePrediction
from ui.scene.address import ViewSettings
from ui.shell.results import StoredResult
from ui.shell.visitors import names_only


def as_json(
    result: StoredResult,
    maps: PairMaps,
    view: ViewSettings,
    info: ModelInfo,
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Everything that the page shows, JSON-ready. Positions in pixels of the original image."""
    pair, image = result.pair, result.pair.image
    width, height = image.size_wh
    distance = pair.distance_px
    sides = {"base": pair.base, "finetuned": pair.finetuned}
    return {
        "result": result.id,
        "image": {"name": image.name, "sha256": image.content_hash, "width_px": width,
                  "height_px": height, "example": result.example_id},
        "model": {key: getattr(info, key) for key in (
            "id", "sha256", "family", "device", "dtype", "quantize", "embedded")} | {
            key: names_only(getattr(info, key) or "") or None
            for key in ("requested", "fallback_reason")},
        "request": {"task": pair.request.task, "prompt": pair.request.prompt,
                    "adapter": pair.request.adapter, "forced": pair.forced,
                    "max_new_tokens": pair.request.max_new_tokens},
        **{name: _side(side) if side else None for name, side in sides.items()},
        "truth": _point(result.truth),
        "distance_px": distance,
        "distance_of_diagonal": None if distance is None else distance / image.diagonal_px,
        "forced_tokens": [
            {"text": token.text, "special": token.is_special, "logprob": {
                name: side.trace.tokens[i].logprob
                for name, side in sides.items() if side and i < len(side.trace.tokens)}}
            for i, token in enumerate(pair.base.trace.tokens)],
        "settings": _settings(maps, view),
        "figures": {side: vars(figures) for side, figures in maps.figures.items()},
        "maps": {"base": _map(maps.base), "finetuned": _map(maps.finetuned),
                 "difference": _map(maps.difference)},
        "layer_head_shift": None if maps.layer_head_shift is None
        else _rounded(maps.layer_head_shift),
        "notes": [*pair.notes, *maps.notes],
        "seconds": dict(pair.seconds),
        "versions": dict(versions),
    }  # fmt: skip


def _settings(maps: PairMaps, view: ViewSettings) -> dict[str, Any]:
    made = maps.settings
    return {
        "method": made.method, "tokens": list(made.tokens), **made.options,
        "shared_scale": made.shared_scale, "opacity": view.opacity,
    }  # fmt: skip


def _side(side: SidePrediction) -> dict[str, Any]:
    return {
        "label": side.label,
        "text": side.text,
        "point_px": _point(side.point),
        "point_source": side.point.source if side.point else None,
        "text_point_px": _point(side.text_point),
        "no_point_because": side.why_no_point or None,
        "tokens": [
            {"text": t.text, "logprob": t.logprob, "special": t.is_special} for t in side.tokens
        ],
    }


def _point(point: Point | None) -> list[float] | None:
    return None if point is None else [round(point.x_px, 2), round(point.y_px, 2)]


def _map(heatmap: Heatmap | None) -> dict[str, Any] | None:
    if heatmap is None:
        return None
    return {
        "title": heatmap.title, "unit": heatmap.unit, "signed": heatmap.signed,
        "rows": heatmap.grid.rows, "cols": heatmap.grid.cols, "area_px": heatmap.grid.area_px,
        "values": _rounded(heatmap.values),
    }  # fmt: skip


def _rounded(values: np.ndarray) -> list[list[float]]:
    return [[float(f"{v:.6g}") for v in row] for row in values]
