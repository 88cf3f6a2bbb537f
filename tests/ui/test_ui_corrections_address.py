"""The address of the Corrections page: there and back, and whatever a link may hold."""

import pytest

from ui.corrections.address import QueueAddress, from_query, to_query

FULL = QueueAddress(
    "hazard", "rejected", "ann & ben", "a/b", "night,rain", "2026-11-01", "2026-11-21", 12, 3,
    "hazard:" + "ab" * 32,
)  # fmt: skip


@pytest.mark.parametrize("where", [QueueAddress(), FULL, QueueAddress(status="any")])
def test_there_and_back(where):
    assert from_query(to_query(where)) == where
    assert from_query("?" + to_query(where)) == where


def test_defaults_stay_out_of_the_link():
    assert to_query(QueueAddress()) == ""


@pytest.mark.parametrize(
    "query",
    ["", "tab=scene", "status=no&page=x", "page=-1&least=9e9&since=yesterday&until=<b>"],
)
def test_nonsense_is_left_out(query):
    assert from_query(query) == QueueAddress()


def test_large_numbers_are_bounded():
    where = from_query("page=999999&least=5000")
    assert where.page <= 100_000 and where.least == 100


def test_a_filter_starts_over():
    assert FULL.filtered(status="open").page == 1 and FULL.filtered(status="open").case == ""
