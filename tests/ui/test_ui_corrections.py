"""What the Corrections page does, without gradio: queue, decisions, undo, bulk, roles, escaping."""

import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from inference.errors import UserError
from tests.fixes import hazard_fix
from tests.ui.corrections_seed import EVIL, add_case, say, seed
from tests.ui.fakes import fake_services
from training.store.cases import CorrectionFilter
from training.store.feedback import Feedback
from training.store.home import find_home
from ui.corrections.address import PAGE_ROWS, QueueAddress, from_query, to_query
from ui.corrections.handlers import exchange, queue, review
from ui.corrections.handlers.agreement import agreement_html
from ui.shell.desk import Desk
from ui.shell.pictures import Pictures
from ui.shell.visitors import REFUSED, Visitor

YOU = Visitor("you", "trainer")
ANN = Visitor("ann", "annotator")
ANY = QueueAddress(status="any")


@pytest.fixture
def desk(tmp_path):
    copies = tmp_path / "copies"
    copies.mkdir()
    return Desk(fake_services(home=find_home(tmp_path / "home")), pictures=Pictures(copies))


@pytest.fixture
def ids(desk, tmp_path):
    """Seven cases, of which the first, fourth and seventh have two people."""
    return seed(desk.home, tmp_path, 7)


def corrected(desk, status=None):
    return Feedback(desk.home).corrections(CorrectionFilter(status=status))


def sent(view, next_case="", n=0):
    case = Feedback.case(Feedback(view[0].home), view[1])
    return json.dumps({"correction": case.corrections[n].id, "case": case.id, "next": next_case})


# ---- reading ----------------------------------------------------------------------------------


def test_an_empty_store_says_what_to_do(desk):
    view = queue.page_view(ANN, desk, QueueAddress())
    assert not view.anything and "./" in view.empty and view.case.id == ""


def test_the_queue_shows_the_worst_case_large(desk, ids):
    view = queue.page_view(ANN, desk, QueueAddress(), chose=False)
    assert view.case.id == ids[0] and view.where.case == ids[0]
    assert view.address == ""
    assert view.queue.count("data-case=") == 7 and "7 cases" in view.summary
    kinds = re.findall('data-kind="([^"]*)"', view.case.stage)
    assert kinds == ["base", "finetuned", "truth", "human", "human"]
    assert ">ann (1)</text>" in view.case.stage and "<rect" in view.case.stage
    assert "Base at (262, 202)" in view.case.stage  # for screen readers
    assert "341 px" in view.case.head and "46.5 % of the diagonal" in view.case.head
    assert "ann (1), the farthest of 2 marks" in view.case.head
    assert "opacity=40" in view.case.head


def test_a_link_shows_its_case_whatever_the_filter(desk, ids):
    view = queue.page_view(ANN, desk, QueueAddress(author="nobody", case=ids[3]))
    assert view.case.id == ids[3] and "No case fits" in view.summary and view.anything
    gone = queue.page_view(ANN, desk, QueueAddress(case="hazard:" + "0" * 64))
    assert gone.case.id == ids[0]


def test_filters_and_pages(desk, tmp_path, monkeypatch):
    seed(desk.home, tmp_path, 7)
    assert "3 cases" in queue.page_view(ANN, desk, QueueAddress(author="ben")).summary
    assert "No case" in queue.page_view(ANN, desk, QueueAddress(until="2001-01-01")).summary
    assert "7 cases" in queue.page_view(ANN, desk, QueueAddress(least=30)).summary
    assert "No case" in queue.page_view(ANN, desk, QueueAddress(least=90)).summary
    monkeypatch.setattr(queue, "PAGE_ROWS", 3)
    last = queue.page_view(ANN, desk, QueueAddress(page=99))
    assert last.where.page == 3 and last.queue.count("data-case=") == 1
    assert last.has_before and not last.has_after and PAGE_ROWS >= 20


def test_clips_are_shown_without_a_picture(desk, ids, tmp_path):
    feedback = Feedback(desk.home)
    (tmp_path / "drive.mp4").write_bytes(b"clip")
    clip = feedback.add_media(
        tmp_path / "drive.mp4", kind="clip", size_wh=(640, 360), duration_s=8.0, name="drive.mp4"
    )
    feedback.correct(task="hazard", media=clip, prediction=None,
                     payload=hazard_fix("wrong", (5, 5), kind="cut-in"), author="zoe")  # fmt: skip
    view = queue.page_view(ANN, desk, QueueAddress(author="zoe"))
    assert view.case.stage == "" and not view.case.can_run
    assert "cut-in" in view.case.cards


