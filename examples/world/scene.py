"""Types of a rendered road scene. Knows nothing about how the image is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEMANTICS = (
    "sky", "road", "marking", "sidewalk", "building", "vegetation", "terrain", "pole", "ego",
    "vehicle", "two_wheeler", "person", "animal", "debris", "cone",
)  # fmt: skip
SEM = {name: index for index, name in enumerate(SEMANTICS)}
KIND_SEMANTICS = {
    "car": "vehicle", "van": "vehicle", "truck": "vehicle", "bus": "vehicle",
    "motorcycle": "two_wheeler", "cyclist": "two_wheeler", "pedestrian": "person",
    "animal": "animal", "debris": "debris", "cone": "cone", "barrier": "cone",
}  # fmt: skip
HAZARD_SLICES = (
    "pedestrian", "cut_in", "brake_lights", "oncoming", "cyclist", "debris", "animal",
    "crossing_vehicle", "stopped_vehicle", "roadworks",
)  # fmt: skip
CONDITION_SLICES = ("night", "rain", "fog", "motorway", "urban", "rural")
SLICES = frozenset(HAZARD_SLICES + CONDITION_SLICES)
SKY_DEPTH_M = 200.0


@dataclass(frozen=True)
class Agent:
    """One road user or object.

    ``box_px`` is the tight xyxy box of its visible pixels; ``depth_m`` the distance to its ground
    contact along the road; ``lateral_m`` its offset from the ego vehicle's predicted path
    (+ = right); ``visible`` the share of its pixels that nothing hides; ``risk`` lies in 0..1
    (see ``risk.agent_risk``).
    """

    index: int
    kind: str
    colour: str
    box_px: tuple[float, float, float, float]
    depth_m: float
    lateral_m: float
    motion: str
    braking: bool
    indicating: str | None
    in_path: bool
    entering_path: bool
    visible: float
    risk: float
    role: str

    @property
    def point_px(self) -> tuple[float, float]:
        """Centre (x, y) of ``box_px`` in pixels."""
        x0, y0, x1, y1 = self.box_px
        return (x0 + x1) / 2, (y0 + y1) / 2


@dataclass(frozen=True)
class Scene:
    """A rendered still with its exact ground truth.

    ``image`` is HxWx3 uint8 RGB, ``instances`` HxW uint8 (0 = none), ``semantics`` HxW uint8
    index into ``SEMANTICS``, ``depth_m`` HxW float32 (sky = 200).
    """

    seed: int
    image: np.ndarray
    instances: np.ndarray
    semantics: np.ndarray
    depth_m: np.ndarray
    agents: tuple[Agent, ...]
    hazard_index: int
    slices: frozenset[str]
    rationale: str
    weather: str
    time_of_day: str
    road: str

    @property
    def hazard(self) -> Agent:
        """The one agent that a driver must attend to first."""
        return next(a for a in self.agents if a.index == self.hazard_index)

    @property
    def hazard_point_px(self) -> tuple[float, float]:
        """Centre (x, y) of the hazard's visible box in pixels."""
        return self.hazard.point_px
