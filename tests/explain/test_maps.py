import numpy as np
import pytest

from explain.maps import MapSettings, make_map, make_pair_maps
from explain.registry import EXPLAINERS, all_options, can_run, complete
from inference.errors import UserError
from inference.schema import Heatmap, PatchGrid
from tests.explain.hand import GRID, pair, side

# Two tokens ("The" and "5"), two layers, two heads, four cells; the default token is "5".
ATTENTION = [
    [[[8, 0, 0, 0], [8, 0, 0, 0]], [[8, 0, 0, 0], [8, 0, 0, 0]]],
    [[[1, 2, 3, 4], [3, 2, 1, 0]], [[0, 0, 4, 0], [0, 4, 0, 0]]],
]
NEUTRAL = [[[2, 2, 2, 2], [2, 2, 2, 2]], [[2, 2, 2, 2], [2, 2, 2, 2]]]
LENS = [[0.1, 0.2, 0.3, 0.4], [0.4, 0.0, 0.2, 0.0]]
HEAD_MAP = Heatmap(np.eye(2, dtype=np.float32) / 2, GRID, "head")


def settings_of(**given: object) -> MapSettings:
    """Options of the method are given like the rest."""
    own = {k: given.pop(k) for k in list(given) if k in all_options()}
    return MapSettings(**given, options=own)  # type: ignore[arg-type]


def one(**settings: object) -> list[float]:
    made = side(ATTENTION, texts=("The", "5"), neutral=NEUTRAL, lens=LENS, head_map=HEAD_MAP)
    return make_map(made, settings_of(**settings)).values.ravel().tolist()


@pytest.mark.parametrize("method", EXPLAINERS)
def test_every_method_resolves_and_runs(method):
    made = side(ATTENTION, texts=("The", "5"), neutral=NEUTRAL, lens=LENS, head_map=HEAD_MAP)
    assert can_run(method, made)
    heatmap = make_map(made, MapSettings(method=method))
    assert heatmap.values.shape == (2, 2)
    assert heatmap.signed == EXPLAINERS[method].signed
    assert heatmap.title


@pytest.mark.parametrize("method", ["logit_lens", "head"])
def test_a_method_that_cannot_run_says_so(method):
    bare = side(ATTENTION, texts=("The", "5"))
    assert not can_run(method, bare)
    with pytest.raises(UserError) as error:
        make_map(bare, MapSettings(method=method))
    assert error.value.field == "method"


def test_unknown_method_lists_the_methods():
    with pytest.raises(UserError, match=", ".join(sorted(EXPLAINERS))):
        one(method="gradcam")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [1, 2, 2, 1]),  # mean of (2 2 2 2) and (0 2 2 0)
        ({"first_layer": 0, "last_layer": 0}, [2, 2, 2, 2]),
        ({"first_layer": 1}, [0, 2, 2, 0]),
        ({"heads": "max"}, [1.5, 3, 3.5, 2]),  # of (3 2 3 4) and (0 4 4 0)
        ({"heads": "0"}, [0.5, 1, 3.5, 2]),
        ({"heads": "1"}, [1.5, 3, 0.5, 0]),
        ({"tokens": (0,)}, [8, 0, 0, 0]),
        ({"tokens": (0, 1)}, [4.5, 1, 1, 0.5]),
        ({"method": "logit_lens"}, [0.4, 0.0, 0.2, 0.0]),
        ({"method": "logit_lens", "tokens": (0, 1)}, [0.25, 0.1, 0.25, 0.2]),
        ({"method": "head"}, [0.5, 0, 0, 0.5]),
        # Neutral is 2 everywhere, so eps is 0.02 and a cell of 2 becomes 2 / 2.02.
        ({"relative": True}, [1 / 2.02, 2 / 2.02, 2 / 2.02, 1 / 2.02]),
    ],
)
def test_maps_by_hand(settings, expected):
    assert one(**settings) == pytest.approx(expected)


def test_relative_takes_away_what_is_looked_at_anyway():
    made = side([[[[6, 1, 2, 1]]]], neutral=[[[6, 1, 1, 1]]])
    values = make_map(made, settings_of(relative=True)).values.ravel()
    assert values.argmax() == 2
    assert values[0] == pytest.approx(1, rel=0.01)


def test_relative_with_a_neutral_map_of_zeros_stays_finite():
    made = side([[[[6, 1, 2, 1]]]], neutral=[[[0, 0, 0, 0]]])
    assert make_map(made, settings_of(relative=True)).values.ravel().tolist() == [6, 1, 2, 1]


def test_relative_without_a_neutral_prompt_says_what_to_do():
    with pytest.raises(UserError) as error:
        make_map(side(ATTENTION, texts=("The", "5")), settings_of(relative=True))
    assert error.value.field == "relative"
    assert error.value.hint


