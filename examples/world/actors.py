"""Paints the agents, their contact shadows and their cast shadows."""

from __future__ import annotations

import math

import cv2
import numpy as np

from examples.world.camera import Camera, between
from examples.world.canvas import Canvas
from examples.world.plan import FOOTPRINT_M, AgentPlan, ScenePlan
from examples.world.scene import KIND_SEMANTICS
from examples.world.sprite_pool import bystander, protagonist
from examples.world.sprites import Sprite


def _blob() -> np.ndarray:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    r = np.sqrt(x * x + y * y)
    return np.clip((1.0 - r) * 1.6, 0, 1).astype(np.float32)


BLOB = _blob()


def _darken(canvas: Canvas, shade: np.ndarray, x: int, y: int, depth_m: float) -> None:
    """Multiply the ground by 1 - ``shade`` (hxw, 0..1) with its corner at (x, y)."""
    h, w = shade.shape
    area = canvas.clip(x, y, w, h)
    if area is None:
        return
    x0, y0, x1, y1 = area
    part = shade[y0 - y : y1 - y, x0 - x : x1 - x]
    part = part * (canvas.depth[y0:y1, x0:x1] > depth_m * 0.6)
    keep = 1 - part
    target = canvas.rgb[y0:y1, x0:x1]
    cv2.multiply(target, cv2.merge([keep, keep, keep]), target, dtype=cv2.CV_8U)


def _contact(canvas: Canvas, camera: Camera, agent: AgentPlan, u: float, v: float,
             wide_px: float, rng: np.random.Generator) -> None:  # fmt: skip
    length, width = FOOTPRINT_M[agent.kind]
    c, s = abs(math.cos(agent.heading_rad)), abs(math.sin(agent.heading_rad))
    along = (length * c + width * s) * 0.55
    near, far = max(agent.z_m - along, 1.0), agent.z_m + along
    scale = camera.focal * camera.height_m
    tall = int(between(scale / near - scale / far, 3, canvas.height))
    below = int(min(scale / near - scale / agent.z_m, tall * 0.45))
    wide = int(max(wide_px * rng.uniform(1.05, 1.2), 3))
    deep = rng.uniform(0.55, 0.85)
    blob = cv2.resize(BLOB, (wide, tall)) * deep
    _darken(canvas, blob, int(u - wide / 2), int(v + below - tall), agent.z_m)


def _cast(canvas: Canvas, camera: Camera, agent: AgentPlan, sprite: Sprite, u: float, v: float,
          sun_xz: tuple[float, float], deep: float) -> None:  # fmt: skip
    """The shadow that the sun throws: the sprite's outline laid on the ground."""
    h, w = sprite.rgba.shape[:2]
    if h < 6 or w < 2:
        return
    tall = sprite.height_m
    z1 = agent.z_m + sun_xz[1] * tall
    z1 = between(z1, max(1.2, agent.z_m * 0.45), agent.z_m * 3)
    u1, v1 = camera.point(agent.x_m + sun_xz[0] * tall, 0.0, z1)
    grow = w * agent.z_m / z1
    source = np.array([[0, h], [w, h], [w, 0], [0, 0]], np.float32)
    goal = np.array([[u - w / 2, v], [u + w / 2, v], [u1 + grow / 2, v1], [u1 - grow / 2, v1]],
                    np.float32)  # fmt: skip
    x0, y0 = np.floor(goal.min(0)).astype(int) - 1
    x1, y1 = np.ceil(goal.max(0)).astype(int) + 1
    area = canvas.clip(int(x0), int(y0), int(x1 - x0), int(y1 - y0))
    if area is None or (goal.max(0) - goal.min(0)).min() < 1.5:
        return
    matrix = cv2.getPerspectiveTransform(source, goal - np.array(area[:2], np.float32))
    size = (area[2] - area[0], area[3] - area[1])
    shade = cv2.warpPerspective(sprite.rgba[..., 3], matrix, size)
    soft = max(1, int(h * 0.03)) | 1
    shade = cv2.blur(shade, (soft, soft)).astype(np.float32) * (deep / 255)
    _darken(canvas, shade, area[0], area[1], agent.z_m * 0.5)


def paint_agent(canvas: Canvas, camera: Camera, plan: ScenePlan, agent: AgentPlan,
                index: int) -> int:  # fmt: skip
    """Paint one agent with instance value ``index``; returns its unhidden pixel count."""
    rng = plan.rng(f"agent{index}")
    look = plan.look
    u, v = camera.point(agent.x_m, 0.0, agent.z_m)
    ray = math.atan2(u - camera.cx, camera.focal)
    yaw = agent.heading_rad + math.atan(camera.curve * agent.z_m) - ray
    yaw = math.atan2(math.sin(yaw), math.cos(yaw))
    dark = look.time_of_day in ("night", "dusk") or look.weather in ("rain", "fog", "snow")
    lights = bool(dark or rng.random() < 0.25) and agent.motion != "parked"
    if index == 1:
        sprite = protagonist(agent, yaw, camera.focal, camera.height_m, lights, rng)
    else:
        sprite = bystander(agent, yaw, camera.focal, lights, rng)
    h, w = sprite.rgba.shape[:2]
    _contact(canvas, camera, agent, u, v, w, rng)
    if look.sun > 0.15:
        _cast(canvas, camera, agent, sprite, u, v, look.sun_xz, 0.25 + 0.4 * look.sun)
    semantics = KIND_SEMANTICS[agent.kind]
    x, y = round(u - w / 2), round(v) - h
    glow = sprite.emissive
    return canvas.paste(sprite.rgba, x, y, agent.z_m, semantics, index, glow, rear=abs(yaw) < 1.4)
