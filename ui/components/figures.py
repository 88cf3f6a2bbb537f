"""Plotly figures of a scene, as JSON text. All positions are pixels of the original image.

Knows no gradio; a page hands the text to gr.Plot. Text colours follow the page by CSS, so a
figure is the same in light and dark.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go

from inference.fields import Point
from inference.schema import Heatmap
from ui.components.colours import BASE, FINETUNED, HUMAN, plotly_scale
from ui.components.marks import INK, MARKS

CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
    "scrollZoom": False,
    "doubleClick": "reset",
}
# ui/shell/sightline.css takes the height of a panel from these.
MARGIN = {"l": 46, "r": 8, "t": 8, "b": 84}
# Fill and edge; shape, size and name are those of all pages.
FILLS = {
    "base": ("rgba(255,255,255,0.6)", {"width": 4, "color": BASE}),
    "finetuned": (FINETUNED, {"width": 2, "color": "white"}),
    "truth": ("white", {"width": 3}),
    "human": (HUMAN, {"width": 2, "color": "white"}),
}
MARKERS = {
    kind: {
        "symbol": MARKS[kind].symbol, "size": MARKS[kind].size, "color": fill, "line": edge,
    }
    for kind, (fill, edge) in FILLS.items()
}  # fmt: skip
# A ring of the other brightness round open signs, so that they show on any picture.
HALOS = {"base": ("white", 21, 7), "truth": (INK, 32, 6)}
SIGN_PX = 12  # on the screen: half of the largest sign, and some air
NO_ROOM = 0.15  # of the height: a text above that would leave the picture
NAMES = {kind: mark.name for kind, mark in MARKS.items()}


def overlay(
    heatmap: Heatmap | None,
    picture_url: str,
    image_wh: tuple[int, int],
    points: dict[str, Point],
    *,
    vmax: float = 1.0,
    opacity: float = 1.0,
    case: str = "",
) -> str:
    """A picture with its map and signs. vmax: end of the colour range, from 0 or, signed, -vmax.

    case: as long as it stays the same, the zoom is kept.
    """
    figure = go.Figure()
    if heatmap is not None:
        figure.add_trace(_map_trace(heatmap, vmax, opacity))
    if heatmap is not None and heatmap.signed:
        figure.add_traces(_distance_line(points))
    for kind, point in points.items():
        figure.add_traces(_sign(kind, point))
    width, height = image_wh
    signed = heatmap is not None and heatmap.signed
    figure.update_layout(
        template=None,
        annotations=_distance_label(points, height) if signed else [],
        images=[{
            "source": picture_url, "xref": "x", "yref": "y", "x": 0, "y": 0,
            "sizex": width, "sizey": height, "sizing": "stretch", "layer": "below",
        }],
        xaxis=_axis("x (px)", [0, width]),
        yaxis={**_axis("y (px)", [height, 0]), "scaleanchor": "x"},
        margin=MARGIN,
        showlegend=False,
        uirevision=case,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.12)",
        hoverlabel={"bgcolor": INK, "font": {"color": "white", "size": 13}},
        modebar={"bgcolor": "rgba(17,24,39,0.55)", "color": "white", "activecolor": "white"},
    )  # fmt: skip
    return _json(figure)


def _map_trace(heatmap: Heatmap, vmax: float, opacity: float) -> go.Heatmap:
    """One cell of the trace lies exactly over one image token's cell."""
    x1, y1, x2, y2 = heatmap.grid.area_px
    dx, dy = (x2 - x1) / heatmap.grid.cols, (y2 - y1) / heatmap.grid.rows
    sign = "+" if heatmap.signed else ""
    unit = heatmap.unit or "value"
    return go.Heatmap(
        z=np.asarray(heatmap.values, dtype=float).tolist(),
        x0=x1 + dx / 2,
        dx=dx,
        y0=y1 + dy / 2,
        dy=dy,
        zmin=-vmax if heatmap.signed else 0,
        zmax=vmax,
        colorscale=plotly_scale(heatmap.signed),
        opacity=opacity,
        zsmooth=False,
        name="map",
        hovertemplate=(
            f"<b>%{{z:{sign}.3g}}</b> {unit}<br>pixel (%{{x:.0f}}, %{{y:.0f}}), "
            f"cell {dx:.0f} × {dy:.0f} px<extra></extra>"
        ),
        colorbar=_colour_bar(_bar_title(heatmap)),
    )


