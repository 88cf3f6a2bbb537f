"""Curves of a training job as Plotly JSON text. Knows no gradio and no database.

Text colours follow the page by CSS: the same figure in light and dark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ui.components.colours import CONTROL, FINETUNED, HUMAN
from ui.components.marks import INK

Series = Sequence[tuple[int, float]]
"""(optimiser step, value), by step."""
Lines = Mapping[str, Series]
"""The series of a job by their metric."""

MAX_POINTS = 300
NO_UNIT = ("no unit", "per step")
# Neither side's nor a person's: parts of a loss are none of these.
VIOLET, PINK, GREY = "#8B5CF6", "#DB2777", "#78716C"


class Drawn(NamedTuple):
    """A chart as JSON text (None while it has no value), and its latest values in words."""

    plot: str | None
    said: str


class Line(NamedTuple):
    """One metric of a chart. Lines of one chart differ by dash or mark as well as by colour."""

    metric: str
    label: str
    colour: str = GREY
    dash: str = "solid"
    marks: str = ""


class Chart(NamedTuple):
    """One small chart. unit: beside the title and on the axis. log: logarithmic from the start."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    log: bool = False
    digits: int = 3


# fmt: off
CHARTS: dict[str, Chart] = {
    "losses": Chart("Losses", "no unit", (
        Line("text_loss", "text, nats a token (Eq. 5)"),
        Line("coord_loss", "point, squared share (Eq. 4)", FINETUNED, "dash"),
        Line("map_loss", "heatmap, nats", VIOLET, "dot"),
        Line("shown_loss", "point as shown, cells", PINK, "dashdot"),
    ), log=True),
    "distance": Chart("Validation distance, mean", "px", (
        Line("val_mean_px", "all scenes", FINETUNED, marks="diamond"),
        Line("val_corrected_px", "corrected scenes", HUMAN, "dot", "cross"),
        Line("val_replay_px", "replayed scenes", CONTROL, "dash", "square-open"),
    )),
    "mse": Chart("Validation MSE", "px²", (
        Line("val_mse_px2", "mean squared distance", FINETUNED, marks="diamond"),
    )),
    "lr": Chart("Learning rate", "per step", (Line("learning_rate", "learning rate"),)),
    "grad": Chart("Gradient norm", "no unit", (Line("grad_norm", "before clipping"),)),
    "speed": Chart("Speed", "samples/s", (Line("samples_per_s", "samples/s"),)),
    "memory": Chart("Memory", "MB", (Line("memory_mb", "of the worker"),), digits=4),
}
# fmt: on


def thinned(series: Series, most: int = MAX_POINTS) -> Series:
    """At most about `most` points: every n-th one, and always the last."""
    every = max(1, -(-len(series) // most))
    return [*series[:-1:every], *series[-1:]]


def smoothed(series: Series, weight: float) -> Series:
    """An exponential moving average as TensorBoard's: weight (0..1) of what was before, divided by
    what the weights so far add up to, so that it does not start at 0."""
    average, made = 0.0, []
    for n, (step, value) in enumerate(series, 1):
        average = weight * average + (1 - weight) * value
        made.append((step, average / (1 - weight**n)))
    return made


def curve(
    chart: Chart,
    lines: Lines,
    job: str = "",
    other: Lines | None = None,
    other_name: str = "",
    smooth: float = 0.0,
    log: bool = False,
) -> str | None:
    """The chart of one job, or None while it has no value yet.

    job: zoom is kept within it. other: of a second job, fainter, under the first. smooth: weight
    of `smoothed`; the values themselves stay, fainter. log: logarithmic values in every chart.
    """
    drawn: list[go.Scatter] = []
    found: list[float] = []
    for values, name in ((other or {}, other_name), (lines, "")):
        for line in chart.lines:
            if series := values.get(line.metric):
                drawn += _traces(line, series, smooth, name)
                found += [value for _, value in series]
    if not any(lines.get(line.metric) for line in chart.lines):
        return None
    for trace in [trace for trace in drawn if trace.legendgroup][:-1]:
        trace.showlegend = False  # one entry is enough for all of the second job's
    logarithmic = (log or chart.log) and min(found) > 0
    decades = math.log10(max(found) / min(found)) if logarithmic else 0.0
    figure = go.Figure(drawn)
    quantity = chart.unit if chart.unit not in NO_UNIT else chart.title.lower()
    figure.update_layout(
        template=None,
        xaxis={**_axis("optimiser step"), "rangemode": "tozero"},
        yaxis={**_axis(quantity), "type": "log" if logarithmic else "linear"}
        | ({"dtick": 1} if decades > 1 else {"nticks": 5}),
        margin={"l": 58, "r": 10, "t": 8, "b": 40},
        height=None,
        showlegend=sum(trace.showlegend is not False for trace in drawn) > 1,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        uirevision=job,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.08)",
        hovermode="x unified",
        hoverlabel={"bgcolor": INK, "font": {"color": "white", "size": 13}},
    )
    # The buttons that ui/training/training.js presses for who has no mouse.
    buttons = ["zoomIn2d", "zoomOut2d", "resetScale2d"]
    config = {"displaylogo": False, "displayModeBar": "hover", "modeBarButtons": [buttons]}
    return json.dumps({**json.loads(figure.to_json()), "config": config})


def _traces(line: Line, series: Series, smooth: float, job: str) -> list[go.Scatter]:
    """The values, or fainter and below their average. job: the second job's name."""
    values = _trace(line, thinned(series), job)
    if not smooth or len(series) < 2:
        return [values]
    values.update(opacity=0.25 * values.opacity, showlegend=False, hoverinfo="skip",
                  hovertemplate=None, mode="lines")  # fmt: skip
    return [values, _trace(line, thinned(smoothed(series, smooth)), job)]


def _trace(line: Line, points: Series, job: str) -> go.Scatter:
    # A single value is a dot: a line of one point would not be seen.
    lone = len(points) == 1
    return go.Scatter(
        x=[step for step, _ in points],
        y=[value for _, value in points],
        mode="markers" if lone else "lines+markers" if line.marks else "lines",
        name=f"{job}, fainter" if job else line.label,
        legendgroup=job or None,
        opacity=0.45 if job else 1.0,
        line={"color": line.colour, "width": 5 if job else 2, "dash": line.dash},
        marker={"size": 7, "symbol": line.marks or "circle"},
        hovertemplate="%{y:.4g}",
    )


def _axis(title: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "standoff": 6, "font": {"size": 12}},
        "gridcolor": "rgba(128,128,128,0.25)", "zeroline": False, "tickfont": {"size": 11},
        "nticks": 6, "automargin": False,
    }  # fmt: skip


def summary(chart: Chart, lines: Lines) -> str:
    """What the chart shows, in words: for screen readers, and under the title."""
    said = []
    for line in chart.lines:
        if series := lines.get(line.metric):
            unit = "" if chart.unit in (*NO_UNIT, line.label) else f" {chart.unit}"
            first, last = (_short(series[i][1], chart.digits) + unit for i in (0, -1))
            name = "" if len(chart.lines) == 1 else f"{line.label} "
            said.append(f"{name}now {last}" + (f", from {first}" if len(series) > 1 else ""))
    return "; ".join(said) or "no value yet"


def _short(value: float, digits: int) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
