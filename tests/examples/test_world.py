"""The drawn world: the same seed is the same scene, and truth and pixels agree."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.world import SEMANTICS, SLICES, Scene, render_scene
from examples.world.risk import agent_risk
from examples.world.sampling import RUNNER_UP, plan_scene
from examples.world.scene import CONDITION_SLICES, HAZARD_SLICES, KIND_SEMANTICS
from examples.world.sprite_pool import forget_sprites

SIZE = (400, 225)
ROOT = Path(__file__).parents[2]


def digest(scene: Scene) -> str:
    """One hash of everything that a scene holds."""
    arrays = (scene.image, scene.instances, scene.semantics, scene.depth_m)
    said = repr((scene.agents, sorted(scene.slices), scene.rationale)).encode()
    return hashlib.sha256(said + b"".join(a.tobytes() for a in arrays)).hexdigest()


def test_a_scene_does_not_depend_on_what_was_drawn_before():
    """Sprites, records and noise are cached: a cold process and a warm one must agree."""
    forget_sprites()
    cold = digest(render_scene(5, SIZE))
    for seed in range(100, 112):
        render_scene(seed, SIZE)
    assert digest(render_scene(5, SIZE)) == cold


def test_another_process_draws_the_same_scene():
    seeds = [4, 9_000_001]
    script = (
        "import sys; sys.path.insert(0, 'tests/examples'); import test_world as t;"
        f"[print(t.digest(t.render_scene(s, t.SIZE))) for s in {seeds[::-1]}]"
    )
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)
    assert printed.split()[::-1] == [digest(render_scene(seed, SIZE)) for seed in seeds]


@pytest.mark.parametrize("seed", range(6))
def test_same_scene_at_two_sizes(seed):
    small, large = render_scene(seed, (400, 225)), render_scene(seed, (1280, 720))
    assert small.rationale == large.rationale
    assert small.slices == large.slices
    ratio = 1280 / 400
    x, y = small.hazard_point_px
    u, v = large.hazard_point_px
    assert abs(x * ratio - u) < 16
    assert abs(y * ratio - v) < 16


@pytest.mark.parametrize("seed", range(20, 40))
def test_masks_agree_with_boxes(seed):
    scene = render_scene(seed, SIZE)
    assert scene.image.shape == (225, 400, 3)
    assert scene.image.dtype == np.uint8
    assert scene.instances.shape == scene.semantics.shape == scene.depth_m.shape == (225, 400)
    assert scene.semantics.max() < len(SEMANTICS)
    assert scene.depth_m.dtype == np.float32
    for agent in scene.agents:
        ys, xs = np.nonzero(scene.instances == agent.index)
        tight = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        assert agent.box_px == pytest.approx(tight)
        labels = set(scene.semantics[ys, xs].tolist())
        assert labels == {SEMANTICS.index(KIND_SEMANTICS[agent.kind])}


@pytest.mark.parametrize("seed", range(40, 60))
def test_hazard_shows_and_leads(seed):
    scene = render_scene(seed, SIZE)
    hazard = scene.hazard
    x0, y0, x1, y1 = hazard.box_px
    x, y = scene.hazard_point_px
    assert x0 < x < x1
    assert y0 < y < y1
    assert hazard.visible > 0.4
    assert (y1 - y0) >= 4
    assert hazard.in_path or hazard.entering_path
    others = [a.risk for a in scene.agents if a.index != scene.hazard_index]
    assert max(others, default=0.0) <= RUNNER_UP * hazard.risk
    assert scene.rationale.endswith(".")
    assert scene.slices <= SLICES


def test_excluded_classes_are_nowhere():
    for seed in range(60):
        plan = plan_scene(seed, frozenset({"debris", "animal"}))
        assert not {a.kind for a in plan.agents} & {"debris", "animal"}


@pytest.mark.parametrize("name", sorted(SLICES))
def test_every_slice_can_be_asked_for(name):
    scene = render_scene(3, (160, 90), only=frozenset({name}))
    assert name in scene.slices


def test_unknown_slice_names_the_alternatives():
    with pytest.raises(ValueError, match="brake_lights"):
        render_scene(0, only=frozenset({"volcano"}))


def test_slices_part_into_hazards_and_conditions():
    assert frozenset(HAZARD_SLICES) | frozenset(CONDITION_SLICES) == SLICES
    for seed in range(40):
        plan = plan_scene(seed)
        assert agent_risk(plan.agents[0]) == max(agent_risk(a) for a in plan.agents)
