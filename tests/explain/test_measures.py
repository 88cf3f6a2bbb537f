import numpy as np
import pytest

from explain.centre import centre_prior, similarity_to_centre_prior
from explain.measures import (
    distribution,
    entropy_bits,
    entropy_relative,
    layer_head_shift,
    share_near_point,
    share_on_image,
)
from explain.tokens import default_tokens
from inference.errors import UserError
from inference.fields import Point
from inference.schema import Heatmap, PatchGrid
from tests.explain.hand import side

GRID = PatchGrid(2, 2, (200, 100))  # cells of 100 x 50 px; "near" is 20 px


def heatmap(values: object, grid: PatchGrid = GRID) -> Heatmap:
    return Heatmap(np.array(values, np.float32), grid, "test")


def test_entropy_by_hand():
    assert entropy_bits(np.array([[1, 1], [1, 1]])) == 2
    assert entropy_bits(np.array([[5, 5], [0, 0]])) == 1
    assert entropy_bits(np.array([[0, 7], [0, 0]])) == 0
    assert entropy_relative(np.array([[5, 5], [0, 0]])) == 0.5
    assert entropy_bits(np.zeros((2, 2))) == 2  # nothing known: even
    assert entropy_relative(np.array([[3]])) == 1


def test_distribution():
    assert distribution(np.array([[1, 3], [0, 4]])).tolist() == [[0.125, 0.375], [0, 0.5]]


def test_share_near_a_point_inside_one_cell():
    """A circle of 20 px at a cell's middle lies within that cell: pi * 20^2 / (100 * 50)."""
    share = share_near_point(heatmap([[1, 0], [0, 0]]), Point(50, 25, source="text"))
    assert share == pytest.approx(np.pi * 400 / 5000, rel=0.03)
    assert share_near_point(heatmap([[0, 1], [1, 1]]), Point(50, 25, source="text")) == 0


def test_share_near_a_point_on_the_cross_is_a_quarter_from_each():
    point = Point(100, 50, source="head")
    one = share_near_point(heatmap([[1, 0], [0, 0]]), point)
    assert one == pytest.approx(np.pi * 100 / 5000, rel=0.06)
    assert share_near_point(heatmap([[1, 1], [1, 1]]), point) == pytest.approx(one)


def test_share_near_covers_small_cells_in_full():
    grid = PatchGrid(1, 100, (1000, 10))
    values = np.zeros((1, 100))
    values[0, 45:55] = 1
    assert share_near_point(heatmap(values, grid), Point(500, 5, source="text")) == pytest.approx(1)


def test_share_on_image_by_hand():
    attention = np.zeros((2, 1, 2, 4))
    attention[0, 0, 0] = 0.1  # 0.4 on the image
    attention[0, 0, 1] = 0.2  # 0.8
    attention[1] = 0.25
    assert share_on_image(attention, [0], (0, -1), "mean") == pytest.approx(0.6)
    assert share_on_image(attention, [0], (0, -1), "max") == pytest.approx(0.6)
    assert share_on_image(attention, [0], (0, -1), 1) == pytest.approx(0.8)
    assert share_on_image(attention, [0, 1], (0, 0), "mean") == pytest.approx(0.8)


def test_layer_head_shift_by_hand():
    base = np.zeros((1, 2, 1, 4))
    base[0, 0, 0] = [0.2, 0, 0, 0]
    base[0, 1, 0] = [0.1, 0.1, 0.1, 0.1]
    tuned = np.zeros((1, 2, 1, 4))
    tuned[0, 0, 0] = [0, 0, 0.9, 0]  # somewhere else altogether
    tuned[0, 1, 0] = [0.2, 0.2, 0, 0]  # half of it moved
    shift = layer_head_shift(base, tuned, [0])
    assert shift == pytest.approx(np.array([[1.0], [0.5]]))
    assert shift.dtype == np.float32
    assert (layer_head_shift(base, base * 3, [0]) == 0).all()  # where, not how much


def test_centre_prior_is_symmetric_and_highest_in_the_middle():
    prior = centre_prior(PatchGrid(3, 3, (300, 90))).values
    assert prior.sum() == pytest.approx(1)
    assert prior.argmax() == 4
    assert np.allclose(prior, prior[::-1])
    assert np.allclose(prior, prior.T)
    assert np.allclose(centre_prior(GRID).values, 0.25)


def test_similarity_to_centre_prior():
    grid = PatchGrid(3, 3, (300, 90))
    assert similarity_to_centre_prior(centre_prior(grid)) == pytest.approx(1)
    corner = np.zeros((3, 3))
    corner[0, 0] = 1
    prior = centre_prior(grid).values
    assert similarity_to_centre_prior(heatmap(corner, grid)) == pytest.approx(prior[0, 0])
    assert similarity_to_centre_prior(heatmap([[1, 1], [0, 0]])) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("The", " (", "4", "8", "0", ",", "51", ")", "<|im_end|>"), (2, 3, 4, 6)),
        (("no", " idea", "<|im_end|>"), (0, 1)),
        (("<|im_end|>",), (0,)),
        (("<pad2>", "x"), (1,)),  # a digit in a special token is no coordinate
    ],
)
def test_default_tokens(texts, expected):
    made = side(np.ones((len(texts), 1, 1, 4)), texts=texts)
    assert default_tokens(made.trace) == expected


def test_an_unknown_head_says_which_there_are():
    with pytest.raises(UserError, match="from 0 to 1"):
        share_on_image(np.ones((1, 1, 2, 4)), [0], (0, -1), 2)