def test_news_come_with_every_event(desk, ids):
    seen = {queue.news(desk)}
    feedback = Feedback(desk.home)
    one = corrected(desk)[0]
    for act in (
        lambda: feedback.review([one.id], "comment", "you", "why?"),
        lambda: feedback.withdraw(one.id, "ann"),
        lambda: feedback.forget("ben"),
    ):
        act()
        assert queue.news(desk) not in seen
        seen.add(queue.news(desk))


# ---- deciding ---------------------------------------------------------------------------------


def test_a_case_stays_until_all_its_corrections_are_decided(desk, ids):
    feedback = Feedback(desk.home)
    first = review.decide(YOU, desk, sent((feedback, ids[0]), ids[1]), "accept", " good ")
    assert first.case == ids[0] and "Accepted ann’s" in first.message
    second = review.decide(YOU, desk, sent((feedback, ids[0]), ids[1], 1), "reject", "")
    assert second.case == ids[1]
    case = feedback.case(ids[0])
    assert [c.status for c in case.corrections] == ["accepted", "rejected"]
    assert case.corrections[0].reviews[0].comment == "good"
    assert "good" in queue.open_case(ANN, desk, ids[0]).history


def test_undo_goes_back_step_by_step_and_adds_events(desk, ids):
    feedback = Feedback(desk.home)
    review.decide(YOU, desk, sent((feedback, ids[1])), "accept", "")
    review.decide(YOU, desk, sent((feedback, ids[1])), "reject", "")
    for status in ("accepted", "open"):
        assert review.undo(YOU, desk).case == ids[1]
        assert feedback.case(ids[1]).status == status
    assert len(feedback.case(ids[1]).corrections[0].reviews) == 4
    with pytest.raises(UserError, match="nothing to undo"):
        review.undo(YOU, desk)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"correction": ""}', '{"case": "x"}']
)
def test_no_correction_is_chosen(desk, text):
    with pytest.raises(UserError, match="No correction is chosen"):
        review.decide(YOU, desk, text, "accept", "")


@pytest.mark.parametrize("comment", ["", "  ", "x" * 2001])
def test_a_comment_has_words_but_not_too_many(desk, ids, comment):
    with pytest.raises(UserError) as caught:
        review.decide(ANN, desk, sent((Feedback(desk.home), ids[0])), "comment", comment)
    assert caught.value.field == "comment"


def test_only_the_author_withdraws(desk, ids):
    mine = next(c for c in corrected(desk) if c.author == "ann")
    with pytest.raises(UserError, match="Only its author"):
        review.withdraw(YOU, desk, mine.id, ids[0])
    review.withdraw(ANN, desk, mine.id, ids[0])
    assert len(corrected(desk, "withdrawn")) == 1
    assert "Withdraw mine" in queue.open_case(ANN, desk, ids[1]).cards
    assert "Withdraw mine" not in queue.open_case(YOU, desk, ids[1]).cards


# ---- many at once -----------------------------------------------------------------------------


def test_bulk_is_about_what_the_filters_show(desk, ids):
    everything = review.bulk_of_queue(desk, ANY)
    assert (len(everything.ids), everything.cases, everything.people) == (10, 7, 2)
    ben = review.bulk_of_queue(desk, replace(ANY, author="ben"))
    assert (len(ben.ids), ben.cases, ben.people) == (3, 3, 1)
    said = review.accept_all(YOU, desk, ben.ids)
    assert said == "Accepted 3 corrections."
    assert {c.author for c in corrected(desk, "accepted")} == {"ben"}
    review.undo(YOU, desk)
    assert len(corrected(desk, "open")) == 10


def test_bulk_of_marked_cases(desk, ids):
    found = review.bulk_of_marked(desk, json.dumps(ids[:2]))
    assert (len(found.ids), found.cases) == (3, 2)
    for text in ("", "[]", "{", '"x"'):
        with pytest.raises(UserError, match="No marked case"):
            review.bulk_of_marked(desk, text)
    with pytest.raises(UserError, match="Nothing waits"):
        review.accept_all(YOU, desk, ())


