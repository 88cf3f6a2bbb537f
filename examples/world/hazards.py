"""Draws the one hazard of a scene. Lateral positions are for driving on the right."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from examples.world.plan import AgentPlan, RoadPlan

COLOURS = ("white", "black", "silver", "grey", "red", "blue", "green", "yellow", "orange", "brown")
CAR_WEIGHTS = (0.22, 0.2, 0.16, 0.14, 0.09, 0.08, 0.03, 0.04, 0.02, 0.02)
COAT_WEIGHTS = (0.12, 0.26, 0.02, 0.14, 0.11, 0.15, 0.06, 0.05, 0.04, 0.05)
CAR_SUMS, COAT_SUMS = np.cumsum(CAR_WEIGHTS), np.cumsum(COAT_WEIGHTS)
HALF_PI = math.pi / 2


def colour_for(kind: str, rng: np.random.Generator) -> str:
    """A colour name with the frequencies of the street."""
    cars = kind in ("car", "van", "truck", "bus", "motorcycle")
    sums = CAR_SUMS if cars else COAT_SUMS
    return COLOURS[int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))]


def vehicle_kind(rng: np.random.Generator) -> str:
    """car, van, truck or bus."""
    draw = rng.random()
    return "car" if draw < 0.72 else "van" if draw < 0.85 else "truck" if draw < 0.94 else "bus"


def _near(rng: np.random.Generator, low: float, high: float, power: float = 1.6) -> float:
    return float(low + (high - low) * rng.random() ** power)


def _motion(heading: float) -> str:
    h = math.atan2(math.sin(heading), math.cos(heading))
    if abs(h) < math.pi / 4:
        return "away"
    if abs(h) > 3 * math.pi / 4:
        return "towards"
    return "right" if h > 0 else "left"


def make(kind: str, rng: np.random.Generator, x: float, z: float, heading: float, role: str,
         **extra) -> AgentPlan:  # fmt: skip
    """An agent whose motion follows from its heading unless ``motion`` is given."""
    motion = extra.pop("motion", None) or _motion(heading)
    size = float(rng.uniform(0.94, 1.06))
    if kind == "animal":
        size = float(rng.uniform(0.9, 1.25))
    colour = extra.pop("colour", None) or colour_for(kind, rng)
    return AgentPlan(kind, colour, x, z, heading, motion, role, size=size, **extra)


def _pedestrian(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    z = _near(rng, 3.8, 28)
    draw = rng.random()
    sign = 1.0 if rng.random() < 0.55 else -1.0
    if draw < 0.55:
        x, role = rng.uniform(-1.4, 1.4), "crossing_pedestrian"
    elif draw < 0.92:
        x, role = sign * rng.uniform(1.5, 2.6), "kerb_pedestrian"
    else:
        heading = float(rng.choice((0.0, math.pi)) + rng.normal(0, 0.2))
        return [make("pedestrian", rng, rng.uniform(-0.6, 1.2), z, heading, "walking_pedestrian")]
    heading = -sign * HALF_PI + rng.normal(0, 0.25)
    agents = [make("pedestrian", rng, x, z, heading, role, entering=role == "kerb_pedestrian")]
    if rng.random() < 0.22:
        behind = x + sign * rng.uniform(0.6, 1.0)
        follower = make(
            "pedestrian", rng, behind, z + rng.uniform(0.2, 1.0), heading, "background",
            follower=True,
        )  # fmt: skip
        agents.append(follower)
    return agents


def _braking(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    z = _near(rng, 5.5, 38, 1.3)
    kind = vehicle_kind(rng)
    return [make(kind, rng, rng.normal(0, 0.2), z, 0.0, "lead_braking", braking=True)]


def _cut_in(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    sides = [1.0] if road.lanes_kerb or road.parking else []
    sides += [-1.0] if road.lanes_inner or not sides else []
    sign = float(rng.choice(sides))
    heading = -sign * math.radians(rng.uniform(10, 32))
    blink = ("left" if sign > 0 else "right") if rng.random() < 0.6 else None
    kind = str(rng.choice(("car", "van", "truck", "motorcycle"), p=(0.76, 0.12, 0.07, 0.05)))
    x = sign * rng.uniform(1.2, 2.4)
    z = _near(rng, 5.5, 24)
    return [make(kind, rng, x, z, heading, "cut_in", entering=True, indicating=blink)]


def _crossing(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    sign = 1.0 if rng.random() < 0.6 else -1.0
    kind = str(rng.choice(("car", "van", "truck", "bus"), p=(0.77, 0.12, 0.07, 0.04)))
    z = _near(rng, 7.5, 30, 1.3)
    if rng.random() < 0.55 or road.kind == "motorway":
        heading = -sign * HALF_PI + rng.normal(0, 0.15)
        x = sign * rng.uniform(-1.5, 3.0)
        return [make(kind, rng, x, z, heading, "crossing_vehicle", entering=abs(x) > 2)]
    heading = -sign * math.radians(rng.uniform(40, 75))
    x = sign * rng.uniform(1.6, 3.2)
    return [make(kind, rng, x, z, heading, "pulling_out", entering=True)]


def _oncoming(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    z = _near(rng, 7, 42, 1.2)
    kind = str(rng.choice(("car", "van", "truck", "motorcycle"), p=(0.74, 0.12, 0.09, 0.05)))
    if rng.random() < 0.55:
        heading = math.pi + rng.normal(0, 0.12)
        return [make(kind, rng, rng.uniform(-1.3, 0.5), z, heading, "oncoming")]
    heading = math.pi - rng.uniform(0.45, 1.1)
    x = rng.uniform(-2.2, 0.4)
    return [make(kind, rng, x, min(z, 24.0), heading, "turning_across", entering=True)]


def _cyclist(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    kind = "cyclist" if rng.random() < 0.65 else "motorcycle"
    z = _near(rng, 4.5, 26)
    if rng.random() < 0.6:
        return [make(kind, rng, rng.uniform(-0.5, 1.25), z, rng.normal(0, 0.15), "cyclist")]
    sign = 1.0 if rng.random() < 0.5 else -1.0
    heading = -sign * HALF_PI + rng.normal(0, 0.3)
    x = sign * rng.uniform(-1.0, 2.2)
    return [make(kind, rng, x, z, heading, "crossing_rider", entering=abs(x) > 1.5)]


def _debris(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    x, z = rng.uniform(-1.0, 1.0), _near(rng, 4.5, 22)
    return [make("debris", rng, x, z, rng.uniform(-3, 3), "debris", motion="stopped")]


def _animal(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    sign = 1.0 if rng.random() < 0.5 else -1.0
    heading = -sign * HALF_PI + rng.normal(0, 0.3)
    x, z = sign * rng.uniform(-1.2, 1.6), _near(rng, 4.5, 20)
    return [make("animal", rng, x, z, heading, "animal", entering=abs(x) > 1.2)]


def _stopped(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    z = _near(rng, 7, 30, 1.2)
    heading = float(rng.choice((0.0, 0.0, math.pi, 0.5, -0.6, 1.2)) + rng.normal(0, 0.08))
    x = rng.uniform(0.2, 1.3)
    lead = make(vehicle_kind(rng), rng, x, z, heading, "stopped_vehicle", motion="stopped")
    if rng.random() < 0.4 and z > 9:
        cone = make("cone", rng, x + rng.uniform(-0.4, 0.6), z - rng.uniform(3.0, 4.0), 0.0,
                    "background", motion="stopped", colour="orange", follower=True)  # fmt: skip
        return [lead, cone] if rng.random() < 0.3 else [lead]
    return [lead]


def _roadworks(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    z = _near(rng, 6, 22, 1.2)
    x = rng.uniform(-0.5, 0.9)
    kind = "barrier" if rng.random() < 0.7 else "cone"
    head = make(kind, rng, x, z, math.pi, "roadworks", motion="stopped", colour="orange")
    agents = [head]
    for i in range(1, int(rng.integers(2, 5))):
        spot = x + 1.1 + 0.35 * i, z + 1.6 * i + 0.8
        agents.append(make("cone", rng, *spot, math.pi, "background", motion="stopped",
                           colour="orange", follower=True))  # fmt: skip
    return agents


HAZARDS: dict[str, tuple[float, Callable[[np.random.Generator, RoadPlan], list[AgentPlan]]]] = {
    "pedestrian": (0.34, _pedestrian),
    "brake_lights": (0.14, _braking),
    "cut_in": (0.10, _cut_in),
    "crossing_vehicle": (0.10, _crossing),
    "oncoming": (0.08, _oncoming),
    "cyclist": (0.09, _cyclist),
    "debris": (0.05, _debris),
    "animal": (0.04, _animal),
    "stopped_vehicle": (0.04, _stopped),
    "roadworks": (0.02, _roadworks),
}
