"""The sample images of the page's examples strip: world scenes that no adapter was trained on."""

from __future__ import annotations

import json

import cv2

from examples.build.settings import MEDIA, MEDIA_SEED, Recipe
from examples.world import Scene, render_scene

SIZE_WH = (1280, 720)
JPEG_QUALITY = 88
# One image for each hazard; the last two show what the shipped adapter has never seen.
WANTED: dict[str, set[str]] = {
    "pedestrian": set(), "brake_lights": set(), "cut_in": set(), "crossing_vehicle": {"night"},
    "oncoming": {"rain"}, "cyclist": set(), "debris": set(), "animal": set(),
}  # fmt: skip
NEAREST_M, FARTHEST_M = 6.0, 16.0
TRIES = 400


def find_scene(hazard: str, conditions: set[str]) -> Scene:
    """The first scene with that hazard, near enough to be seen at a glance."""
    for seed in range(MEDIA_SEED, MEDIA_SEED + TRIES):
        small = render_scene(seed, (320, 180), only=frozenset({hazard}))
        near = NEAREST_M <= small.hazard.depth_m <= FARTHEST_M
        plain = conditions or not small.slices & {"night", "rain", "fog"}
        if near and plain and conditions <= small.slices and small.hazard.visible > 0.9:
            return render_scene(seed, SIZE_WH, only=frozenset({hazard}))
    raise RuntimeError(f"no scene with {hazard} {sorted(conditions)} in {TRIES} seeds")


def write_media(recipe: Recipe, device: str) -> None:
    """Write the images and manifest.json."""
    MEDIA.mkdir(parents=True, exist_ok=True)
    for old in MEDIA.glob("*.jpg"):
        old.unlink()
    rows = []
    for hazard, conditions in WANTED.items():
        scene = find_scene(hazard, conditions)
        name = "-".join([hazard, *sorted(conditions)]).replace("_", "-")
        bgr = cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(MEDIA / f"{name}.jpg"), bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        point = [round(float(v), 1) for v in scene.hazard_point_px]
        about = {"label": scene.rationale, "hazard_px": point, "slices": sorted(scene.slices)}
        rows.append({"file": f"{name}.jpg", **about, "seed": scene.seed})
        print(f"media {name}: {scene.rationale}", flush=True)
    (MEDIA / "manifest.json").write_text(json.dumps(rows, indent=2) + "\n")
