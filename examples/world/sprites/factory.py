"""The one entry point: a kind of road user, a viewing angle and a size become a sprite."""

from __future__ import annotations

from functools import partial

import numpy as np

from .animals import animal
from .buses import ViewOf, bus
from .objects import barrier, cone, debris
from .palette import COLOURS
from .people import pedestrian
from .raster import Sprite
from .riders import cyclist, motorcycle
from .shapes import Scene
from .trucks import truck
from .vehicle_details import Signals
from .vehicles import car, van
from .view import View

AGENT_SIZES_M: dict[str, float] = {
    "car": 1.53, "van": 2.15, "truck": 3.30, "bus": 3.20, "motorcycle": 1.60, "cyclist": 1.80,
    "pedestrian": 1.70, "animal": 1.25, "debris": 0.45, "cone": 0.75, "barrier": 0.95,
}  # fmt: skip

_LIT = {"car": car, "van": van, "truck": truck, "motorcycle": motorcycle, "cyclist": cyclist}
PLAIN = {
    "pedestrian": pedestrian, "animal": animal, "debris": debris, "cone": cone, "barrier": barrier,
}  # fmt: skip

# Kinds whose record depends on the view, and those whose details depend on how fine it is.
ONE_VIEW = {"bus": bus}
DETAILED = frozenset({"car", "van", "truck", "bus"})

DARK = Signals()

# Texture strength (grey levels) and inner blur (share of the height) of soft things.
_FINISH = {"pedestrian": (7.0, 1 / 150), "animal": (8.0, 1 / 130), "cyclist": (5.0, 1 / 200)}


def record(kind: str, *, px_per_m: float, rng: np.random.Generator, colour: str,
           view_of: ViewOf, signals: Signals = DARK) -> Scene:  # fmt: skip
    """One road user, to be drawn by `render`; arguments as for `make_sprite`.

    `view_of(length_m, width_m)` gives the view that it is meant for, which matters to the kinds
    in `ONE_VIEW` alone: the others can be rendered from any side.
    Raises ValueError for an unknown kind or colour.
    """
    for word, value, known in (("kind", kind, AGENT_SIZES_M), ("colour", colour, COLOURS)):
        if value not in known:
            raise ValueError(f"unknown {word} {value!r}; choose from {', '.join(known)}")
    if kind in PLAIN:
        return PLAIN[kind](rng, colour, px_per_m)
    if kind in ONE_VIEW:
        return ONE_VIEW[kind](rng, colour, px_per_m, signals, view_of)
    return _LIT[kind](rng, colour, px_per_m, signals)


def make_sprite(kind: str, *, yaw_rad: float, height_px: int, rng: np.random.Generator,
                colour: str, signals: Signals = DARK, camera_height_m: float = 1.4,
                depth_m: float = 15.0) -> Sprite:  # fmt: skip
    """Draw one road user as seen from a level camera.

    `yaw_rad`: heading relative to the viewing ray; 0 goes away (its rear is seen), pi comes
    towards us, +pi/2 moves to the right of the image. `height_px`: rows of the sprite.
    `depth_m`: distance to the nearest point, `camera_height_m` above the ground, both metres.
    Sizes vary within a kind (a child, a plank). The same rng state gives the same image, and the
    same agent at every yaw, size and lamp state. Raises ValueError for an unknown kind or colour.
    """
    fine = height_px / AGENT_SIZES_M.get(kind, 1.0)  # record refuses what is unknown
    view_of = partial(View.of, yaw_rad, camera_height_m, depth_m)
    scene = record(kind, px_per_m=fine, rng=rng, colour=colour, view_of=view_of, signals=signals)
    return render(kind, scene, view_of, height_px, rng)


def render(kind: str, scene: Scene, view_of: ViewOf, height_px: int,
           rng: np.random.Generator) -> Sprite:  # fmt: skip
    """The image of a recorded road user; `rng` gives its texture."""
    grain, soft = _FINISH.get(kind, (3.0, 0.0))
    view = view_of(scene.length_m, scene.width_m)
    return scene.render(view, height_px, rng, grain=grain, soft=soft)