def test_sinks_are_replaced_by_their_neighbours():
    attention = [[[[9, 1, 2, 2]]], [[[9, 2, 1, 1]]]]
    made = side(attention, texts=("5", "6"))
    plain = make_map(made, MapSettings()).values.ravel()
    clean = make_map(made, settings_of(remove_sinks=True)).values.ravel()
    assert plain.tolist() == pytest.approx([9, 1.5, 1.5, 1.5])
    assert clean.tolist() == pytest.approx([1.5, 1.5, 1.5, 1.5])


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"heads": "median"}, "heads"),
        ({"heads": -1}, "heads"),
        ({"heads": True}, "heads"),
        ({"heads": 2}, "heads"),
        ({"last_layer": 2}, "last_layer"),
        ({"first_layer": 0.5}, "first_layer"),
        ({"first_layer": "abc"}, "first_layer"),
        ({"first_layer": -1}, "first_layer"),
        ({"remove_sinks": "perhaps"}, "remove_sinks"),
        ({"tokens": (2,)}, "tokens"),
        ({"tokens": (-1,)}, "tokens"),
    ],
)
def test_wrong_settings_name_their_field(settings, field):
    with pytest.raises(UserError) as error:
        one(**settings)
    assert error.value.field == field
    assert error.value.expected


BASE = [[[[0.4, 0.0, 0.0, 0.0]]]]
TUNED = [[[[0.1, 0.0, 0.0, 0.1]]]]


def test_pair_by_hand():
    maps = make_pair_maps(
        pair(side(BASE, point=(50, 25)), side(TUNED, "finetuned", point=(150, 75))), MapSettings()
    )
    assert maps.difference is not None
    assert maps.difference.signed
    assert maps.difference.values.ravel().tolist() == pytest.approx([-0.5, 0, 0, 0.5])
    assert maps.vmax_difference == pytest.approx(0.5)
    assert maps.vmax == pytest.approx({"base": 0.4, "finetuned": 0.4})
    assert maps.layer_head_shift == pytest.approx(np.array([[0.5]]))
    base, tuned = maps.figures["base"], maps.figures["finetuned"]
    assert (base.entropy_bits, tuned.entropy_bits) == pytest.approx((0, 1))
    assert (base.entropy_relative, tuned.entropy_relative) == pytest.approx((0, 0.5))
    assert (base.share_on_image, tuned.share_on_image) == pytest.approx((0.4, 0.2))
    assert base.near_uniform == tuned.near_uniform == pytest.approx(np.pi * 400 / 20000, rel=0.03)
    assert base.near_centre == tuned.near_centre == pytest.approx(base.near_uniform)
    assert base.share_near_point == pytest.approx(np.pi * 400 / 5000, rel=0.03)
    assert tuned.share_near_point == pytest.approx(np.pi * 400 / 10000, rel=0.03)
    assert base.centre_similarity == pytest.approx(0.25)
    assert maps.notes == ()


def test_wrong_options_of_a_link_fall_back():
    made = side(ATTENTION, texts=("The", "5"))  # without a neutral prompt
    wild = settings_of(first_layer="1", last_layer="77", heads="median", relative="1")
    assert complete(wild, made.trace, strict=False).options == {
        "first_layer": 1, "last_layer": 1, "heads": "mean", "remove_sinks": False,
        "relative": False,
    }  # fmt: skip
    crossed = settings_of(first_layer=1, last_layer=0)
    assert make_map(made, crossed).values.ravel().tolist() == pytest.approx([1, 2, 2, 1])


def test_a_nearly_uniform_map_is_marked_and_drawn_faint():
    flat = side([[[[1.1, 1.0, 1.0, 1.0]]]], point=(50, 25))
    maps = make_pair_maps(pair(flat, None), MapSettings())
    assert maps.figures["base"].nearly_uniform
    assert maps.vmax["base"] == pytest.approx(4 * 4.1 / 4)  # its largest cell is far from bright


def test_own_scales():
    two = pair(side(BASE), side(TUNED, "finetuned"))
    maps = make_pair_maps(two, MapSettings(shared_scale=False))
    assert maps.vmax == pytest.approx({"base": 0.4, "finetuned": 0.2})  # 4 times its mean
    assert maps.figures["base"].share_near_point is None


def test_equal_sides_differ_nowhere_and_ranges_stay_positive():
    zero = [[[[0.0, 0.0, 0.0, 0.0]]]]
    maps = make_pair_maps(pair(side(zero), side(zero, "finetuned")), MapSettings())
    assert maps.difference is not None
    assert not maps.difference.values.any()
    assert maps.vmax_difference == 1.0
    assert maps.vmax == {"base": 1.0, "finetuned": 1.0}
    assert not maps.layer_head_shift.any()


def test_no_adapter():
    maps = make_pair_maps(pair(side(BASE), None), MapSettings())
    assert maps.finetuned is None
    assert maps.difference is None
    assert maps.layer_head_shift is None
    assert set(maps.vmax) == set(maps.figures) == {"base"}


def test_two_texts_are_not_compared():
    maps = make_pair_maps(pair(side(BASE), side(TUNED, "finetuned", texts=("6",))), MapSettings())
    assert maps.base is not None
    assert maps.finetuned is not None
    assert maps.difference is None
    assert maps.layer_head_shift is None
    assert "same tokens" in maps.notes[0]


def test_the_heads_map_where_only_one_side_has_a_head():
    head = Heatmap(np.full((4, 4), 1 / 16, np.float32), PatchGrid(4, 4, (200, 100)), "head")
    two = pair(side(BASE), side(TUNED, "finetuned", head_map=head))
    maps = make_pair_maps(two, MapSettings(method="head"))
    assert maps.base is None
    assert maps.finetuned is head
    assert maps.difference is None
    assert "The base model has no heatmap probability." in maps.notes
    assert set(maps.figures) == {"finetuned"}
    with pytest.raises(UserError, match="no heatmap head"):
        make_pair_maps(pair(side(BASE), side(TUNED, "finetuned")), MapSettings(method="head"))
