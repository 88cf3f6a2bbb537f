"""Draws camera, road layout and conditions of a scene."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from examples.world.camera import CameraPlan, between
from examples.world.plan import LookPlan, RoadPlan

ROADS = {
    "street": 0.34, "avenue": 0.18, "junction": 0.16, "motorway": 0.1, "rural": 0.12, "suburb": 0.1,
}  # fmt: skip
URBAN = frozenset({"street", "avenue", "junction"})


def sample_camera(rng: np.random.Generator, road: RoadPlan) -> CameraPlan:
    """Dashcam mounting and lens: field of view 45-110 deg, height 1.1-2.2 m."""
    hfov = between(rng.normal(68, 16), 45, 108)
    height = between(rng.normal(1.38, 0.2), 1.1, 2.2)
    bend = 0.0
    if road.kind in ("rural", "suburb", "motorway", "street") and rng.random() < 0.45:
        bend = float(rng.normal(0, 0.006 if road.kind != "motorway" else 0.0015))
    return CameraPlan(
        hfov_deg=hfov,
        horizon=between(rng.normal(0.46, 0.065), 0.3, 0.6),
        centre=between(rng.normal(0.5, 0.035), 0.4, 0.6),
        roll=between(rng.normal(0, 0.012), -0.04, 0.04),
        height_m=height,
        curve=between(bend, -0.012, 0.012),
    )


def sample_road(rng: np.random.Generator) -> RoadPlan:
    """Road layout of one of ``ROADS``."""
    kind = str(rng.choice(list(ROADS), p=np.array(list(ROADS.values()))))
    side = 1 if rng.random() < 0.8 else -1
    road = RoadPlan(kind, side, 3.2, 0, 0, 1, False, 2.5, 1.0, 0.0, None, None, False)
    snow = rng.random() < 0.06
    changes: dict[str, dict[str, object]] = {  # every kind draws, so that each keeps its place
        "street": {
            "lane_m": rng.uniform(2.8, 3.4), "parking": rng.random() < 0.75,
            "lanes_oncoming": int(rng.random() < 0.75), "lanes_inner": int(rng.random() < 0.2),
            "sidewalk_m": rng.uniform(1.6, 4.5), "setback_m": rng.uniform(0.0, 2.5),
            "crosswalk_z": rng.uniform(5, 22) if rng.random() < 0.3 else None,
        },
        "avenue": {
            "lane_m": rng.uniform(3.0, 3.6), "parking": rng.random() < 0.5,
            "lanes_kerb": int(rng.integers(0, 3)), "lanes_inner": int(rng.integers(0, 3)),
            "lanes_oncoming": int(rng.integers(1, 4)), "median_m": rng.choice((0.0, 0.0, 2.0)),
            "sidewalk_m": rng.uniform(2.5, 6), "setback_m": rng.uniform(0, 8),
            "crosswalk_z": rng.uniform(6, 20) if rng.random() < 0.35 else None,
        },
        "junction": {
            "lane_m": rng.uniform(2.9, 3.6), "parking": rng.random() < 0.4,
            "lanes_kerb": int(rng.integers(0, 2)), "lanes_inner": int(rng.integers(0, 2)),
            "lanes_oncoming": int(rng.integers(1, 3)), "sidewalk_m": rng.uniform(2, 5),
            "setback_m": rng.uniform(0, 5), "junction_z": rng.uniform(6, 16),
        },
        "motorway": {
            "lane_m": rng.uniform(3.4, 3.8), "lanes_kerb": int(rng.integers(0, 3)),
            "lanes_inner": int(rng.integers(0, 3)), "lanes_oncoming": int(rng.integers(2, 4)),
            "median_m": rng.uniform(2, 6), "sidewalk_m": 0.0, "setback_m": rng.uniform(4, 14),
        },
        "rural": {
            "lane_m": rng.uniform(2.7, 3.5), "sidewalk_m": 0.0, "setback_m": rng.uniform(2, 12),
        },
        "suburb": {
            "lane_m": rng.uniform(2.8, 3.4), "parking": rng.random() < 0.5,
            "sidewalk_m": rng.uniform(0.0, 2.2), "setback_m": rng.uniform(4, 9),
            "crosswalk_z": rng.uniform(6, 20) if rng.random() < 0.12 else None,
        },
    }  # fmt: skip
    road = dataclasses.replace(road, **changes[kind], snow=snow)
    if road.junction_z is not None:
        road = dataclasses.replace(road, crosswalk_z=road.junction_z - rng.uniform(1.5, 2.5))
        road = dataclasses.replace(road, crosswalk_z=max(3.5, road.crosswalk_z or 0.0))
    return road


def sample_look(rng: np.random.Generator, road: RoadPlan) -> LookPlan:
    """Time of day, weather, sun and dashboard."""
    time = str(rng.choice(("day", "overcast", "dusk", "night"), p=(0.42, 0.22, 0.12, 0.24)))
    draw = rng.random()
    weather = "rain" if draw < 0.13 else "fog" if draw < 0.2 else "clear"
    if road.snow and weather != "rain" and rng.random() < 0.5:
        weather = "snow"
    if weather != "clear" and time == "day":
        time = "overcast"
    azimuth = rng.uniform(0, 2 * math.pi)
    stretch = rng.uniform(0.4, 1.6) if time == "day" else rng.uniform(1.5, 3.5)
    sun = {"day": rng.uniform(0.5, 1), "overcast": 0.0, "dusk": rng.uniform(0, 0.6), "night": 0.0}
    visibility = {"fog": float(np.exp(rng.uniform(math.log(30), math.log(140)))), "rain": 220.0}
    visibility["snow"] = float(rng.uniform(60, 200))
    clear = float(rng.uniform(300, 2500))
    wet = rng.uniform(0.5, 1.0) if weather == "rain" else float(rng.random() < 0.08) * 0.6
    dash = 1.0 if rng.random() < 0.18 else between(rng.normal(0.9, 0.05), 0.78, 1.0)
    return LookPlan(
        time_of_day=time,
        weather=weather,
        sun_xz=(math.cos(azimuth) * stretch, math.sin(azimuth) * stretch),
        sun=float(sun[time]) if weather == "clear" else 0.0,
        wet=float(wet),
        visibility_m=visibility.get(weather, clear),
        dash=dash,
    )


def condition_slices(road: RoadPlan, look: LookPlan) -> frozenset[str]:
    """The condition slices that a scene with this road and look belongs to."""
    named = {
        "night": look.time_of_day == "night",
        "rain": look.weather == "rain",
        "fog": look.weather == "fog",
        "motorway": road.kind == "motorway",
        "urban": road.kind in URBAN,
        "rural": road.kind in ("rural", "suburb"),
    }
    return frozenset(name for name, holds in named.items() if holds)
