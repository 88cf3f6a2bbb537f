"""The reference that any driving map should beat: attending to the middle of the image."""

from __future__ import annotations

import numpy as np

from explain.measures import distribution
from inference.schema import Heatmap, PatchGrid

SIGMA = 0.25  # standard deviation in widths and heights of the image


def centre_prior(grid: PatchGrid) -> Heatmap:
    """A Gaussian at the image's centre, the same in every frame, taken at the cells' centres,
    summing to 1."""
    x1, y1, x2, y2 = grid.area_px
    width, height = grid.image_wh
    x = (x1 + (np.arange(grid.cols) + 0.5) * (x2 - x1) / grid.cols) / width - 0.5
    y = (y1 + (np.arange(grid.rows) + 0.5) * (y2 - y1) / grid.rows) / height - 0.5
    one = np.exp(-0.5 * ((x / SIGMA) ** 2 + ((y / SIGMA) ** 2)[:, None]))
    values = np.broadcast_to(one, grid.shape)
    return Heatmap(
        (values / values.sum()).astype(np.float32), grid, "Centre prior", "share of the map"
    )


def similarity_to_centre_prior(heatmap: Heatmap) -> float:
    """0 = no overlap, 1 = the same: the sum of the smaller of the two at each cell.

    Source: the metric SIM in Bylinskii et al., "What Do Different Evaluation Metrics Tell Us About
    Saliency Models?", TPAMI 2019.
    """
    prior = distribution(centre_prior(heatmap.grid).values)
    return float(np.minimum(distribution(heatmap.values), prior).sum())
