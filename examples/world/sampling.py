"""Decides what a scene holds and which agent is its hazard. Draws no pixels."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np

from examples.world.camera import Camera, CameraPlan
from examples.world.conditions import condition_slices, sample_camera, sample_look, sample_road
from examples.world.hazards import HAZARDS
from examples.world.plan import VEHICLES, AgentPlan, LookPlan, RoadPlan, ScenePlan
from examples.world.risk import agent_risk, in_path
from examples.world.scene import CONDITION_SLICES, SLICES
from examples.world.sprites import AGENT_SIZES_M
from examples.world.traffic import distractors

MAX_ATTEMPTS = 4000
RUNNER_UP = 0.6
SAME_HAZARD = 150
BANNED_KINDS = {
    "pedestrian": {"pedestrian"},
    "cyclist": {"cyclist", "motorcycle"},
    "debris": {"debris"},
    "animal": {"animal"},
    "roadworks": {"cone", "barrier"},
}
ROLE_SLICES = {
    "lead_braking": "brake_lights", "cut_in": "cut_in", "crossing_vehicle": "crossing_vehicle",
    "pulling_out": "crossing_vehicle", "oncoming": "oncoming", "turning_across": "oncoming",
    "cyclist": "cyclist", "crossing_rider": "cyclist", "debris": "debris", "animal": "animal",
    "stopped_vehicle": "stopped_vehicle", "roadworks": "roadworks",
    "crossing_pedestrian": "pedestrian", "kerb_pedestrian": "pedestrian",
    "walking_pedestrian": "pedestrian",
}  # fmt: skip
LEAST_PX = {"debris": 9.0, "cone": 8.0, "barrier": 8.0, "animal": 14.0}  # height at 336x196


@lru_cache(maxsize=16)
def _view(camera: CameraPlan) -> Camera:
    """The camera at the size at which all decisions are made, whatever is rendered later."""
    return camera.at(1600, 900)


def box_fraction(agent: AgentPlan, camera: CameraPlan) -> tuple[float, float, float, float]:
    """Rough xyxy box as fractions of a 16:9 image, clipped at nothing."""
    view = _view(camera)
    half = max(agent.half_width_m(), 0.25)
    tall = AGENT_SIZES_M[agent.kind] * agent.size
    u, v = view.point(agent.x_m, 0.0, agent.z_m)
    scale = view.focal / agent.z_m
    box = u - half * scale, v - tall * scale, u + half * scale, v
    return box[0] / 1600, box[1] / 900, box[2] / 1600, box[3] / 900


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Share of box ``a`` that box ``b`` covers."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    return max(w, 0) * max(h, 0) / max((a[2] - a[0]) * (a[3] - a[1]), 1e-9)


def _hazard_shows(agent: AgentPlan, camera: CameraPlan, look: LookPlan, least: float) -> bool:
    """Whether a person would see the hazard at 336x196: large enough and mostly in the image."""
    box = box_fraction(agent, camera)
    inside = _overlap(box, (0.01, 0.0, 0.99, min(look.dash, 0.995)))
    if agent.z_m > 0.75 * look.visibility_m and look.weather != "clear":
        return False
    if look.time_of_day == "night" and agent.kind in ("debris", "animal") and agent.z_m > 22:
        return False
    return (box[3] - box[1]) * 196 >= least and inside >= 0.72


def _clash(a: AgentPlan, b: AgentPlan) -> bool:
    """Whether two agents stand in each other's room on the ground."""
    dz = abs(a.z_m - b.z_m)
    big = len([one for one in (a, b) if one.kind in VEHICLES])
    room = (0.6, 3.0, 5.2)[big]
    return dz < room and abs(a.x_m - b.x_m) < a.half_width_m() + b.half_width_m() + 0.15


def _keep(agent: AgentPlan, chosen: list[AgentPlan], camera: CameraPlan) -> bool:
    """Whether a distractor fits in: seen, clear of others, not hiding or rivalling the hazard."""
    box = box_fraction(agent, camera)
    if agent.z_m < 2.5 or _overlap(box, (0, 0, 1, 1)) < 0.2 or (box[3] - box[1]) < 0.012:
        return False
    if any(_clash(agent, other) for other in chosen):
        return False
    hazard = chosen[0]
    if agent_risk(agent) > RUNNER_UP * agent_risk(hazard):
        return False
    own = box_fraction(hazard, camera)
    nearer = agent.z_m < hazard.z_m + 0.5
    return not (nearer and _overlap(own, box) > 0.08)


