"""The queue of cases: order, filters, counts."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from inference.errors import UserError
from tests.fixes import hazard_fix
from tests.training.store_hand import corrected, predicted
from training.store import case_rows
from training.store.cases import STATUSES, voices
from training.store.database import connect
from training.store.feedback import CaseFilter, CorrectionFilter, Feedback


def test_queue_is_ordered_by_disagreement_and_risk(feedback: Feedback, tmp_path: Path) -> None:
    far, near, mild = (
        predicted(feedback, tmp_path, n, slices=[s])[0]
        for n, s in enumerate(["roadworks", "pedestrian", "pedestrian"])
    )
    corrected(feedback, far, payload=hazard_fix("wrong", (300.0, 100.0)))  # 200 px of 500, risk 0.5
    corrected(feedback, near, payload=hazard_fix("wrong", (250.0, 100.0)))  # 150 px, risk 1
    corrected(feedback, mild, payload=hazard_fix("right"))
    cases = feedback.cases()
    assert [c.media.hash for c in cases] == [near, far, mild]
    assert [c.disagreement for c in cases] == pytest.approx([0.3, 0.4, 0.0])
    assert [c.risk for c in cases] == [1.0, 0.5, 1.0]
    newest = feedback.cases(CaseFilter(order="newest"))
    assert [c.media.hash for c in newest] == [mild, near, far]
    assert feedback.count() == 3


def test_filters(feedback: Feedback, tmp_path: Path) -> None:
    one, _ = predicted(feedback, tmp_path, 1, slices=["rain"], adapter="a")
    two, _ = predicted(feedback, tmp_path, 2, slices=["fog"], adapter="b")
    mine = corrected(feedback, one, author="ann")
    yours = corrected(feedback, two, author="bob", payload=hazard_fix("right"))
    also = corrected(feedback, one, author="bob")
    feedback.review([yours.id], "accept", "tom")

    def found(**wanted: Any) -> set[str]:
        cases = feedback.cases(CaseFilter(**wanted))
        assert feedback.count(CaseFilter(**wanted)) == len(cases)
        return {c.media.hash for c in cases}

    assert found() == {one, two}
    assert found(task="risk") == set()
    assert found(status="accepted") == {two}
    assert found(status="open") == {one}
    assert found(author="bob") == {one, two}
    assert found(author="ann") == {one}
    assert found(slice="fog") == {two}
    assert found(adapter="a") == {one}
    assert found(min_disagreement=0.1) == {one}
    today = mine.created[:10]
    assert found(since=today, until=today) == {one, two}
    assert found(since=yours.created) == {one, two}  # `also` came after it
    assert found(until=mine.created) == {one}
    assert found(until="2001-01-01") == set()
    # All words on a matching case are there, not only those that matched.
    (case,) = feedback.cases(CaseFilter(author="ann"))
    assert [c.id for c in case.corrections] == [mine.id, also.id]
    said = feedback.corrections(CorrectionFilter(author="bob", media=one))
    assert [c.id for c in said] == [also.id]
    assert [c.id for c in feedback.corrections(CorrectionFilter(status="accepted"))] == [yours.id]
    assert feedback.authors() == ["ann", "bob"]
    assert feedback.adapters() == ["a", "b"]
    assert feedback.slices() == ["fog", "rain"]


def test_count_agrees_with_the_states_of_the_cases(feedback: Feedback, tmp_path: Path) -> None:
    """Cases with every mix of two people's states; counting derives them in SQL."""
    ways: list[list[str]] = [
        [], ["accept"], ["reject"], ["accept", "reject", "comment"], ["reject", "reopen"],
        ["accept", "withdraw"],
    ]  # fmt: skip
    for n, (one, other) in enumerate(product(ways, ways)):
        media, _ = predicted(feedback, tmp_path, n)
        for name, way in (("ann", one), ("bob", other)):
            made = corrected(feedback, media, author=name)
            for step in way:
                if step == "withdraw":
                    feedback.withdraw(made.id, name)
                else:
                    feedback.review([made.id], step, "tom", "words")
    states = [c.status for c in feedback.cases()]
    assert {s: feedback.count(CaseFilter(status=s)) for s in STATUSES} == Counter(states)
    assert set(states) == set(STATUSES)
    assert feedback.count() == len(states) == 36
    assert feedback.count(CaseFilter(status="nonsense")) == 0


