"""The one formula for an agent's risk."""

from __future__ import annotations

import math

from examples.world.plan import VEHICLES, AgentPlan

VULNERABILITY = {
    "pedestrian": 1.0, "cyclist": 0.95, "motorcycle": 0.95, "animal": 0.85, "truck": 0.85,
    "bus": 0.85, "car": 0.8, "van": 0.8, "debris": 0.75, "barrier": 0.75, "cone": 0.65,
}  # fmt: skip
PATH_HALF_M = 1.25


def in_path(agent: AgentPlan) -> bool:
    """Whether the agent's footprint reaches into the strip that the ego vehicle will take."""
    return abs(agent.x_m) - agent.half_width_m() * 0.8 < PATH_HALF_M


def agent_risk(agent: AgentPlan) -> float:
    """Risk in 0..1 = vulnerability(class) x proximity x path.

    proximity = exp(-depth / 35 m), a stand-in for the time left to react. path = 1 in our path,
    0.85 when moving into it, 0.3 for a vehicle that goes ahead of us without braking, 0.03 for a
    parked one beside the path, else 0.1 falling with the distance from the path. The second of a
    group counts 0.55, since the driver reacts to the first.
    """
    proximity = math.exp(-max(agent.z_m - 3.0, 0.0) / 35.0)
    if agent.entering:
        path = 0.85
    elif in_path(agent):
        flows = agent.kind in VEHICLES and agent.motion == "away" and not agent.braking
        path = 0.3 if flows else 1.0
    elif agent.motion == "parked":
        path = 0.03
    else:
        path = 0.1 * math.exp(-max(abs(agent.x_m) - 2.0, 0.0) / 4.0)
    risk = VULNERABILITY[agent.kind] * proximity * path
    return min(1.0, risk * (0.55 if agent.follower else 1.0))
