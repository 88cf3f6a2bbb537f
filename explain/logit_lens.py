"""Logit lens at the image positions: the method without attention.

Source: nostalgebraist, "interpreting GPT: the logit lens", 2020; at image tokens, Neo et al.,
"Towards Interpreting Visual Information Processing in Vision-Language Models", ICLR 2025.
"""

from __future__ import annotations

import numpy as np

from explain.tokens import chosen_tokens
from explain.types import MapSettings
from inference.errors import UserError
from inference.schema import Heatmap, SidePrediction


def explain(side: SidePrediction, settings: MapSettings) -> Heatmap:
    """Mean over the chosen tokens of their probability at each image position, in the
    grid's shape."""
    trace = side.trace
    if trace.logit_lens is None:
        raise UserError(
            "There is no logit lens for this prediction",
            expected="a trace with the probability of each answer token at each image position",
            got="none captured",
            hint="Choose another method",
            field="method",
        )
    tokens = chosen_tokens(trace, settings.tokens)
    values = trace.logit_lens[tokens].astype(np.float64).mean(0)
    return Heatmap(
        values.reshape(trace.grid.shape).astype(np.float32),
        trace.grid,
        f"Logit lens of {side.label} at the image positions, {len(tokens)} answer tokens",
        "probability",
    )
