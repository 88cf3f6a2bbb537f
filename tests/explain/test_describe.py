import numpy as np
import pytest

from explain.describe import describe, direction
from explain.maps import MapSettings, make_pair_maps
from inference.schema import Heatmap, PatchGrid
from tests.explain.hand import pair, side

GRID = PatchGrid(2, 2, (1000, 500))  # near is 100 px; a cell is 500 x 250 px


def words(base: object, tuned: object | None = None, method: str = "attention") -> str:
    two = pair(base, tuned)  # type: ignore[arg-type]
    return describe(two, make_pair_maps(two, MapSettings(method=method)))


def base(cells: list[float], point: tuple[float, float] | None = None):
    return side([[[cells]]], point=point, grid=GRID)


def tuned(cells: list[float], point: tuple[float, float] | None = None, head: object = None):
    return side([[[cells]]], "finetuned", point=point, grid=GRID, head_map=head)  # type: ignore[arg-type]


def test_moved_and_looks_harder() -> None:
    text = words(base([1, 1, 1, 1], (750, 125)), tuned([1, 0, 1, 0], (250, 125)))
    assert text == (
        "The fine-tuned model looks 500 px (45 % of the diagonal) to the left of the base and "
        "puts 2.0 times as much attention near its point."
    )


def test_looks_less_hard() -> None:
    text = words(base([1, 0, 1, 0], (250, 125)), tuned([1, 1, 1, 1], (250, 375)))
    assert text == (
        "The fine-tuned model looks 250 px (22 % of the diagonal) below the base and "
        "puts 0.5 times as much attention near its point."
    )


def test_same_place() -> None:
    text = words(base([1, 1, 1, 1], (250, 125)), tuned([1, 1, 1, 1], (253, 129)))
    assert text == (
        "Both models look at the same place, 5 px apart; the fine-tuned model puts as much "
        "attention near its point as the base does near its own."
    )


def test_a_ratio_that_says_little_gives_the_shares() -> None:
    text = words(base([0, 1, 1, 1], (250, 125)), tuned([1, 0, 0, 0], (250, 130)))
    assert "puts 25 % of its attention near its point, against 0 % for the base" in text


def test_no_adapter() -> None:
    assert words(base([1, 0, 0, 0], (250, 125))) == (
        "The base model looks at (250, 125) and puts 25 % of its attention near that point."
    )
    assert words(base([1, 0, 0, 0])) == "The base model gives no point (no numbers in the text)."


def test_one_side_or_both_without_a_point() -> None:
    assert words(base([1, 1, 1, 1]), tuned([1, 0, 0, 0], (250, 125))) == (
        "The fine-tuned model looks at (250, 125) and puts 25 % of its attention near that point; "
        "the base model gives no point (no numbers in the text)."
    )
    assert words(base([1, 1, 1, 1], (250, 125)), tuned([1, 0, 0, 0])) == (
        "The fine-tuned model gives no point (no numbers in the text); "
        "the base model looks at (250, 125)."
    )
    assert words(base([1, 1, 1, 1]), tuned([1, 0, 0, 0])).count("gives no point") == 2


def test_the_heads_map_on_one_side_only() -> None:
    head = Heatmap(np.array([[1, 0], [0, 0]], np.float32), GRID, "head")
    text = words(
        base([1, 1, 1, 1], (750, 125)), tuned([1, 1, 1, 1], (250, 125), head), method="head"
    )
    assert text.endswith("and puts 25 % of its heatmap probability near its point.")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ((-9, 0), "to the left of"),
        ((9, 1), "to the right of"),
        ((0, -9), "above"),
        ((1, 9), "below"),
        ((-5, -5), "above and to the left of"),
        ((5, 4), "below and to the right of"),
    ],
)
def test_direction(step: tuple[float, float], expected: str) -> None:
    assert direction(*step) == expected
