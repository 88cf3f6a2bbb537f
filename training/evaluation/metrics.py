"""The figures of the hazard task. Arrays and strings in, numbers out; no model, no files.

Points are (n, 2) arrays of x and y in pixels of one common size, boxes (n, 4) arrays of x1, y1,
x2, y2. A missing point or box is a row of NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sacrebleu
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer

from inference.errors import UserError

Floats = NDArray[np.floating[Any]]

REFERENCE_WH = (1280, 720)  # all errors are measured at this size, as in INSIGHT
HIT_RADIUS_PX = 50.0
ROUGES = ("rouge1", "rouge2", "rougeL")


def rescaled(points: Floats, sizes_wh: Floats, to_wh: tuple[int, int] = REFERENCE_WH) -> Floats:
    """Points or boxes, (n, 2) or (n, 4), of images of sizes (n, 2), on images of one size.

    Each axis is scaled by itself, so that a position keeps its fraction of width and height.
    """
    scale = np.asarray(to_wh, float) / sizes_wh
    return np.asarray(points * np.tile(scale, points.shape[1] // 2))


def parsed(points: Floats) -> NDArray[np.bool_]:
    """(n,) whether there is a point."""
    return np.asarray(~np.isnan(points).any(1))


def parse_rate(points: Floats) -> float:
    """Share of the answers that gave a point."""
    return float(parsed(points).mean())


def filled(points: Floats, size_wh: tuple[int, int] = REFERENCE_WH) -> Floats:
    """A missing point counts as the image's centre.

    The rule for every error below: an answer without a point is neither dropped (a side could then
    do well by keeping silent) nor given the worst error (which would be arbitrary). The centre is
    generous to a side that fails to answer; `parse_rate` tells how often that was.
    """
    return np.where(parsed(points)[:, None], points, np.asarray(size_wh, float) / 2)


def error_px(
    point: tuple[float, float] | None, truth: tuple[float, float], size_wh: tuple[int, int]
) -> float:
    """Distance of one point from the truth, both in pixels of a picture of that size, measured at
    REFERENCE_WH; a missing point counts as the centre."""
    at = point or (size_wh[0] / 2, size_wh[1] / 2)
    both = rescaled(np.array([at, truth], float), np.array([size_wh], float))
    return float(errors_px(both[:1], both[1:])[0])


def errors_px(points: Floats, truth: Floats) -> Floats:
    """(n,) distances in pixels."""
    _same_shape(points, truth)
    return np.asarray(np.hypot(points[:, 0] - truth[:, 0], points[:, 1] - truth[:, 1]))


def mse_px2(points: Floats, truth: Floats) -> float:
    """Mean of the squared distance, INSIGHT Eq. 10: both axes summed, px squared."""
    return float((errors_px(points, truth) ** 2).mean())


def median_px(points: Floats, truth: Floats) -> float:
    """Median distance in pixels."""
    return float(np.median(errors_px(points, truth)))


def hit_at(points: Floats, truth: Floats, radius_px: float = HIT_RADIUS_PX) -> float:
    """Share of the points at most radius_px from the truth."""
    return float((errors_px(points, truth) <= radius_px).mean())


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


def point_figures(
    points: Floats, truth: Floats, boxes: Floats, size_wh: tuple[int, int] = REFERENCE_WH
) -> dict[str, float | None]:
    """All figures about points. Missing points follow the rule of `filled`, save in
    `mse_px2_parsed`, which is over the answers that gave one (None if there are none)."""
    complete, there = filled(points, size_wh), parsed(points)
    return {
        "mse_px2": mse_px2(complete, truth),
        "median_px": median_px(complete, truth),
        "hit_50px": hit_at(complete, truth),
        "in_box": in_box(complete, boxes),
        "parse_rate": parse_rate(points),
        "mse_px2_parsed": mse_px2(points[there], truth[there]) if there.any() else None,
    }


def bleu4(texts: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU-4, 0..1, on words as split by blanks.

    The paper does not name its tokeniser. Splitting by blanks reproduces its constant 0.65804 to
    the digit as the score of its sentence with a wrong "(x,y)": (9/10 * 7/9 * 5/8 * 3/7) ** 0.25;
    sacrebleu's own default would give 0.76.
    """
    _same_number(texts, references)
    score: float = sacrebleu.corpus_bleu(
        list(texts), [list(references)], tokenize="none", force=True
    ).score
    return score / 100


def rouge(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Mean F of ROUGE-1, ROUGE-2 and ROUGE-L, 0..1, without stemming."""
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
