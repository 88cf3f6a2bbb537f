"""Plotly figures of the Corrections page, as JSON text, each with its sentence for screen readers.
All positions are pixels of the original picture. Knows no gradio."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from inference.fields import Point
from ui.components import figures
from ui.components.colours import HUMAN
from ui.corrections.words import Sign

LABEL = {"size": 13, "color": "white", "shadow": "0 0 4px #000, 0 0 2px #000"}


def case_picture(
    picture_url: str, image_wh: tuple[int, int], marks: Sequence[Sign], case: str
) -> str:
    """The picture with every sign on it. Names stand beside the crosses."""
    models: dict[str, Point] = {
        s.kind: Point(s.x_px, s.y_px, source="truth" if s.kind == "truth" else "text")
        for s in marks
        if s.kind != "human"
    }
    figure = json.loads(figures.overlay(None, picture_url, image_wh, models, case=case))
    people = go.Figure()
    for mark in marks:
        if mark.kind == "human":
            people.add_traces(_person(mark, image_wh[0]))
    figure["data"] += json.loads(people.to_json())["data"]
    figure["layout"]["margin"]["b"] = 44
    return json.dumps(figure)


def _person(mark: Sign, width_px: int) -> list[go.Scatter]:
    """A green cross with a white rim, the name beside it, and the box if there is one."""
    # Plotly reads a little HTML in texts: names are shown as they are written.
    name = escape(mark.name, quote=False)
    faded = 0.45 if mark.status == "rejected" else 1.0
    at = {"x": [mark.x_px], "y": [mark.y_px]}
    rim = {"symbol": "cross", "size": 21, "color": "white", "opacity": faded}
    cross = {"symbol": "cross", "size": 15, "color": HUMAN, "opacity": faded}
    side = "middle left" if mark.x_px > 0.8 * width_px else "middle right"
    traces = [
        go.Scatter(**at, mode="markers", marker=rim, hoverinfo="skip", name="halo"),
        go.Scatter(
            **at,
            mode="markers+text",
            marker=cross,
            text=[f"  {name}  "],
            textposition=side,
            textfont=LABEL,
            name="human",
            hovertemplate=f"<b>{name}</b>, {escape(mark.status)}<br>"
            f"pixel ({mark.x_px:.0f}, {mark.y_px:.0f})<extra></extra>",
        ),
    ]
    if mark.box_px is not None:
        x1, y1, x2, y2 = mark.box_px
        corners = {"x": [x1, x2, x2, x1, x1], "y": [y1, y1, y2, y2, y1]}
        line = {"color": HUMAN, "width": 3}
        traces.append(go.Scatter(**corners, mode="lines", line=line, hoverinfo="skip", name="box"))
    return traces


def spread_bars(
    names: Sequence[str], spread_percent: Sequence[float], counts: Sequence[int]
) -> str:
    """Spread of people's points for each slice, the widest first."""
    figure = go.Figure(
        go.Bar(
            x=list(spread_percent),
            y=[escape(name, quote=False) for name in names],
            orientation="h",
            marker={"color": HUMAN},
            customdata=list(counts),
            hovertemplate="%{y}: %{x:.1f} % of the diagonal, %{customdata} cases<extra></extra>",
        )
    )
    axis: dict[str, Any] = {
        "fixedrange": True,
        "zeroline": False,
        "showgrid": False,
        "ticks": "outside",
    }
    figure.update_layout(
        template=None,
        title={"text": "How far apart people point", "font": {"size": 15}, "x": 0, "xref": "paper"},
        xaxis={"title": {"text": "spread (% of the diagonal)"}, "rangemode": "tozero", **axis},
        yaxis={"title": {"text": "slice"}, "autorange": "reversed", "automargin": True, **axis},
        margin={"l": 90, "r": 12, "t": 34, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.12)",
        hoverlabel={"bgcolor": figures.INK, "font": {"color": "white", "size": 13}},
    )
    config = {**figures.CONFIG, "displayModeBar": False}
    return json.dumps({**json.loads(figure.to_json()), "config": config})
