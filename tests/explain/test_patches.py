"""The patch grid, end to end: what one image token sees is what its cell paints."""

import numpy as np
import pytest

from explain.pixels import to_pixels
from inference.schema import Heatmap, PatchGrid

SIDE = 28  # pixels a token covers: patches of 14, merged two by two


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
        painted = to_pixels(Heatmap(values.reshape(rows, cols), grid, "one"))
        picture = np.repeat((painted * 255).astype(np.uint8)[..., None], 3, axis=2)
        out = processor(images=[picture], return_tensors="np", input_data_format="channels_last")
        assert out["image_grid_thw"].tolist() == [[1, rows * 2, cols * 2]]
        seen = out["pixel_values"].reshape(rows * cols, -1)  # four patches a token
        dark = seen[(token + 1) % (rows * cols)].min()
        bright = (seen > dark + 1).all(1)
        assert np.flatnonzero(bright).tolist() == [token]
        assert np.flatnonzero((seen > dark + 1).any(1)).tolist() == [token]
