"""Curves of a training job as Plotly JSON text. Knows no gradio and no database.

Text colours follow the page by CSS, as in `ui.components.figures`: the same in light and dark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from ui.components.colours import BASE, CONTROL, FINETUNED, HUMAN
from ui.components.figures import INK

Series = Sequence[tuple[int, float]]
"""(optimiser step, value), by step."""

MAX_POINTS = 300
NO_UNIT = ("no unit", "per step")
GREY = "#78716C"


@dataclass(frozen=True)
class Line:
    """One metric of a chart. Lines of one chart differ by dash or mark as well as by colour."""

    metric: str
    label: str
    colour: str
    dash: str = "solid"
    marks: str = ""


@dataclass(frozen=True)
class Chart:
    """One small chart. unit: beside the title and on the axis. log: logarithmic values."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    log: bool = False
    digits: int = 3


CHARTS: dict[str, Chart] = {
    "losses": Chart(
        "Losses",
        "no unit",
        (
            Line("text_loss", "text, nats a token (Eq. 5)", BASE),
            Line("coord_loss", "point, squared share (Eq. 4)", FINETUNED, "dash"),
            Line("map_loss", "heatmap, nats", HUMAN, "dot"),
            Line("shown_loss", "point as shown, cells", GREY, "dashdot"),
        ),
        log=True,
    ),
    "mae": Chart(
        "Validation distance, mean",
        "px",
        (
            Line("val_mean_px", "all scenes", FINETUNED, marks="diamond"),
            Line("val_corrected_px", "corrected scenes", HUMAN, "dot", "cross"),
            Line("val_replay_px", "replayed scenes", CONTROL, "dash", "square-open"),
        ),
    ),
    "mse": Chart(
        "Validation MSE", "px²", (Line("val_mse_px2", "mean squared error", HUMAN, marks="cross"),)
    ),
    "lr": Chart("Learning rate", "per step", (Line("learning_rate", "learning rate", GREY),)),
    "grad": Chart("Gradient norm", "no unit", (Line("grad_norm", "before clipping", GREY),)),
    "speed": Chart("Speed", "samples/s", (Line("samples_per_s", "samples/s", GREY),)),
    "memory": Chart("Memory", "MB", (Line("memory_mb", "of the worker", GREY),), digits=4),
}


def thinned(series: Series, most: int = MAX_POINTS) -> list[tuple[int, float]]:
    """At most about `most` points: every n-th one, and always the last."""
    every = -(-len(series) // most) if series else 1
    kept = list(series[::every])
    if series and kept[-1] != series[-1]:
        kept.append(series[-1])
    return kept


def curve(chart: Chart, metrics: Mapping[str, Series], job: str = "") -> str | None:
    """The chart of one job, or None while it has no value yet. job: zoom is kept within it."""
    drawn = [_trace(line, thinned(metrics[line.metric])) for line in chart.lines
             if metrics.get(line.metric)]  # fmt: skip
    if not drawn:
        return None
    figure = go.Figure(drawn)
    log = chart.log and all(v > 0 for line in chart.lines for _, v in metrics.get(line.metric, ()))
    figure.update_layout(
        template=None,
        xaxis={**_axis("optimiser step"), "rangemode": "tozero"},
        yaxis={**_axis(_quantity(chart)), "type": "log" if log else "linear"}
        | ({"dtick": 1} if log and _decades(chart, metrics) > 1 else {"nticks": 5}),
        margin={"l": 58, "r": 10, "t": 8, "b": 40},
        height=None,
        showlegend=len(drawn) > 1,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        uirevision=job,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.08)",
        hovermode="x unified",
        hoverlabel={"bgcolor": INK, "font": {"color": "white", "size": 13}},
    )
    return _json(figure)


def _quantity(chart: Chart) -> str:
    """The axis label: a unit, or the name of what has none."""
    return chart.unit if chart.unit not in NO_UNIT else chart.title.lower()


def _decades(chart: Chart, metrics: Mapping[str, Series]) -> float:
    values = [v for line in chart.lines for _, v in metrics.get(line.metric, ()) if v > 0]
    return math.log10(max(values) / min(values)) if values else 0.0


def summary(chart: Chart, metrics: Mapping[str, Series]) -> str:
    """What the chart shows, in words: for screen readers, and under the title."""
    said = []
    for line in chart.lines:
        series = metrics.get(line.metric)
        if not series:
            continue
        unit = "" if chart.unit in (*NO_UNIT, line.label) else f" {chart.unit}"
        first, last = series[0][1], series[-1][1]
        now = f"{_short(last, chart.digits)}{unit}"
        start = "" if len(series) < 2 else f", from {_short(first, chart.digits)}{unit}"
        name = "" if len(chart.lines) == 1 else f"{line.label} "
        said.append(f"{name}now {now}{start}")
    return "; ".join(said) if said else "no value yet"


def _short(value: float, digits: int) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def _trace(line: Line, points: list[tuple[int, float]]) -> go.Scatter:
    # A single value is a dot: a line of one point would not be seen.
    lone = len(points) == 1
    return go.Scatter(
        x=[step for step, _ in points],
        y=[value for _, value in points],
        mode="markers" if lone else "lines+markers" if line.marks else "lines",
        name=line.label,
        line={"color": line.colour, "width": 2, "dash": line.dash},
        marker={"size": 7, "symbol": line.marks or "circle"},
        hovertemplate="%{y:.4g}",
    )


def _axis(title: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "standoff": 6, "font": {"size": 12}},
        "gridcolor": "rgba(128,128,128,0.25)", "zeroline": False, "tickfont": {"size": 11},
        "nticks": 6, "automargin": False,
    }  # fmt: skip


def _json(figure: go.Figure) -> str:
    config = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False}
    return json.dumps({**json.loads(figure.to_json()), "config": config})
