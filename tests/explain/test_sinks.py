import numpy as np

from explain.sinks import fill_sinks, find_sinks


def rows(*cells: list[float]) -> np.ndarray:
    """One layer and head, one list of cells for each answer token."""
    return np.array(cells)[:, None, None, :]


def test_a_token_high_in_every_row_is_a_sink():
    found = find_sinks(rows([9, 1, 1, 1], [8, 1, 1, 1], [7, 1, 2, 1], [9, 2, 1, 1]))
    assert found.tolist() == [True, False, False, False]


def test_a_token_high_in_half_of_the_rows_is_none():
    assert not find_sinks(rows([9, 1, 1, 1], [9, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1])).any()


def test_all_layers_count_and_heads_are_averaged():
    attention = np.ones((1, 2, 2, 4))
    attention[0, 0, :, 3] = 9  # one layer of two
    assert not find_sinks(attention).any()
    attention[0, :, :, 3] = [9, 1]  # one head of two, in both layers
    assert find_sinks(attention).tolist() == [False, False, False, True]


def test_what_the_neutral_prompt_ignores_is_no_sink():
    attention = rows([9, 1, 1, 1])
    assert not find_sinks(attention, np.ones((1, 1, 4))).any()
    assert find_sinks(attention, np.array([[[9, 1, 1, 1]]])).tolist() == [True, False, False, False]


def test_spread_is_measured_by_the_row():
    """Median 3, deviations 2 1 0 1 2 ... : MAD 1, threshold 3 + 5 * 1.4826 = 10.4."""
    assert not find_sinks(rows([1, 2, 3, 4, 10])).any()
    assert find_sinks(rows([1, 2, 3, 4, 11])).tolist() == [False] * 4 + [True]


def test_even_rows_have_no_sinks():
    assert not find_sinks(np.ones((3, 2, 2, 4))).any()
    assert not find_sinks(np.zeros((3, 2, 2, 4))).any()


def test_neighbours_mean_takes_the_place():
    values = np.array([[90.0, 1.0], [2.0, 3.0]])
    filled = fill_sinks(values, np.array([[True, False], [False, False]]))
    assert filled.tolist() == [[2.0, 1.0], [2.0, 3.0]]
    two = fill_sinks(values, np.array([[True, True], [False, False]]))
    assert two.tolist() == [[2.5, 2.5], [2.0, 3.0]]
    assert values[0, 0] == 90  # the input is left alone


def test_only_neighbours_count():
    filled = fill_sinks(np.array([[90.0, 4.0, 100.0]]), np.array([[True, False, False]]))
    assert filled.tolist() == [[4.0, 4.0, 100.0]]


def test_a_sink_without_neighbours_becomes_zero():
    assert fill_sinks(np.array([[9.0]]), np.array([[True]])).tolist() == [[0.0]]
