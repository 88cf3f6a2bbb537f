"""A procedural driving world: dashcam stills with exact ground truth, drawn from a seed."""

from examples.world.compose import render_scene
from examples.world.scene import SEMANTICS, SLICES, Agent, Scene

__all__ = ["SEMANTICS", "SLICES", "Agent", "Scene", "render_scene"]
