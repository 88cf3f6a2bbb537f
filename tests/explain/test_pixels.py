import numpy as np
import pytest

from explain.pixels import cell_of_pixel, to_pixels
from inference.errors import UserError
from inference.schema import Heatmap, PatchGrid


def heatmap(values: object, grid: PatchGrid) -> Heatmap:
    return Heatmap(np.array(values, np.float32), grid, "test")


GRIDS = [
    PatchGrid(2, 2, (4, 4)),
    PatchGrid(3, 5, (21, 10)),  # cells of 4.2 x 3.33 pixels
    PatchGrid(7, 12, (1280, 720)),
    PatchGrid(7, 12, (333, 719)),
    PatchGrid(2, 3, (30, 20), (-3.0, -2.5, 33.0, 22.5)),  # padded
    PatchGrid(2, 3, (30, 20), (5.0, 4.0, 25.0, 16.0)),  # cropped
    PatchGrid(5, 7, (3, 2)),  # more cells than pixels
]


def test_two_by_two_by_hand() -> None:
    painted = to_pixels(heatmap([[1, 2], [3, 4]], PatchGrid(2, 2, (4, 2))))
    assert painted.tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]
    assert painted.dtype == np.float32


@pytest.mark.parametrize("grid", GRIDS)
def test_paint_one_patch_and_find_it(grid: PatchGrid) -> None:
    """A picture in which one cell is painted, by the cell's box alone, equals its map's pixels."""
    width, height = grid.image_wh
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    for index in range(grid.n_tokens):
        x1, y1, x2, y2 = grid.cell_px(index)
        picture = ((y >= y1) & (y < y2))[:, None] & ((x >= x1) & (x < x2))
        values = np.zeros(grid.n_tokens, np.float32)
        values[index] = 1
        found = to_pixels(heatmap(values.reshape(grid.rows, grid.cols), grid))
        assert (found == picture).all()


@pytest.mark.parametrize("grid", GRIDS)
def test_each_pixel_has_one_cell_and_a_click_finds_it(grid: PatchGrid) -> None:
    numbers = np.arange(1, grid.n_tokens + 1, dtype=np.float32).reshape(grid.rows, grid.cols)
    painted = to_pixels(heatmap(numbers, grid))
    height, width = painted.shape
    for row in range(0, height, max(1, height // 20)):
        for col in range(0, width, max(1, width // 20)):
            cell = cell_of_pixel(grid, col, row)
            assert painted[row, col] == (0 if cell is None else cell + 1)


def test_pixel_of_a_cell_that_ends_between_two_pixels() -> None:
    grid = PatchGrid(1, 2, (21, 1))  # the border lies at 10.5, the middle of pixel 10
    assert [cell_of_pixel(grid, x, 0) for x in (0, 9.9, 10, 20.99, 21, -0.1)] == [
        0, 0, 1, 1, None, None,
    ]  # fmt: skip


def test_another_size_shows_the_same_image_scaled() -> None:
    painted = to_pixels(heatmap([[1, 2], [3, 4]], PatchGrid(2, 2, (200, 100))), (4, 2))
    assert painted.tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]


def test_outside_the_covered_area_is_zero() -> None:
    painted = to_pixels(heatmap([[5]], PatchGrid(1, 1, (4, 3), (1.0, 1.0, 3.0, 2.0))))
    assert painted.tolist() == [[0, 0, 0, 0], [0, 5, 5, 0], [0, 0, 0, 0]]


def test_smooth_by_hand() -> None:
    """Centres of the two cells at x = 1 and 3; pixel centres at 0.5, 1.5, 2.5, 3.5."""
    painted = to_pixels(heatmap([[0, 4]], PatchGrid(1, 2, (4, 1))), smooth=True)
    assert painted.tolist() == [[0, 1, 3, 4]]


def test_size_must_be_positive() -> None:
    with pytest.raises(UserError, match="positive"):
        to_pixels(heatmap([[1]], PatchGrid(1, 1, (4, 4))), (0, 3))
