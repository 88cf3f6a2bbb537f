"""Procedural images of road users for the drawn driving world (numpy and OpenCV only)."""

from .factory import AGENT_SIZES_M, make_sprite
from .palette import COLOURS
from .raster import Sprite
from .vehicle_details import Signals

__all__ = ["AGENT_SIZES_M", "COLOURS", "Signals", "Sprite", "make_sprite"]
