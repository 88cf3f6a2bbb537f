"""Painted lines on the road."""

from __future__ import annotations

import numpy as np

from examples.world.camera import Camera, between
from examples.world.canvas import Canvas
from examples.world.plan import RoadPlan, ScenePlan

Colour = tuple[float, float, float]


def _quad(camera: Camera, x0: np.ndarray | float, x1: np.ndarray | float, z0: float,
          z1: float) -> np.ndarray:  # fmt: skip
    """Pixel outline between two lateral positions; of each stripe when they are arrays."""
    z = [z0, (z0 * z1) ** 0.5, z1] if z1 > 1.6 * z0 else [z0, z1]
    x = np.concatenate([np.repeat(np.asarray(s)[..., None], len(z), -1) for s in (x0, x1)], -1)
    return camera.outline(x, 0.0, np.array(z + z[::-1]))


def _line(canvas: Canvas, camera: Camera, x: float, style: tuple[float, float, float],
          colour: Colour, start: float, gap: tuple[float, float] | None) -> None:  # fmt: skip
    """A line of ``style`` (width, dash, space in m); space 0 = solid. ``gap`` stays free."""
    width, dash, space = style
    starts, ends = [], []
    z = 0.7 if space == 0 else 0.7 - start
    while z < (150 if space == 0 else 75):
        end = z + (dash if space else z * 0.9)
        blocked = gap is not None and end > gap[0] and z < gap[1]
        if end > 0.75 and not blocked:
            starts.append(max(z, 0.7))
            ends.append(end)
        z = end + space
    if starts:
        zs = np.stack([starts, ends, ends, starts], 1)
        xs = x + np.array([-0.5, -0.5, 0.5, 0.5]) * width
        canvas.polygons(camera.outline(xs, 0.0, zs), colour, "marking")


def _zebra(canvas: Canvas, camera: Camera, road: RoadPlan, colour: Colour, asphalt: Colour,
           rng: np.random.Generator) -> None:  # fmt: skip
    left, right = road.edges_m
    z0 = road.crosswalk_z or 0.0
    depth = rng.uniform(2.2, 4.0)
    if rng.random() < 0.2:
        for z in (z0, z0 + depth):
            canvas.polygon(_quad(camera, left, right, z, z + 0.35), colour, "marking")
        return
    pitch = rng.uniform(0.9, 1.4)
    fill = rng.uniform(0.4, 0.6)
    x = np.arange(left + 0.3, right - 0.3, pitch)
    for quad in _quad(camera, x, x + pitch * fill, z0, z0 + depth):
        shade = _mix(colour, asphalt, rng.uniform(0.7, 1.0))
        canvas.polygon(quad, shade, "marking")


def _mix(paint: Colour, asphalt: Colour, share: float) -> Colour:
    """Worn paint: ``share`` of the paint's colour over the asphalt's."""
    red, green, blue = (p * share + a * (1 - share) for p, a in zip(paint, asphalt, strict=True))
    return red, green, blue


def paint_markings(canvas: Canvas, camera: Camera, plan: ScenePlan, asphalt: Colour) -> None:
    """Centre, lane and edge lines, stop line, zebra and sometimes an arrow, worn alike."""
    rng, road = plan.rng("markings"), plan.road
    alpha = between(rng.uniform(0.25, 1.1), 0, 1) * (0.35 if road.snow else 1.0)
    tone = rng.uniform(180, 245)
    white = _mix((tone, tone, tone * 0.97), asphalt, alpha)
    yellow = _mix((tone * 0.95, tone * 0.75, tone * 0.3), asphalt, alpha)
    width = rng.uniform(0.1, 0.2)
    start = rng.uniform(0, 6)
    gap = None
    if road.junction_z is not None:
        gap = (road.junction_z - 1.0, road.junction_z + 16)
    elif road.crosswalk_z is not None:
        gap = (road.crosswalk_z - 0.5, road.crosswalk_z + 4)
    dashes = (width, rng.uniform(2, 6), rng.uniform(2, 8))
    bare = road.kind in ("street", "suburb", "rural") and rng.random() < 0.3
    side = road.side
    centre = -side * road.centre_m
    if not bare:
        tint = yellow if rng.random() < 0.45 else white
        double = rng.random() < 0.4
        solid = (width, 1.0, 0.0)
        for offset in (-0.12, 0.12) if double else (0.0,):
            style = solid if double or rng.random() < 0.4 else dashes
            _line(canvas, camera, centre + offset, style, tint, start, gap)
        lanes = [side * road.lane_m * (i + 0.5) for i in range(road.lanes_kerb)]
        lanes += [-side * road.lane_m * (i + 0.5) for i in range(road.lanes_inner)]
        far = centre - side * road.median_m
        lanes += [far - side * road.lane_m * i for i in range(1, road.lanes_oncoming)]
        for x in lanes:
            _line(canvas, camera, x, dashes, white, start, gap)
        if road.kind in ("motorway", "rural", "avenue") or rng.random() < 0.3:
            left, right = road.edges_m
            inset = 2.2 if road.parking else 0.35
            for x in (left + inset, right - inset):
                _line(canvas, camera, x, solid, white, start, gap)
    if road.crosswalk_z is not None:
        _zebra(canvas, camera, road, white, asphalt, rng)
        if rng.random() < 0.6 and road.crosswalk_z > 4:
            stop = road.crosswalk_z - 1.4
            ends = sorted((centre, side * (road.kerb_m - 0.2)))
            quad = _quad(camera, ends[0], ends[1], stop, stop + 0.4)
            canvas.polygon(quad, white, "marking")
    if rng.random() < 0.15 and road.kind != "rural":
        _arrow(canvas, camera, rng.uniform(5, 12), white)


def _arrow(canvas: Canvas, camera: Camera, z: float, colour: Colour) -> None:
    canvas.polygon(_quad(camera, -0.1, 0.1, z, z + 2.4), colour, "marking")
    x = np.array([-0.4, 0.0, 0.4])
    tip = camera.outline(x, 0.0, np.array([z + 2.3, z + 3.6, z + 2.3]))
    canvas.polygon(tip, colour, "marking")
