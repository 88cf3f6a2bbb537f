"""What is in a scene, in metres and words, before any pixel exists."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from examples.world.camera import CameraPlan


@dataclass(frozen=True)
class RoadPlan:
    """Road layout. Lateral positions are in m from the ego lane's centre, + = right.

    ``side`` is +1 for driving on the right, -1 for driving on the left.
    """

    kind: str
    side: int
    lane_m: float
    lanes_kerb: int
    lanes_inner: int
    lanes_oncoming: int
    parking: bool
    sidewalk_m: float
    setback_m: float
    median_m: float
    crosswalk_z: float | None
    junction_z: float | None
    snow: bool

    @property
    def kerb_m(self) -> float:
        """Distance of the road's edge on our own side."""
        return self.lane_m * (0.5 + self.lanes_kerb) + (2.2 if self.parking else 0.4)

    @property
    def centre_m(self) -> float:
        """Distance of the line that parts the two directions."""
        return self.lane_m * (0.5 + self.lanes_inner)

    @property
    def far_kerb_m(self) -> float:
        """Distance of the road's edge on the oncoming side."""
        oncoming = self.lane_m * self.lanes_oncoming + self.median_m
        return self.centre_m + oncoming + (2.2 if self.parking else 0.4)

    @property
    def edges_m(self) -> tuple[float, float]:
        """Lateral positions (left, right) of the road's edges."""
        if self.side > 0:
            return -self.far_kerb_m, self.kerb_m
        return -self.kerb_m, self.far_kerb_m


@dataclass(frozen=True)
class LookPlan:
    """Conditions: ``time_of_day`` day/overcast/dusk/night, ``weather`` clear/rain/fog/snow.

    ``sun_xz`` is the ground offset in m of a shadow for each metre of height; ``dash`` the top of
    the bonnet or dashboard as a fraction of the image's height (1 = none).
    """

    time_of_day: str
    weather: str
    sun_xz: tuple[float, float]
    sun: float
    wet: float
    visibility_m: float
    dash: float


@dataclass(frozen=True)
class AgentPlan:
    """An agent to draw. ``heading_rad``: 0 = along our way, pi = towards us, +pi/2 = right."""

    kind: str
    colour: str
    x_m: float
    z_m: float
    heading_rad: float
    motion: str
    role: str
    braking: bool = False
    indicating: str | None = None
    entering: bool = False
    follower: bool = False
    size: float = 1.0

    def half_width_m(self) -> float:
        """Half the lateral room that the agent takes, in m."""
        length, width = FOOTPRINT_M[self.kind]
        c, s = abs(math.cos(self.heading_rad)), abs(math.sin(self.heading_rad))
        return (length * s + width * c) / 2


@dataclass(frozen=True)
class ScenePlan:
    """Everything that decides a scene; ``agents[0]`` is the hazard."""

    seed: int
    attempt: int
    camera: CameraPlan
    road: RoadPlan
    look: LookPlan
    agents: tuple[AgentPlan, ...]

    def rng(self, name: str) -> np.random.Generator:
        """A random stream of its own for each part, so that no part disturbs another."""
        return np.random.default_rng([self.seed, self.attempt, zlib.crc32(name.encode())])


# Length and width in m on the ground.
FOOTPRINT_M = {
    "car": (4.4, 1.8), "van": (5.2, 2.0), "truck": (8.0, 2.5), "bus": (11.0, 2.5),
    "motorcycle": (2.1, 0.8), "cyclist": (1.8, 0.6), "pedestrian": (0.5, 0.5),
    "animal": (1.2, 0.5), "debris": (0.8, 0.8), "cone": (0.4, 0.4), "barrier": (0.5, 2.0),
}  # fmt: skip
VEHICLES = frozenset({"car", "van", "truck", "bus"})
