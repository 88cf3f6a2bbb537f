"""The sentence about a pair of maps."""

from explain.describe import describe
from explain.maps import MapSettings, make_pair_maps
from inference.schema import PatchGrid
from tests.explain.hand import pair, side

GRID = PatchGrid(2, 2, (1000, 500))  # near is 100 px; a cell is 500 x 250 px


def words(base: list[float], tuned: list[float] | None, point: tuple[float, float] | None) -> str:
    two = pair(
        side([[[base]]], point=point, grid=GRID),
        None if tuned is None else side([[[tuned]]], "finetuned", point=point, grid=GRID),
    )
    return describe(two, make_pair_maps(two, MapSettings()))


def test_each_share_stands_beside_its_baselines():
    text = words([1, 0, 0, 0], [0, 0, 0, 1], (250, 125))
    assert text == (
        "Share of attention near the model's own point: base 25.0 % (uniform map 6.2 %, centre "
        "prior 6.2 %); fine-tuned 0.0 % (uniform map 6.2 %, centre prior 6.2 %)."
    )
    assert words([1, 0, 0, 0], None, None) == ""


def test_a_nearly_uniform_map_is_not_interpreted():
    text = words([1, 1, 1, 1.1], [1, 0, 0, 0], (250, 125))
    assert text == "The attention map is nearly uniform (base): do not interpret it."
    text = words([1, 1, 1, 1], [1, 1, 1, 1.1], None)
    assert (
        text
        == "The attention maps are nearly uniform (base and fine-tuned): do not interpret them."
    )
