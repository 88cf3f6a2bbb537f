"""Road-user sprites: shapes, ground contact, determinism, lamps and metric truth."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from examples.world.sprites import AGENT_SIZES_M, Signals, Sprite, make_sprite
from examples.world.sprites.factory import DETAILED, ONE_VIEW, PLAIN, record, render
from examples.world.sprites.shapes import Scene
from examples.world.sprites.view import View

KINDS = sorted(AGENT_SIZES_M)
YAWS = [0.0, 0.9, math.pi / 2, 2.4, math.pi, -math.pi / 2, -0.3]
LIT = ["car", "van", "truck", "bus", "motorcycle"]


def _draw(kind: str, yaw: float = 0.6, height_px: int = 60, seed: int = 3, colour: str = "red",
          **lamps) -> Sprite:  # fmt: skip
    rng = np.random.default_rng(seed)
    signals = Signals(**lamps)
    return make_sprite(kind, yaw_rad=yaw, height_px=height_px, rng=rng, colour=colour,
                       signals=signals)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("yaw", YAWS)
@pytest.mark.parametrize("height_px", [15, 47, 160])
def test_image_is_whole(kind, yaw, height_px):
    sprite = _draw(kind, yaw, height_px)
    h, w = sprite.emissive.shape
    assert sprite.rgba.shape == (h, w, 4)
    assert h == height_px
    assert sprite.rgba.dtype == np.uint8
    assert sprite.emissive.dtype == np.float32
    assert 0.0 <= sprite.emissive.min() <= sprite.emissive.max() <= 1.0
    alpha = sprite.rgba[..., 3]
    assert (alpha > 128).mean() > 0.05
    assert alpha[-1].max() > 0, "the bottom row must touch the ground"
    assert alpha[: max(h // 8, 2)].max() > 0
    assert sprite.width_m / sprite.height_m == pytest.approx(w / h, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_same_rng_same_image(kind):
    first, second, other = (_draw(kind, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.rgba, second.rgba)
    assert np.array_equal(first.emissive, second.emissive)
    assert first.rgba.shape != other.rgba.shape or not np.array_equal(first.rgba, other.rgba)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(ONE_VIEW)))
def test_one_record_serves_every_view(kind):
    """What the pool shares: rendering one side must leave nothing behind for the next."""

    def view(yaw: float):
        return partial(View.of, yaw, 1.4, 13.0)

    def recorded() -> Scene:
        rng = np.random.default_rng(8)
        return record(kind, px_per_m=40.0, rng=rng, colour="blue", view_of=view(0.0))

    def drawn(scene: Scene, yaw: float) -> Sprite:
        return render(kind, scene, view(yaw), 60, np.random.default_rng(1))

    shared = recorded()
    for yaw in YAWS:
        one, alone = drawn(shared, yaw), drawn(recorded(), yaw)
        assert np.array_equal(one.rgba, alone.rgba)
        assert np.array_equal(one.emissive, alone.emissive)
    front, rear = drawn(shared, 0.0).rgba, drawn(shared, math.pi).rgba
    assert front.shape != rear.shape or not np.array_equal(front, rear) or kind == "cone"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - DETAILED))
def test_only_detailed_kinds_change_with_fineness(kind):
    """The pool records the others once for all sizes."""
    view_of = partial(View.of, 0.7, 1.4, 13.0)
    images = []
    for px_per_m in (8.0, 300.0):
        rng = np.random.default_rng(4)
        scene = record(kind, px_per_m=px_per_m, rng=rng, colour="red", view_of=view_of)
        images.append(render(kind, scene, view_of, 60, rng).rgba)
    assert np.array_equal(*images)


@pytest.mark.parametrize("kind", sorted(PLAIN))
def test_plain_kinds_have_no_lamps(kind):
    """The pool asks for them without lamps, whatever the scene says."""
    dark = _draw(kind)
    lit = _draw(kind, braking=True, lights_on=True, indicating="left")
    assert np.array_equal(dark.rgba, lit.rgba)
    assert dark.emissive.max() == lit.emissive.max() == 0.0


@pytest.mark.parametrize("kind", LIT)
def test_braking_glows_at_the_rear_only(kind):
    rear = _draw(kind, 0.0, 80).emissive.sum()
    assert _draw(kind, 0.0, 80, braking=True).emissive.sum() > rear + 5
    front = _draw(kind, math.pi, 80, braking=True).emissive
    assert np.array_equal(front, _draw(kind, math.pi, 80).emissive)


@pytest.mark.parametrize("kind", LIT)
@pytest.mark.parametrize("yaw", [0.0, math.pi])
def test_indicator_is_on_the_drivers_side(kind, yaw):
    dark = _draw(kind, yaw, 90).emissive
    lit = _draw(kind, yaw, 90, indicating="left").emissive
    gain = np.clip(lit - dark, 0, None).sum(axis=0)
    assert gain.sum() > 1
    centre = (gain * np.arange(len(gain))).sum() / gain.sum() / len(gain)
    assert centre < 0.5 if yaw == 0.0 else centre > 0.5


def test_head_lamps_shine_forwards():
    lit = _draw("car", math.pi, 90, lights_on=True)
    assert lit.emissive.max() > 0.8
    assert _draw("car", math.pi, 90).emissive.max() == 0.0


def test_colour_is_recognisable():
    for colour, channel in (("red", 0), ("blue", 2)):
        sprite = _draw("car", 1.2, 90, colour=colour)
        body = sprite.rgba[sprite.rgba[..., 3] > 250][:, :3].astype(float)
        assert body.mean(axis=0).argmax() == channel


@pytest.mark.parametrize("kind", KINDS)
def test_metric_height_is_near_the_typical_one(kind):
    heights = [_draw(kind, 1.5, 20, seed=s).height_m for s in range(12)]
    assert 0.45 < np.mean(heights) / AGENT_SIZES_M[kind] < 1.8


def test_larger_steps_keep_the_agent():
    small, large = _draw("car", height_px=40), _draw("car", height_px=120)
    assert small.width_m == pytest.approx(large.width_m, rel=0.03)


@pytest.mark.parametrize(
    "bad", [{"kind": "tram"}, {"colour": "mauve"}, {"indicating": "up"}], ids=str
)
def test_bad_arguments_name_the_choices(bad):
    kind = bad.get("kind", "car")
    with pytest.raises(ValueError, match=r"car|red|left"):
        _draw(kind, **{k: v for k, v in bad.items() if k != "kind"})