def test_what_is_not_there(feedback: Feedback) -> None:
    assert feedback.cases() == []
    with pytest.raises(UserError, match="no such case"):
        feedback.case("hazard:abc")
    with pytest.raises(UserError, match="not kept"):
        feedback.media_path("abc")


def test_a_person_has_one_voice_however_often_they_spoke(
    feedback: Feedback, tmp_path: Path
) -> None:
    """In the queue's order, in agreement and in snapshots alike, from any browser."""
    media, _ = predicted(feedback, tmp_path, 1)
    for n, session in enumerate(("s1", "s2")):
        fix = hazard_fix("wrong", (100.0 + 200 * n, 100.0))
        corrected(feedback, media, payload=fix, author="ann", client={"session": session})
    (case,) = feedback.cases()
    (said,) = voices(case.corrections)
    assert said.values["point"].xy == (300.0, 100.0)
    assert case.disagreement == pytest.approx(0.4)  # ann against the model, not against herself
    nameless = [corrected(feedback, media, author="anonymous", client={"session": s}) for s in "ab"]
    assert len(voices(nameless)) == 2


def test_what_filters_choose_of_a_case(feedback: Feedback, tmp_path: Path) -> None:
    media, _ = predicted(feedback, tmp_path, 1)
    ann, bob, cleo = (corrected(feedback, media, author=name) for name in ("ann", "bob", "cleo"))
    feedback.review([bob.id], "accept", "tom")
    feedback.withdraw(cleo.id, "cleo")

    def chosen(**wanted: Any) -> list[str]:
        return [c.id for _, said in feedback.chosen(CaseFilter(**wanted)) for c in said]

    assert chosen() == [ann.id, bob.id]
    assert chosen(status="accepted") == [bob.id]  # though the case is still open
    assert chosen(status="withdrawn") == [cleo.id]
    assert chosen(author="ann") == [ann.id]
    assert chosen(author="ann", status="accepted") == []


def test_pages_in_sql_are_those_of_the_derived_states(feedback: Feedback, tmp_path: Path) -> None:
    """After any mixture of events: the order, filters, counts and pages that come from SQL are
    those that the cases themselves derive."""
    rng = random.Random(3)
    slices = ("rain", "pedestrian", "roadworks")
    media = [predicted(feedback, tmp_path, n, slices=[slices[n % 3]])[0] for n in range(7)]
    made: list[str] = []

    def say() -> None:
        point = (rng.uniform(0, 400), rng.uniform(0, 200))
        payload = rng.choice([hazard_fix("wrong", point), hazard_fix("right"), hazard_fix("none")])
        author = rng.choice(["ann", "bob"])
        made.append(corrected(feedback, rng.choice(media), author=author, payload=payload).id)

    def review() -> None:
        verdict = rng.choice(["accept", "reject", "reopen"])
        feedback.review(rng.sample(made, min(2, len(made))), verdict, "tom")

    def withdraw() -> None:
        chosen = rng.choice(feedback.corrections())
        feedback.withdraw(chosen.id, chosen.author)

    def answer_again() -> None:
        predicted(feedback, tmp_path, rng.randrange(7), adapter=f"a{rng.randrange(9)}")

    def new_slice() -> None:
        chosen = rng.choice(media)
        feedback.add_media(feedback.media_path(chosen), slices=[rng.choice(["animal", "cut_in"])])

    def undo() -> None:
        with contextlib.suppress(UserError):
            feedback.undo_review("tom")

    say()
    for _ in range(60):
        rng.choice([say, say, review, withdraw, answer_again, new_slice, undo])()
        with connect(feedback.home) as db:
            every = [case_rows.read_case(db, c.task, c.media.hash) for c in feedback.cases()]
        wanted = rng.choice(
            [CaseFilter(), CaseFilter(order="newest"), CaseFilter(min_disagreement=0.2)]
            + [CaseFilter(status=status) for status in STATUSES]
        )
        derived = [
            c for c in every
            if wanted.status in (None, c.status)
            and c.disagreement >= (wanted.min_disagreement or 0)
        ]  # fmt: skip
        derived.sort(key=lambda c: c.media.hash)
        derived.sort(key=lambda c: c.corrections[-1].created, reverse=True)
        if wanted.order == "dispute":
            derived.sort(key=lambda c: -c.disagreement * c.risk)
        assert feedback.count(wanted) == len(derived)
        assert feedback.cases(wanted) == derived
        assert feedback.cases(wanted, limit=2, offset=1) == derived[1:3]
    feedback.forget("ann")
    feedback.forget("bob")
    assert feedback.cases() == [] and feedback.count() == 0
