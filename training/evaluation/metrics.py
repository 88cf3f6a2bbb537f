"""Metrics of points and texts. Arrays and strings in, numbers out; no model, no files.
sacrebleu and rouge_score take half a second to import, which no page should wait for.

Points are (n, 2) arrays of x and y in pixels of one common size, boxes (n, 4) arrays of x1, y1,
x2, y2. A missing point or box is a row of NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError

Floats = NDArray[np.floating[Any]]

REFERENCE_WH = (1280, 720)  # all errors are measured at this size, as in INSIGHT
HIT_RADIUS_PX = 50.0
ROUGES = ("rouge1", "rouge2", "rougeL")


def rescaled(points: Floats, sizes_wh: Floats) -> Floats:
    """Points or boxes, (n, 2) or (n, 4), of images of sizes (n, 2), at REFERENCE_WH.

    Each axis is scaled by itself, so that a position keeps its fraction of width and height.
    """
    scale = np.asarray(REFERENCE_WH, float) / sizes_wh
    return np.asarray(points * np.tile(scale, points.shape[1] // 2))


def error_px(
    point: tuple[float, float] | None, truth: tuple[float, float], size_wh: tuple[int, int]
) -> float:
    """Distance of one point from the truth, both in pixels of an image of that size, measured at
    REFERENCE_WH; a missing point counts as the centre."""
    at = point or (size_wh[0] / 2, size_wh[1] / 2)
    both = rescaled(np.array([at, truth], float), np.array([size_wh], float))
    return float(errors_px(both[:1], both[1:])[0])


def errors_px(points: Floats, truth: Floats) -> Floats:
    """(n,) distances in pixels."""
    _same_shape(points, truth)
    return np.asarray(np.hypot(points[:, 0] - truth[:, 0], points[:, 1] - truth[:, 1]))


def in_box(points: Floats, boxes: Floats) -> float | None:
    """Share of the points inside their box, its border included, over the cases that have a box;
    None where none has."""
    _same_shape(points, boxes[:, :2])
    has = ~np.isnan(boxes).any(1)
    if not has.any():
        return None
    p, b = points[has], boxes[has]
    inside = (p >= b[:, :2]).all(1) & (p <= b[:, 2:]).all(1)
    return float(inside.mean())


def point_figures(points: Floats, truth: Floats, boxes: Floats) -> dict[str, float | None]:
    """All metrics of points; mse_px2 is INSIGHT's Eq. 10: the squares of x and y summed.

    A missing point counts as the image's centre: it is neither dropped (a side could then do well
    by keeping silent) nor given the worst error (which would be arbitrary). The centre is generous
    to a side that fails to answer; `parse_rate` tells how often that was. `mse_px2_parsed` is over
    the answers that gave a point, None if there are none.
    """
    there = np.asarray(~np.isnan(points).any(1))
    complete = np.where(there[:, None], points, np.asarray(REFERENCE_WH, float) / 2)
    errors = errors_px(complete, truth)
    return {
        "mse_px2": float((errors**2).mean()),
        "median_px": float(np.median(errors)),
        "hit_50px": float((errors <= HIT_RADIUS_PX).mean()),
        "in_box": in_box(complete, boxes),
        "parse_rate": float(there.mean()),
        "mse_px2_parsed": float((errors[there] ** 2).mean()) if there.any() else None,
    }


def bleu4(texts: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU-4, 0..1, on words as split by blanks.

    The paper does not name its tokeniser. Splitting by blanks reproduces its constant 0.65804 to
    the digit as the score of its sentence with a wrong "(x,y)": (9/10 * 7/9 * 5/8 * 3/7) ** 0.25;
    sacrebleu's own default would give 0.76.
    """
    _same_number(texts, references)
    import sacrebleu

    score: float = sacrebleu.corpus_bleu(
        list(texts), [list(references)], tokenize="none", force=True
    ).score
    return score / 100


def rouge(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Mean F of ROUGE-1, ROUGE-2 and ROUGE-L, 0..1, without stemming."""
    from rouge_score.rouge_scorer import RougeScorer

    _same_number(texts, references)
    scorer = RougeScorer(list(ROUGES), use_stemmer=False)
    scores = [scorer.score(r, t) for t, r in zip(texts, references, strict=True)]
    return {name: float(np.mean([s[name].fmeasure for s in scores])) for name in ROUGES}


def text_figures(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """BLEU-4 and the ROUGEs."""
    return {"bleu4": bleu4(texts, references), **rouge(texts, references)}


def _same_shape(points: Floats, other: Floats) -> None:
    if points.shape != other.shape or not len(points):
        raise UserError(
            "Nothing to measure, or not a pair for each case",
            expected=f"two equal numbers of points, at least one; {other.shape}",
            got=str(points.shape),
        )


def _same_number(texts: Sequence[str], references: Sequence[str]) -> None:
    if len(texts) != len(references) or not texts:
        raise UserError(
            "Nothing to measure, or not a reference for each text",
            expected=f"{max(len(references), 1)} texts",
            got=str(len(texts)),
        )