def _bar_title(heatmap: Heatmap) -> str:
    if heatmap.signed:
        return f"← base more · {heatmap.unit or 'value'} · fine-tuned more →"
    return heatmap.unit or "value"


def _colour_bar(title: str, vertical: bool = False) -> dict[str, Any]:
    bar: dict[str, Any] = {
        "title": {"text": title, "side": "right" if vertical else "bottom", "font": {"size": 12}},
        "thickness": 8, "outlinewidth": 0, "nticks": 5, "tickfont": {"size": 11},
    }  # fmt: skip
    if not vertical:
        # At the figure's lower edge, where it does not push the margins.
        bar |= {"orientation": "h", "x": 0.5, "y": 0, "yref": "container", "yanchor": "bottom"}
        bar |= {"len": 1, "xpad": 0, "ypad": 0}
    return bar


def _axis(title: str, interval: list[float]) -> dict[str, Any]:
    return {
        "title": {"text": title, "standoff": 4, "font": {"size": 12}},
        "range": interval, "constrain": "domain", "showgrid": False, "zeroline": False,
        "nticks": 6, "ticks": "outside", "ticklen": 3, "tickfont": {"size": 11},
    }  # fmt: skip


def _sign(kind: str, point: Point) -> list[go.Scatter]:
    at = {"x": [point.x_px], "y": [point.y_px], "mode": "markers"}
    sign = go.Scatter(
        **at,
        marker=MARKERS[kind],
        name=NAMES[kind],
        hovertemplate=f"<b>{NAMES[kind]}</b><br>pixel ({point.x_px:.0f}, {point.y_px:.0f})"
        "<extra></extra>",
    )
    if kind not in HALOS:
        return [sign]
    colour, size, line = HALOS[kind]
    marker = {"symbol": "circle-open", "size": size - 4, "line": {"width": line}, "color": colour}
    return [go.Scatter(**at, marker=marker, hoverinfo="skip", name="halo"), sign]


def _distance_line(points: dict[str, Point]) -> list[go.Scatter]:
    """From the base's point to the fine-tuned one."""
    if "base" not in points or "finetuned" not in points:
        return []
    one, other = points["base"], points["finetuned"]
    ends = {"x": [one.x_px, other.x_px], "y": [one.y_px, other.y_px], "hoverinfo": "skip"}
    return [
        go.Scatter(**ends, mode="lines", line={"color": "white", "width": 5}, name="halo"),
        go.Scatter(**ends, mode="lines", line={"color": INK, "width": 2}, name="moved"),
    ]


def _distance_label(points: dict[str, Point], height: int) -> list[dict[str, Any]]:
    """The distance, over the upper sign: between two signs that are close it could not be read.
    Under the lower one where the picture ends above."""
    if "base" not in points or "finetuned" not in points:
        return []
    one, other = points["base"], points["finetuned"]
    upper, lower = sorted((one, other), key=lambda point: point.y_px)
    above = upper.y_px > NO_ROOM * height
    at = upper if above else lower
    return [{
        "x": at.x_px, "y": at.y_px, "showarrow": False,
        "yanchor": "bottom" if above else "top", "yshift": SIGN_PX if above else -SIGN_PX,
        "text": f"<b>{one.distance_px(other):.0f} px</b>",
        "font": {"size": 15, "color": "white", "shadow": "0 0 4px #000, 0 0 2px #000"},
    }]  # fmt: skip


def _json(figure: go.Figure, **config: Any) -> str:
    return json.dumps({**json.loads(figure.to_json()), "config": {**CONFIG, **config}})
