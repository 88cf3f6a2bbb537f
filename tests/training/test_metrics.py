import numpy as np
import pytest

from inference.errors import UserError
from training.evaluation import metrics

NONE = [np.nan, np.nan]
SENTENCE = "The area around ({},{}) should be paid more attention to."


def points(*rows: list[float]) -> np.ndarray:
    return np.array(rows, float)


def test_errors_by_hand() -> None:
    """The paper's Eq. 10 adds the squares of x and y before the mean."""
    found, truth = points([3, 4], [10, 10], [0, 50]), points([0, 0], [10, 10], [0, 0])
    assert metrics.errors_px(found, truth).tolist() == [5, 0, 50]
    measured = metrics.point_figures(found, truth, np.full((3, 4), np.nan))
    assert measured["mse_px2"] == pytest.approx((25 + 0 + 2500) / 3)
    assert measured["median_px"] == 5
    assert measured["hit_50px"] == 1  # 50 px is a hit


def test_in_box_counts_the_border_and_skips_cases_without_a_box() -> None:
    found = points([5, 5], [10, 10], [11, 5], [0, 0])
    boxes = np.array([[0, 0, 10, 10]] * 3 + [[np.nan] * 4])
    assert metrics.in_box(found, boxes) == pytest.approx(2 / 3)
    assert metrics.in_box(found[3:], boxes[3:]) is None


def test_a_missing_point_counts_as_the_centre() -> None:
    found, truth = points([640, 360], NONE), points([640, 360], [640, 364])
    figures = metrics.point_figures(found, truth, np.full((2, 4), np.nan))
    assert figures == {
        "mse_px2": 8.0,
        "median_px": 2.0,
        "hit_50px": 1.0,
        "in_box": None,
        "parse_rate": 0.5,
        "mse_px2_parsed": 0.0,
    }


def test_nothing_parsed() -> None:
    figures = metrics.point_figures(points(NONE), points([0, 0]), np.full((1, 4), np.nan))
    assert figures["parse_rate"] == 0
    assert figures["mse_px2_parsed"] is None
    assert figures["mse_px2"] == 640**2 + 360**2


def test_rescaled() -> None:
    sizes = np.array([[2560.0, 720.0], [1280.0, 360.0]])
    assert metrics.rescaled(points([2560, 720], [10, 10]), sizes).tolist() == [
        [1280, 720],
        [10, 20],
    ]
    box = np.array([[2560.0, 720.0, 0.0, 36.0]])
    assert metrics.rescaled(box, sizes[:1]).tolist() == [[1280, 720, 0, 36]]


def test_bleu_of_a_wrong_point_is_the_papers_constant() -> None:
    """Table II gives 0.65804 for every fine-tuned model."""
    assert metrics.bleu4([SENTENCE.format(1, 2)], [SENTENCE.format(544, 459)]) == pytest.approx(
        0.65804, abs=5e-6
    )
    assert metrics.bleu4([SENTENCE.format(1, 2)], [SENTENCE.format(1, 2)]) == pytest.approx(1)
    assert metrics.bleu4(["x"], [SENTENCE.format(1, 2)]) < 0.01


def test_rouge_by_hand() -> None:
    """Words: the area around 544 459 should be paid more attention to (11). Both numbers wrong
    leaves 9 of 11 words, 7 of 10 pairs; the paper's means are 0.82 and 0.70."""
    scores = metrics.rouge([SENTENCE.format(1, 2)], [SENTENCE.format(544, 459)])
    assert scores == pytest.approx({"rouge1": 9 / 11, "rouge2": 7 / 10, "rougeL": 9 / 11})
    both = metrics.rouge(["a b", "x"], ["a b", "y"])
    assert both == pytest.approx({"rouge1": 0.5, "rouge2": 0.5, "rougeL": 0.5})


def test_empty_text_scores_zero() -> None:
    figures = metrics.text_figures([""], [SENTENCE.format(1, 2)])
    assert figures == {"bleu4": 0, "rouge1": 0, "rouge2": 0, "rougeL": 0}


def test_unequal_numbers_and_empty_sets_are_refused() -> None:
    with pytest.raises(UserError):
        metrics.bleu4(["a"], ["a", "b"])
    with pytest.raises(UserError):
        metrics.rouge([], [])
    with pytest.raises(UserError):
        metrics.errors_px(points([1, 2]), points([1, 2], [3, 4]))
    with pytest.raises(UserError):
        metrics.errors_px(np.zeros((0, 2)), np.zeros((0, 2)))
