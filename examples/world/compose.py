"""Puts plan, scenery, agents, weather and lens together into a scene."""

from __future__ import annotations

import cv2
import numpy as np

from examples.world.actors import paint_agent
from examples.world.camera import Camera
from examples.world.canvas import Canvas
from examples.world.conditions import condition_slices
from examples.world.lens import distortion, expose, warp
from examples.world.plan import ScenePlan
from examples.world.rationale import explain
from examples.world.risk import agent_risk, in_path
from examples.world.sampling import ROLE_SLICES, plan_scene
from examples.world.scene import Agent, Scene
from examples.world.scenery.furniture import Furniture, place_furniture
from examples.world.scenery.road import paint_ground
from examples.world.scenery.sky import paint_backdrop, paint_sky
from examples.world.scenery.structures import paint_snowbank
from examples.world.scenery.walls import paint_walls
from examples.world.weather import falling, mirror_wet, shine
from examples.world.windscreen import look_through, paint_ego

LEAST_VISIBLE = 0.42
RETRIES = 20


def _paint(canvas: Canvas, camera: Camera, plan: ScenePlan, things: Furniture) -> list[int]:
    """Paint all layers; returns each agent's pixel count before anything hides it."""
    paint_sky(canvas, camera, plan)
    paint_backdrop(canvas, camera, plan)
    paint_ground(canvas, camera, plan)
    paint_walls(canvas, camera, plan)
    if plan.road.snow:
        rng = plan.rng("banks")
        for edge in plan.road.edges_m:
            if rng.random() < 0.8:
                paint_snowbank(canvas, camera, edge, int(rng.integers(0, 2**31)))
    canvas.peopled = True
    totals = [0] * len(plan.agents)
    jobs = [(z, 0, i) for i, (z, _) in enumerate(things.items)]
    jobs += [(agent.z_m, 1, i) for i, agent in enumerate(plan.agents)]
    for _, is_agent, i in sorted(jobs, reverse=True):
        if is_agent:
            totals[i] = paint_agent(canvas, camera, plan, plan.agents[i], i + 1)
        else:
            things.items[i][1](canvas, camera)
    paint_ego(canvas, plan)
    return totals


def _agents(plan: ScenePlan, inst: np.ndarray, totals: list[int]) -> tuple[Agent, ...]:
    """Ground truth of every agent that shows, from the instance map."""
    out = []
    for i, (agent, total) in enumerate(zip(plan.agents, totals, strict=True), start=1):
        mask = (inst == i).view(np.uint8)
        count = cv2.countNonZero(mask)
        if count < 4:
            continue
        x, y, w, h = cv2.boundingRect(mask)
        box = (float(x), float(y), float(x + w), float(y + h))
        visible = min(1.0, count / max(total, 1))
        shown = Agent(
            index=i, kind=agent.kind, colour=agent.colour, box_px=box, depth_m=agent.z_m,
            lateral_m=agent.x_m, motion=agent.motion, braking=agent.braking,
            indicating=agent.indicating, in_path=in_path(agent), entering_path=agent.entering,
            visible=visible, risk=agent_risk(agent), role=agent.role,
        )  # fmt: skip
        out.append(shown)
    return tuple(out)


def _render(plan: ScenePlan, width: int, height: int) -> Scene:
    canvas, camera = Canvas(width, height), plan.camera.at(width, height)
    things = place_furniture(plan)
    totals = _paint(canvas, camera, plan, things)
    image = shine(canvas, camera, plan, things.lamps)
    mirror_wet(image, canvas, camera, plan)
    image = look_through(falling(image, plan), plan)
    step = distortion(plan)
    inst = warp(canvas.inst, step, True)
    hazard = plan.agents[0]
    slices = condition_slices(plan.road, plan.look) | {ROLE_SLICES[hazard.role]}
    return Scene(
        seed=plan.seed, image=expose(warp(image, step, False), plan), instances=inst,
        semantics=warp(canvas.sem, step, True), depth_m=warp(canvas.depth, step, True),
        agents=_agents(plan, inst, totals), hazard_index=1, slices=frozenset(slices),
        rationale=explain(hazard), weather=plan.look.weather, time_of_day=plan.look.time_of_day,
        road=plan.road.kind,
    )  # fmt: skip


def render_scene(seed: int, size_wh: tuple[int, int] = (640, 360), *,
                 exclude: frozenset[str] = frozenset(),
                 only: frozenset[str] = frozenset()) -> Scene:  # fmt: skip
    """Render the scene of ``seed`` at ``size_wh`` pixels.

    ``only`` keeps scenes whose hazard (or condition) is one of these slices; ``exclude`` drops
    such hazards and conditions, and keeps the agents of an excluded class out of the image
    altogether. The same seed shows the same scene at every size. Raises ValueError for slices
    that are not in ``SLICES`` or filters that nothing satisfies.
    """
    width, height = size_wh
    first = 0
    for _ in range(RETRIES):
        plan = plan_scene(seed, exclude, only, first)
        scene = _render(plan, width, height)
        shown = [a for a in scene.agents if a.index == 1]
        if shown and shown[0].visible >= LEAST_VISIBLE:
            return scene
        first = plan.attempt + 1
    raise ValueError(f"seed {seed}: the hazard stays hidden in {RETRIES} plans")
