"""From the patch grid to image pixels, exact to the pixel. Knows no colours.

Pixel i covers [i, i + 1); it belongs to the one cell whose half-open box holds its centre,
i + 0.5. The edges are `PatchGrid.cell_px`'s own, so the two never disagree.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError
from inference.schema import Heatmap, PatchGrid

Floats = NDArray[np.floating[Any]]


def to_pixels(
    heatmap: Heatmap, size_wh: tuple[int, int] | None = None, smooth: bool = False
) -> NDArray[np.float32]:
    """Paint a map onto the image.

    Args:
        size_wh: width and height of the result; the original image's by default. Another size
            shows the same image scaled.
        smooth: interpolate linearly between cell centres. For looking only: values between cells
            were never measured.

    Returns:
        (height, width) float32; 0 outside the area that the grid covers.
    """
    grid = heatmap.grid
    width, height = size_wh or grid.image_wh
    if width < 1 or height < 1:
        raise UserError("Not an image size", expected="positive sizes", got=f"{width} x {height}")
    x = (np.arange(width) + 0.5) * (grid.image_wh[0] / width)
    y = (np.arange(height) + 0.5) * (grid.image_wh[1] / height)
    rows, cols = _index(y, _edges(grid, 1)), _index(x, _edges(grid, 0))
    painted = _interpolate(heatmap, y, x) if smooth else heatmap.values[rows[:, None], cols]
    inside = (rows >= 0)[:, None] & (cols >= 0)
    return np.where(inside, painted, 0).astype(np.float32)


def cell_of_pixel(grid: PatchGrid, x_px: float, y_px: float) -> int | None:
    """Index of the cell that `to_pixels` gives to the pixel holding (x_px, y_px), in original
    pixels; None outside the grid."""
    col = int(_index(np.array([math.floor(x_px) + 0.5]), _edges(grid, 0))[0])
    row = int(_index(np.array([math.floor(y_px) + 0.5]), _edges(grid, 1))[0])
    return row * grid.cols + col if row >= 0 and col >= 0 else None


def _edges(grid: PatchGrid, axis: int) -> Floats:
    """Edges of the columns (axis 0) or rows (axis 1), by cell_px's formula."""
    n = grid.cols if axis == 0 else grid.rows
    start, end = grid.area_px[axis], grid.area_px[axis + 2]
    step = (end - start) / n
    return np.array([start + i * step for i in range(n + 1)])


def _index(positions: Floats, edges: Floats) -> NDArray[np.intp]:
    """Number of the half-open interval that holds each position, -1 for none."""
    index = np.searchsorted(edges, positions, side="right") - 1
    return np.where(index < len(edges) - 1, index, -1)


def _interpolate(heatmap: Heatmap, y: Floats, x: Floats) -> Floats:
    top, bottom, down = _weights(y, _edges(heatmap.grid, 1))
    left, right, along = _weights(x, _edges(heatmap.grid, 0))
    values = heatmap.values.astype(np.float64)
    by_row = values[top] * (1 - down)[:, None] + values[bottom] * down[:, None]
    return by_row[:, left] * (1 - along) + by_row[:, right] * along


def _weights(positions: Floats, edges: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """The two nearest cell centres and the second one's weight; clamped at the borders."""
    n = len(edges) - 1
    place = (positions - edges[0]) / (edges[1] - edges[0]) - 0.5
    place = np.clip(place, 0, n - 1)
    low = np.floor(place).astype(np.intp)
    return low, np.minimum(low + 1, n - 1), place - low
