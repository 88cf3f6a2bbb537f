"""Draws the agents that are no hazard. Lateral positions are for driving on the right."""

from __future__ import annotations

import math

import numpy as np

from examples.world.hazards import make, vehicle_kind
from examples.world.plan import AgentPlan, RoadPlan


def _parked(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    out: list[AgentPlan] = []
    for side in (1, -1):
        z = rng.uniform(3, 14)
        density = rng.uniform(0.1, 0.95)
        while z < 55 and road.parking:
            if rng.random() < density:
                x = road.kerb_m - 1.1 if side > 0 else -(road.far_kerb_m - 1.1)
                heading = (0.0 if side > 0 or rng.random() < 0.3 else math.pi) + rng.normal(0, 0.02)
                kind = "car" if rng.random() < 0.85 else "van"
                out.append(make(kind, rng, x, float(z), heading, "background", motion="parked"))
            z += rng.uniform(5.6, 8.0)
    return out


def _flow(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    """Traffic ahead in our own and the neighbouring lanes, and oncoming traffic in its own."""
    out: list[AgentPlan] = []
    lanes = [(float(i) * road.lane_m, 0.0) for i in range(-road.lanes_inner, road.lanes_kerb + 1)]
    base = -(road.centre_m + road.median_m)
    lanes += [(base - (i + 0.5) * road.lane_m, math.pi) for i in range(road.lanes_oncoming)]
    busy = rng.uniform(0.15, 1.0)
    for x, heading in lanes:
        z = rng.uniform(26, 45) if x == 0 else rng.uniform(5, 30)
        while z < 95:
            if rng.random() < busy:
                rider = rng.random() < 0.08
                kind = "motorcycle" if rider else vehicle_kind(rng)
                braking = heading == 0 and rng.random() < 0.12 and x != 0
                offset = x + rng.normal(0, 0.2)
                out.append(make(kind, rng, offset, float(z), heading + rng.normal(0, 0.02),
                                "background", braking=bool(braking)))  # fmt: skip
            z += rng.uniform(9, 32)
    return out


def _walkers(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    out: list[AgentPlan] = []
    if road.kind == "motorway":
        return out
    count = int(rng.integers(0, 8 if road.sidewalk_m > 0 else 2))
    for _ in range(count):
        wide = max(road.sidewalk_m, 1.5)
        off = rng.uniform(0.5, wide)
        x = road.kerb_m + off if rng.random() < 0.55 else -(road.far_kerb_m + off)
        heading = float(rng.choice((0.0, math.pi, 0.0, math.pi, 1.57, -1.57)) + rng.normal(0, 0.3))
        motion = "stopped" if rng.random() < 0.3 else None
        z = float(rng.uniform(6, 50))
        out.append(make("pedestrian", rng, x, z, heading, "background", motion=motion))
    return out


def _riders(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    out: list[AgentPlan] = []
    if road.kind != "motorway" and rng.random() < 0.25:
        x = -(road.centre_m + road.median_m + road.lane_m * max(road.lanes_oncoming, 1) - 0.6)
        z = float(rng.uniform(9, 40))
        out.append(make("cyclist", rng, x, z, math.pi, "background"))
    return out


def _litter(rng: np.random.Generator, road: RoadPlan) -> list[AgentPlan]:
    """Cones, barriers, debris and animals that lie or stand off the road."""
    out: list[AgentPlan] = []
    for kind, chance in (("cone", 0.1), ("barrier", 0.05), ("debris", 0.07), ("animal", 0.05)):
        if rng.random() > chance:
            continue
        edge = road.kerb_m + 0.5 if rng.random() < 0.6 else -road.far_kerb_m - 0.5
        z = float(rng.uniform(7, 30))
        for i in range(int(rng.integers(1, 5)) if kind in ("cone", "barrier") else 1):
            x = edge + math.copysign(rng.uniform(0.0, 1.2), edge)
            colour = "orange" if kind in ("cone", "barrier") else None
            out.append(make(kind, rng, x, z + 2.5 * i, rng.uniform(-2, 2), "background",
                            motion="stopped", colour=colour))  # fmt: skip
    return out


def distractors(rng: np.random.Generator, road: RoadPlan, limit: int) -> list[AgentPlan]:
    """Up to ``limit`` agents that pose no risk, spread over the kinds that the road allows."""
    groups = [_parked(rng, road), _flow(rng, road), _walkers(rng, road), _riders(rng, road),
              _litter(rng, road)]  # fmt: skip
    agents = [agent for group in groups for agent in group]
    near_first = sorted(agents, key=lambda a: a.z_m * rng.uniform(0.4, 1.6))
    return near_first[:limit]