def _mirror(agent: AgentPlan, side: int) -> AgentPlan:
    if side > 0:
        return agent
    swap = {"left": "right", "right": "left"}
    return dataclasses.replace(
        agent, x_m=-agent.x_m, heading_rad=-agent.heading_rad,
        motion=swap.get(agent.motion, agent.motion), indicating=swap.get(agent.indicating or ""),
    )  # fmt: skip


def _hazard_name(seed: int, attempt: int, banned: frozenset[str],
                 wanted: frozenset[str]) -> str:  # fmt: skip
    """The hazard's slice: fixed for many attempts, so that rejection does not skew the mix."""
    names = [n for n in HAZARDS if n not in banned and (not wanted or n in wanted)]
    if not names:
        raise ValueError(f"no hazard left with exclude={sorted(banned)}, only={sorted(wanted)}")
    weights = np.array([HAZARDS[n][0] for n in names])
    rng = np.random.default_rng([seed, 77, attempt // SAME_HAZARD])
    return str(rng.choice(names, p=weights / weights.sum()))


def _draw_hazard(rng: np.random.Generator, road: RoadPlan, name: str) -> list[AgentPlan]:
    if road.kind == "motorway" and name == "crossing_vehicle":
        return []
    if road.kind == "motorway" and name in ("pedestrian", "cyclist") and rng.random() < 0.7:
        return []
    agents = HAZARDS[name][1](rng, road)
    on_zebra = agents[0].role in ("crossing_pedestrian", "kerb_pedestrian")
    if on_zebra and road.crosswalk_z and rng.random() < 0.6:
        shift = road.crosswalk_z + rng.uniform(0.5, 2.5) - agents[0].z_m
        agents = [dataclasses.replace(a, z_m=a.z_m + shift) for a in agents]
    return agents


def _attempt(seed: int, attempt: int, exclude: frozenset[str],
             only: frozenset[str]) -> ScenePlan | None:  # fmt: skip
    rng = np.random.default_rng([seed, attempt])
    road = sample_road(rng)
    camera, look = sample_camera(rng, road), sample_look(rng, road)
    conditions = condition_slices(road, look)
    asked = only & set(CONDITION_SLICES)
    if conditions & exclude or not asked <= conditions:
        return None
    hazards = _draw_hazard(rng, road, _hazard_name(seed, attempt, exclude, only - asked))
    if not hazards:
        return None
    tall = 15.0 if hazards[0].role == "lead_braking" else LEAST_PX.get(hazards[0].kind, 11.0)
    if not _hazard_shows(_mirror(hazards[0], road.side), camera, look, tall):
        return None
    banned = {kind for name in exclude for kind in BANNED_KINDS.get(name, ())}
    chosen = [_mirror(a, road.side) for a in hazards if a.kind not in banned]
    if not chosen or not (chosen[0].entering or in_path(chosen[0])):
        return None
    if any(agent_risk(a) > RUNNER_UP * agent_risk(chosen[0]) for a in chosen[1:]):
        return None
    goal = len(chosen) + int(rng.integers(2, 13))
    for agent in distractors(rng, road, 40):
        rivals = "brake_lights" in exclude and agent.braking
        if len(chosen) >= goal or agent.kind in banned or rivals:
            continue
        agent = _mirror(agent, road.side)
        if _keep(agent, chosen, camera):
            chosen.append(agent)
    if len(chosen) < 3:
        return None
    return ScenePlan(seed, attempt, camera, road, look, tuple(chosen))


def plan_scene(seed: int, exclude: frozenset[str] = frozenset(),
               only: frozenset[str] = frozenset(), first: int = 0) -> ScenePlan:  # fmt: skip
    """The plan for ``seed`` from attempt ``first`` on; the same for every image size.

    Raises ValueError for unknown slices or when no scene satisfies the filters.
    """
    unknown = (exclude | only) - SLICES
    if unknown:
        raise ValueError(f"unknown slices {sorted(unknown)}; expected some of {sorted(SLICES)}")
    for attempt in range(first, first + MAX_ATTEMPTS):
        plan = _attempt(seed, attempt, frozenset(exclude), frozenset(only))
        if plan is not None:
            return plan
    raise ValueError(f"no scene with only={sorted(only)} and exclude={sorted(exclude)}")
