"""Procedural pictures of road users for the drawn driving world (numpy and OpenCV only)."""

from .factory import AGENT_SIZES_M, make_sprite
from .palette import COLOURS
from .raster import Sprite

__all__ = ["AGENT_SIZES_M", "COLOURS", "Sprite", "make_sprite"]
