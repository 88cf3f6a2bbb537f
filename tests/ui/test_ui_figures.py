"""Panels: the right colours, marks where the points are, and what the pointer reads."""

import dataclasses
import html
import json
import re

import numpy as np
import pytest

from inference.fields import Point
from inference.schema import Heatmap, PatchGrid
from ui.components import panels
from ui.components.colours import BASE, FINETUNED, diverging, inferno, rgb
from ui.components.marks import MARKS
from ui.components.panels import Panel

GRID = PatchGrid(2, 4, (640, 360))
VALUES = np.arange(8, dtype=np.float32).reshape(2, 4)


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