def test_forgetting_needs_the_name_twice(desk, ids):
    with pytest.raises(UserError) as caught:
        review.forget(ANN, desk, "ann", "an")
    assert caught.value.field == "typed" and len(corrected(desk)) == 10
    assert "corrections" in review.forget(ANN, desk, "ann", " ann ")
    assert {c.author for c in corrected(desk)} == {"ben"}
    alias = Visitor("anonymous-1", "annotator", "s", anonymous=True)
    with pytest.raises(UserError, match=REFUSED):
        review.forget(alias, desk, "anonymous-1", "anonymous-1")


# ---- text of others ---------------------------------------------------------------------------


def test_hostile_text_is_escaped_everywhere(desk, tmp_path):
    feedback = Feedback(desk.home)
    case = add_case(feedback, tmp_path, 1, name=EVIL, slices=(EVIL,))
    made = [say(feedback, case, who, hazard_fix("wrong", (x, 90.0), reason=EVIL))
            for who, x in ((EVIL, 10.0), ("b" + EVIL, 600.0))]  # fmt: skip
    feedback.review(made, "comment", EVIL, EVIL)
    view = queue.page_view(YOU, desk, replace(ANY, author=EVIL))
    parts = [view.summary, view.queue, view.empty, agreement_html(desk, ANY)]
    shown = ("head", "stage", "said", "history", "learned", "cards")
    parts += [getattr(view.case, name) for name in shown]
    for part in parts:
        assert "<img src=x" not in part
    assert sum("&lt;img src=x" in part for part in parts) >= 6


# ---- agreement, exchange ----------------------------------------------------------------------


def test_agreement_puts_disputes_first(desk, ids):
    text = agreement_html(desk, QueueAddress())
    assert "3 cases were corrected by two people or more, 3 of them in dispute" in text
    assert "Krippendorff" in text
    assert text.index("hazard: all") < text.index("hazard: night")
    assert ">191</td>" in text


def test_agreement_needs_two_people(desk, tmp_path):
    assert "two people" in agreement_html(desk, ANY)


def test_export_and_import_into_another_home(desk, ids, tmp_path):
    path, text = exchange.export_zip(desk, ANY, "csv")
    assert "10 corrections of 7 images" in text
    other = Desk(fake_services(home=find_home(tmp_path / "other")))
    assert exchange.import_rows(YOU, other, path, dry_run=True)[1] == 10 and not corrected(other)
    said, left = exchange.import_rows(YOU, other, path, dry_run=False)
    assert "Imported 10 corrections" in said and left == 0
    assert len(corrected(other)) == 10
    assert "10 were here already" in exchange.import_rows(YOU, other, path, dry_run=True)[0]


def test_an_export_of_nothing_and_an_unknown_format(desk, ids):
    for where, name in ((replace(ANY, author="nobody"), "csv"), (ANY, "../x")):
        with pytest.raises(UserError) as caught:
            exchange.export_zip(desk, where, name)
        assert caught.value.field == "format"


def test_rows_that_cannot_be_taken_are_listed(desk, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"image": "none.jpg", "messages": []}\nno json\n')
    text, fresh = exchange.import_rows(YOU, desk, str(path), dry_run=True)
    assert fresh == 0 and "row 1" in text and "row 2" in text


# ---- the address ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        QueueAddress(),
        ANY,
        QueueAddress("hazard", "rejected", "ann & ben", "a/b", "night,rain", "2026-11-01",
                     "2026-11-21", 12, 3, "hazard:" + "ab" * 32),
    ],
)  # fmt: skip
def test_the_address_there_and_back(where):
    assert from_query(dict(parse_qsl(to_query(where)))) == where
    assert (to_query(where) == "") == (where == QueueAddress())


def test_nonsense_in_a_link_is_left_out():
    wild = {"tab": "scene", "status": "no", "page": "-1", "least": "9e9", "since": "yesterday"}
    assert from_query({**wild, "until": "<b>"}) == QueueAddress()
    bounded = from_query({"page": "999999", "least": "5000"})
    assert (bounded.page, bounded.least) == (100_000, 100)
