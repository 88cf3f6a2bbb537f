"""The one entry point: a kind of road user, a viewing angle and a size become a sprite."""

from __future__ import annotations

import numpy as np

from .animals import animal
from .buses import bus
from .objects import barrier, cone, debris
from .palette import COLOURS
from .people import pedestrian
from .raster import Sprite
from .riders import cyclist, motorcycle
from .trucks import truck
from .vehicle_details import Signals
from .vehicles import car, van, viewer

AGENT_SIZES_M: dict[str, float] = {
    "car": 1.53, "van": 2.15, "truck": 3.30, "bus": 3.20, "motorcycle": 1.60, "cyclist": 1.80,
    "pedestrian": 1.70, "animal": 1.25, "debris": 0.45, "cone": 0.75, "barrier": 0.95,
}  # fmt: skip

_LIT = {
    "car": car,
    "van": van,
    "truck": truck,
    "bus": bus,
    "motorcycle": motorcycle,
    "cyclist": cyclist,
}
_PLAIN = {
    "pedestrian": pedestrian,
    "animal": animal,
    "debris": debris,
    "cone": cone,
    "barrier": barrier,
}

# Texture strength (grey levels) and inner blur (share of the height) of soft things.
_FINISH = {"pedestrian": (7.0, 1 / 150), "animal": (8.0, 1 / 130), "cyclist": (5.0, 1 / 200)}


def make_sprite(
    kind: str,
    *,
    yaw_rad: float,
    height_px: int,
    rng: np.random.Generator,
    colour: str,
    braking: bool = False,
    indicating: str | None = None,
    lights_on: bool = False,
    camera_height_m: float = 1.4,
    depth_m: float = 15.0,
    px_per_m: float | None = None,
) -> Sprite:
    """Draw one road user as seen from a level camera.

    `yaw_rad`: heading relative to the viewing ray; 0 goes away (its rear is seen), pi comes
    towards us, +pi/2 moves to the right of the image. `height_px`: rows of the sprite.
    `depth_m`: distance to the nearest point, `camera_height_m` above the ground, both metres.
    Sizes vary within a kind (a child, a plank): with `px_per_m` (pixels a metre at the nearest
    point) the sprite is drawn to scale and `height_px` is ignored.
    `indicating`: None, "left", "right" (the driver's sides) or "both". The same rng state gives
    the same picture, and the same agent at every yaw, size and lamp state.
    Raises ValueError for an unknown kind, colour or side.
    """
    if kind not in AGENT_SIZES_M:
        raise ValueError(f"unknown kind {kind!r}; choose from {', '.join(AGENT_SIZES_M)}")
    if colour not in COLOURS:
        raise ValueError(f"unknown colour {colour!r}; choose from {', '.join(COLOURS)}")
    if indicating not in (None, "left", "right", "both"):
        raise ValueError(f"indicating is None, 'left', 'right' or 'both', not {indicating!r}")
    fine = px_per_m or height_px / AGENT_SIZES_M[kind]
    view_of = viewer(yaw_rad, camera_height_m, depth_m, fine)
    if kind in _LIT:
        scene = _LIT[kind](view_of, rng, colour, Signals(braking, indicating, lights_on))
    else:
        scene = _PLAIN[kind](view_of, rng, colour)
    grain, soft = _FINISH.get(kind, (3.0, 0.0))
    return scene.render(height_px, rng, px_per_m=px_per_m, grain=grain, soft=soft)
