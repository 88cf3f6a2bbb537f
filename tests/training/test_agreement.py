"""Agreement against figures from the literature, and defined answers where there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.correction import Fix
from inference.fields import Label
from tests.fixes import hazard_fix, said_at
from training.agreement.coefficients import (
    MAX_PAIRED,
    Coefficient,
    Rating,
    cohen_kappa,
    kappa_pairs,
    krippendorff_alpha,
    spread_percent,
    spread_px,
)
from training.agreement.measures import Agreement, agreement, case_agreement
from training.store.cases import Case, Correction, Media, Review

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: four observers,
# twelve units, missing data; nominal alpha 0.743.
KRIPPENDORFF = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}
_clock = count()


def table(columns: dict[str, str]) -> list[Rating]:
    return [
        Rating(rater, str(item), label)
        for rater, labels in columns.items()
        for item, label in enumerate(labels.split())
        if label != "."
    ]


def said(author: str, payload: Fix, status: str = "open", **more: Any) -> Correction:
    """A correction made after those before it."""
    number = next(_clock)
    verdict = {"accepted": "accept", "rejected": "reject"}.get(status)
    reviews = (Review("r", str(number), verdict, "", "rita", "2026"),) if verdict else ()
    values = {
        "id": str(number), "task": "hazard", "media": "m", "prediction": "p", "before": None,
        "client": {}, "created": f"{number:06d}", "reviews": reviews,
        "withdrawn": "2026" if status == "withdrawn" else None,
    }  # fmt: skip
    return Correction(**(values | {"author": author, "payload": payload} | more))


def at(author: str, x: float, y: float, kind: str | None = None, **more: Any) -> Correction:
    return said(author, hazard_fix("wrong", (x, y), kind=kind), **more)


def case(
    *corrections: Correction, name: str = "m", slices: tuple[str, ...] = (), task: str = "hazard"
) -> Case:
    media = Media(name, "image", "m.jpg", 1280, 720, 1, None, slices, "", "2026")
    return Case(task, media, (), corrections)


# ---- points ----------------------------------------------------------------------------------


def test_spread_is_the_mean_distance_of_all_pairs() -> None:
    # Sides 3, 4 and 5.
    assert spread_px([(0, 0), (3, 0), (3, 4)]) == pytest.approx(4)
    assert spread_percent([(0, 0), (30, 40)], (300, 400)) == pytest.approx(10)


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)]])
def test_one_point_has_no_spread(points: list[tuple[float, float]]) -> None:
    assert spread_px(points) is None
    assert spread_percent(points, (10, 10)) is None


# ---- labels ----------------------------------------------------------------------------------


def test_alpha_of_krippendorffs_example() -> None:
    found = krippendorff_alpha(table(KRIPPENDORFF))
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert (found.raters, found.items) == (4, 11)  # the twelfth has a single label


def test_kappa_of_two_by_two() -> None:
    """20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: 0.7 observed, 0.5 by chance, so 0.4."""
    cells = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    columns = {"A": " ".join(a for a, _ in cells), "B": " ".join(b for _, b in cells)}
    found = cohen_kappa(table(columns))
    assert found.value == pytest.approx(0.4)
    assert found.items == 50
    # What only one of them labelled does not count.
    assert cohen_kappa([*table(columns), Rating("A", "x", "n")]) == found


def test_a_second_label_of_one_person_replaces_the_first() -> None:
    rows = table({"A": "1 2", "B": "1 2"})
    once = krippendorff_alpha(rows)
    assert krippendorff_alpha([Rating("A", "0", "9"), *rows]) == once
    assert once.value == pytest.approx(1)


@pytest.mark.parametrize(
    ("columns", "alpha", "kappa"),
    [
        ({}, "no case was labelled by two", "no case was labelled by two"),
        ({"A": "1 2"}, "no case was labelled by two", "no case was labelled by two"),
        ({"A": "1 .", "B": ". 2"}, "no case was labelled by two", "no case was labelled by two"),
        ({"A": "1 1", "B": "1 1"}, "everyone said “1”", "everyone said “1”"),
        (KRIPPENDORFF, None, "compares two people; here are 4"),
    ],
)
def test_reason_where_there_is_no_figure(
    columns: dict[str, str], alpha: str | None, kappa: str
) -> None:
    found = krippendorff_alpha(table(columns))
    assert (found.value is None) == bool(alpha)
    assert (alpha or "") in (found.reason or "")
    assert kappa in (cohen_kappa(table(columns)).reason or "")


def test_pairs_of_many_people() -> None:
    pairs = kappa_pairs(table(KRIPPENDORFF))
    assert set(pairs) == {(a, b) for a in "ABCD" for b in "ABCD" if a < b}
    alone = {k: v for k, v in KRIPPENDORFF.items() if k in "AB"}
    assert pairs["A", "B"] == cohen_kappa(table(alone))
    crowd = {f"p{n:02d}": "1 2" for n in range(MAX_PAIRED + 5)}
    assert len(kappa_pairs(table(crowd))) == math.comb(MAX_PAIRED, 2)


_ROWS = st.lists(st.builds(Rating, *[st.sampled_from("ABC")] * 3), max_size=12)


@settings(max_examples=60, deadline=None)
@given(_ROWS)
def test_no_figure_is_ever_nan(rows: list[Rating]) -> None:
    found: Iterable[Coefficient] = [
        cohen_kappa(rows), krippendorff_alpha(rows), *kappa_pairs(rows).values()
    ]  # fmt: skip
    for figure in found:
        assert (figure.value is None) != (figure.reason is None)
        assert figure.value is None or -1.0001 <= figure.value <= 1


# ---- cases -----------------------------------------------------------------------------------


def test_one_voice_a_person_and_none_withdrawn() -> None:
    found = case_agreement(
        case(
            at("ann", 0, 0),
            at("ann", 100, 0),
            at("ben", 130, 40),
            at("cleo", 999, 700, status="withdrawn"),
        )
    )
    assert (found.people, found.spread_px) == (2, pytest.approx(50))
    assert found.spread_percent == pytest.approx(100 * 50 / math.hypot(1280, 720))


def test_right_means_where_the_model_pointed() -> None:
    right = said("ann", hazard_fix("right"), before=said_at((30, 40)))
    found = case_agreement(case(right, at("ben", 0, 0)))
    assert found.spread_px == pytest.approx(50)
    unknown = said("ann", hazard_fix("right"))
    assert case_agreement(case(unknown, at("ben", 0, 0))).spread_px is None


def test_rejected_counts_in_the_figures_but_settles_the_dispute() -> None:
    near, far = at("ann", 0, 0), at("ben", 600, 0)
    assert case_agreement(case(near, far)).disputed
    settled = case_agreement(case(near, at("ben", 600, 0, status="rejected")))
    assert not settled.disputed
    assert settled.spread_px == pytest.approx(600)


def test_disputes_come_first_the_sharpest_first() -> None:
    found = agreement(
        [
            case(at("ann", 0, 0), at("ben", 10, 0), name="agree"),
            case(at("ann", 0, 0), at("ben", 300, 0), name="apart"),
            case(at("ann", 0, 0), at("ben", 60, 0), name="just"),
            case(at("ann", 0, 0), said("ben", hazard_fix("none")), name="none"),
            case(at("ann", 0, 0, "cyclist"), at("ben", 0, 0, "other"), at("c", 0, 0, "other"),
                 name="kind"),
            case(at("ann", 0, 0), name="alone"),
        ]
    )  # fmt: skip
    order = [c.case_id.partition(":")[2] for c in found.cases]
    assert order == ["none", "kind", "apart", "just", "agree"]
    assert [c.disputed for c in found.cases] == [True] * 4 + [False]
    assert found.cases[0].labels["hazard point or none"] == {"there": 1, "none": 1}
    assert found.slices[0].cases == 5


def figures(found: Agreement, task: str, name: str) -> Any:
    return next(s for s in found.slices if (s.task, s.name) == (task, name))


def test_figures_by_slice() -> None:
    cases = [
        case(at("ann", 0, 0, "cyclist"), at("ben", 0, 30, "cyclist"), name="a", slices=("night",)),
        case(at("ann", 0, 0, "other"), at("ben", 0, 10, "other"), name="b", slices=("night",)),
        case(at("ann", 0, 0, "other"), at("ben", 0, 80, "debris"), name="c", slices=("day",)),
    ]
    found = agreement(cases)
    assert [s.name for s in found.slices] == ["all", "day", "night"]
    night, everything = figures(found, "hazard", "night"), figures(found, "hazard", "all")
    assert (night.spread_px_mean, night.spread_px_median) == (20, 20)
    assert (everything.spread_px_mean, everything.spread_px_median) == (40, 30)
    assert night.kappa["kind of hazard"].value == pytest.approx(1)
    assert everything.kappa["kind of hazard"].value == pytest.approx(0.5)
    assert "everyone said" in everything.alpha["hazard point or none"].reason
    assert list(everything.pairs["kind of hazard"]) == [("ann", "ben")]


def test_too_few_people_is_said() -> None:
    found = figures(agreement([case(at("ann", 1, 2))]), "hazard", "all")
    assert (found.spread_px_mean, found.reason) == (None, "no case has points of two people")
    assert found.alpha["kind of hazard"].reason == "no case was labelled by two people"
    assert agreement([]) == Agreement((), ())


def test_verdicts_are_compared_about_the_same_answer_only() -> None:
    wrong, right = hazard_fix("wrong", (1.0, 1.0)), hazard_fix("right", (1.0, 1.0))
    same = case(said("ann", wrong), said("ben", right))
    other = case(said("ann", wrong), said("ben", right, prediction="q"))
    assert figures(agreement([same]), "hazard", "all").alpha["verdict"].items == 1
    assert figures(agreement([other]), "hazard", "all").alpha["verdict"].items == 0


@pytest.mark.usefixtures("made_up")
def test_a_task_whose_answer_is_a_label() -> None:
    fixes = [Fix("made_up", "wrong", {"event": Label(e)}) for e in ("Collision", "Normal")]
    voices = [said(who, fix, task="made_up") for who, fix in zip("ab", fixes, strict=True)]
    found = agreement([case(*voices, task="made_up")])
    assert found.cases[0].disputed
    assert found.cases[0].labels == {"event": {"Collision": 1, "Normal": 1}}
    everything = figures(found, "made_up", "all")
    assert everything.alpha["event"].value == pytest.approx(0)
    assert set(everything.alpha) == {"event", "verdict"}  # there always is an event
    assert everything.reason == "no case has points of two people"
