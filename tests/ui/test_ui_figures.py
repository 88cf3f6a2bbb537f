"""Figures: each cell over its own pixels, the right range, signs where the points are."""

import dataclasses
import html
import json
import re

import numpy as np
import pytest

from inference.fields import Point
from inference.schema import Heatmap, PatchGrid
from ui.components import figures, panels
from ui.components.colours import BASE, FINETUNED, diverging, inferno, rgb
from ui.components.marks import MARKS
from ui.components.panels import Panel

GRID = PatchGrid(2, 4, (640, 360))
VALUES = np.arange(8, dtype=np.float32).reshape(2, 4)


def overlay(signed=False, grid=GRID, points=None, **more):
    heatmap = Heatmap(VALUES, grid, "Map", "share of attention", signed)
    return json.loads(figures.overlay(heatmap, "picture.jpg", grid.image_wh, points or {}, **more))


def heat(figure):
    return next(t for t in figure["data"] if t["type"] == "heatmap")


def test_cells_lie_exactly_over_their_pixels():
    trace = heat(overlay())
    assert (trace["dx"], trace["dy"]) == (160, 180)
    # The first cell's centre: its edges are then 0 and 160, 0 and 180.
    assert (trace["x0"], trace["y0"]) == (80, 90)
    assert trace["z"] == VALUES.tolist()


def test_a_grid_with_its_own_area():
    grid = PatchGrid(2, 4, (640, 360), (100.0, 0.0, 500.0, 360.0))
    trace = heat(overlay(grid=grid))
    assert (trace["x0"], trace["dx"]) == (150, 100)


def test_axes_are_pixels_of_the_original_and_y_points_down():
    layout = overlay()["layout"]
    assert layout["xaxis"]["range"] == [0, 640]
    assert layout["yaxis"]["range"] == [360, 0]
    assert "px" in layout["xaxis"]["title"]["text"]
    picture = layout["images"][0]
    assert (picture["sizex"], picture["sizey"], picture["x"], picture["y"]) == (640, 360, 0, 0)


def test_ranges_start_at_zero_or_are_centred_on_it():
    trace = heat(overlay(vmax=9.0, opacity=0.3))
    assert (trace["zmin"], trace["zmax"], trace["opacity"]) == (0, 9, 0.3)
    signed = heat(overlay(signed=True, vmax=9.0))
    assert (signed["zmin"], signed["zmax"]) == (-9, 9)


def test_hover_says_value_unit_and_pixel():
    text = heat(overlay())["hovertemplate"]
    assert "%{z" in text
    assert "share of attention" in text
    assert "%{x:.0f}" in text


def test_signs_and_the_line_between_them():
    points = {
        "base": Point(10, 20, source="text"),
        "finetuned": Point(40, 60, source="head"),
        "truth": Point(41, 61, source="truth"),
    }
    figure = overlay(signed=True, points=points)
    by_name = {t.get("name"): t for t in figure["data"]}
    assert by_name["Base"]["marker"]["symbol"] == "circle"
    assert by_name["Fine-tuned"]["marker"]["symbol"] == "diamond"
    assert by_name["Ground truth"]["marker"]["color"] == "white"
    assert by_name["moved"]["x"] == [10, 40]
    assert by_name["moved"]["y"] == [20, 60]
    assert [a["text"] for a in figure["layout"]["annotations"]] == ["<b>50 px</b>"]
    assert not overlay(points=points)["layout"].get("annotations")


@pytest.mark.parametrize(
    ("ys", "at", "anchor"),
    [
        ((150, 140), 140, "bottom"),
        ((140, 150), 140, "bottom"),
        ((3, 50), 50, "top"),
        ((50, 3), 50, "top"),
    ],
)
def test_the_distance_stands_beyond_both_signs_and_inside_the_picture(ys, at, anchor):
    points = {
        "base": Point(10, ys[0], source="text"),
        "finetuned": Point(11, ys[1], source="head"),
    }
    label = overlay(signed=True, points=points)["layout"]["annotations"][0]
    assert (label["y"], label["yanchor"]) == (at, anchor)
    assert (label["yshift"] > 0) == (anchor == "bottom")


def test_zoom_is_kept_as_long_as_the_case_is_the_same():
    assert overlay(case="one")["layout"]["uirevision"] == "one"


def test_a_picture_without_a_map():
    figure = json.loads(figures.overlay(None, "p.jpg", (640, 360), {}))
    assert all(t["type"] != "heatmap" for t in figure["data"])


def test_scales_are_clear_at_zero_and_diverge():
    assert inferno(0)[3] == 0
    assert inferno(1)[:3] == (252, 255, 164)
    assert diverging(0)[3] == 0
    assert diverging(-1)[:3] == rgb(BASE)
    assert diverging(1)[:3] == rgb(FINETUNED)
    alphas = [inferno(i / 10)[3] for i in range(11)]
    assert alphas == sorted(alphas)


@pytest.mark.parametrize("share", [-5, -1, 0, 0.5, 1, 5])
def test_scales_stay_in_range(share):
    assert 0 <= inferno(share)[3] <= 1
    assert 0 <= diverging(share)[3] <= 1


# ---- the panels of a scene ---------------------------------------------------------------------


def drawn(signed=False, points=None, kind="base", vmax=7.0):
    heatmap = Heatmap(VALUES, GRID, "Map", "share of attention", signed)
    panel = Panel(kind, "Base", "p.jpg", GRID.image_wh, heatmap, vmax, points or {}, said="Said.")
    return panels.svg(panel)


def test_a_panel_says_what_it_shows_and_tells_values_under_the_pointer():
    svg = drawn()
    assert 'viewBox="0 0 640 360"' in svg
    assert 'aria-label="Base. Said."' in svg
    told = json.loads(html.unescape(re.search("data-map='([^']*)'", svg)[1]))
    assert told == {
        "area": [0, 0, 640, 360],
        "unit": "share of attention",
        "values": VALUES.tolist(),
    }
    assert "http" not in svg.replace("http://www.w3.org", "")


def test_marks_differ_in_shape_and_the_difference_has_a_line():
    points = {"truth": Point(41, 61), "base": Point(10, 20), "finetuned": Point(40, 60)}
    svg = drawn(True, points, "difference")
    shapes = {kind: mark.svg for kind, mark in MARKS.items()}
    assert all(shapes[kind] in svg for kind in points)
    assert len(set(shapes.values())) == len(MARKS)
    assert 'x1="10.0" y1="20.0" x2="40.0" y2="60.0"' in svg
    assert ">50 px</text>" in svg
    assert "<line" not in drawn(points=points)


def test_sides_with_one_range_share_one_colour_bar():
    heatmap = Heatmap(VALUES, GRID, "Map", "probability")
    sides = [Panel(k, k, "p.jpg", (640, 360), heatmap, 7.0) for k in ("base", "finetuned")]
    assert panels.stage(sides, "x").count("sl-scale") == 1
    sides[1] = dataclasses.replace(sides[1], vmax=3.0)
    assert panels.stage(sides, "x").count("sl-scale") == 2
