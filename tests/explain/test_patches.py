"""The patch grid, end to end: what one token sees is what its cell of the drawn map covers."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from inference.schema import Heatmap, PatchGrid
from ui.components.panels import map_image

SIDE = 28  # pixels a token covers: patches of 14, merged two by two


def painted(heatmap: Heatmap) -> np.ndarray:
    """(height, width) 0..255: how opaque the map is over each pixel of the image, drawn as a
    browser stretches it: nearest cell, without interpolation."""
    address, (left, top, wide, high) = map_image(heatmap, 1.0)
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as small:
        cells = np.asarray(small.getchannel("A"))
    width, height = heatmap.grid.image_wh
    rows = np.floor((np.arange(height) + 0.5 - top) * len(cells) / high).astype(int)
    cols = np.floor((np.arange(width) + 0.5 - left) * len(cells[0]) / wide).astype(int)
    inside = ((rows >= 0) & (rows < len(cells)))[:, None] & (cols >= 0) & (cols < len(cells[0]))
    return np.where(
        inside, cells[rows.clip(0, len(cells) - 1)][:, cols.clip(0, len(cells[0]) - 1)], 0
    )


@pytest.mark.parametrize("box", [None, (-10.0, 5.0, 130.0, 77.0), (20.0, 10.0, 90.5, 44.5)])
def test_each_cell_of_the_drawn_map_lies_over_its_token(box):
    grid = PatchGrid(3, 5, (120, 80), box)
    for token in range(grid.n_tokens):
        values = np.zeros((3, 5), np.float32)
        values.flat[token] = 1
        x1, y1, x2, y2 = grid.cell_px(token)
        x, y = np.arange(120) + 0.5, np.arange(80) + 0.5
        expected = ((y >= y1) & (y < y2))[:, None] & (x >= x1) & (x < x2)
        assert np.array_equal(painted(Heatmap(values, grid, "one")) > 0, expected)
