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
def test_each_cell_of_the_drawn_map_lies_over_its_token(box) -> None:
    grid = PatchGrid(3, 5, (120, 80), box)
    for token in range(grid.n_tokens):
        values = np.zeros((3, 5), np.float32)
        values.flat[token] = 1
        x1, y1, x2, y2 = grid.cell_px(token)
        x, y = np.arange(120) + 0.5, np.arange(80) + 0.5
        expected = ((y >= y1) & (y < y2))[:, None] & (x >= x1) & (x < x2)
        assert np.array_equal(painted(Heatmap(values, grid, "one")) > 0, expected)


@pytest.mark.slow
def test_paint_one_patch_and_find_the_token_that_sees_it() -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    rows, cols = 4, 7
    grid = PatchGrid(rows, cols, (cols * SIDE, rows * SIDE))
    processor = Qwen2VLImageProcessorPil(
        size={"shortest_edge": SIDE * SIDE, "longest_edge": rows * cols * SIDE * SIDE},
        patch_size=14,
        merge_size=2,
    )
    for token in (0, 3, 8, 27):
        values = np.zeros(rows * cols, np.float32)
        values[token] = 1
        shown = painted(Heatmap(values.reshape(rows, cols), grid, "one"))
        image = np.repeat(shown.astype(np.uint8)[..., None], 3, axis=2)
        out = processor(images=[image], return_tensors="np", input_data_format="channels_last")
        assert out["image_grid_thw"].tolist() == [[1, rows * 2, cols * 2]]
        seen = out["pixel_values"].reshape(rows * cols, -1)  # four patches a token
        dark = seen[(token + 1) % (rows * cols)].min()
        bright = (seen > dark + 1).all(1)
        assert np.flatnonzero(bright).tolist() == [token]
        assert np.flatnonzero((seen > dark + 1).any(1)).tolist() == [token]
