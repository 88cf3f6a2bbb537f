"""The store: what is kept, in which state, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from inference.correction import Fix
from inference.errors import UserError
from inference.fields import Label, Point, Step, Steps
from inference.media import load_image
from inference.schema import PairRequest
from tests.fixes import hazard_fix
from tests.training.store_hand import MODEL_PX, corrected, picture, predicted
from tests.ui.fakes import INFO, fake_pair
from training.store.cases import values_of
from training.store.feedback import Answers, Feedback

# ---- adding ------------------------------------------------------------------------------------


def test_picture_is_kept_by_the_hash_of_its_bytes(feedback: Feedback, tmp_path: Path) -> None:
    path = picture(tmp_path)
    media = feedback.add_media(path, slices=["rain"], name="road.png")
    assert media == hashlib.sha256(path.read_bytes()).hexdigest()
    assert feedback.media_path(media).read_bytes() == path.read_bytes()
    assert feedback.media_path(media).parent == feedback.home.media
    assert feedback.media_path(media).suffix == ".png"
    assert feedback.add_media(path, slices=["night"]) == media
    kept = feedback.media(media)
    assert (kept.slices, kept.name, kept.width, kept.height) == (
        ("night", "rain"), "road.png", 300, 400,
    )  # fmt: skip
    assert [p.name for p in feedback.home.media.iterdir()] == [kept.file]


def test_pair_is_kept_with_both_sides_and_what_reopens_it(
    feedback: Feedback, tmp_path: Path
) -> None:
    path = picture(tmp_path)
    image = load_image(path)
    pair = fake_pair(image, PairRequest(prompt="Where?", adapter="hazard-patch"))
    key = feedback.add_prediction(
        pair, path, INFO, adapter_version="abc", slices=("rain",), name="road.png",
        truth={"point": Point(3, 4, source="truth")}, settings={"query": "tab=scene"},
    )  # fmt: skip
    again = feedback.add_prediction(pair, path, INFO, adapter_version="abc")
    other = feedback.add_prediction(pair, path, INFO, adapter_version="def")
    assert key == again != other
    case = feedback.case(f"hazard:{image.content_hash}")
    assert [p.id for p in case.predictions] == [other, key]  # newest first
    kept = case.predictions[1]
    assert (kept.adapter, kept.adapter_version) == ("hazard-patch", "abc")
    assert (kept.backbone, kept.backbone_sha256) == ("sightline-tiny", INFO.sha256)
    assert kept.truth == {"point": Point(3, 4, source="truth")}
    assert (kept.settings, kept.prompt) == ({"query": "tab=scene"}, "Where?")
    assert pair.finetuned is not None
    assert kept.values(kept.shown) == pair.finetuned.values
    assert pair.finetuned.point is not None
    assert kept.base["text"] == pair.base.text
    assert case.status == "open"


def test_another_file_than_the_one_looked_at_is_refused(feedback: Feedback, tmp_path: Path) -> None:
    pair = fake_pair(load_image(picture(tmp_path, 1)), PairRequest(adapter="hazard-patch"))
    with pytest.raises(UserError, match="not the one that was looked at"):
        feedback.add_prediction(pair, picture(tmp_path, 2), INFO, adapter_version=None)
    assert list(feedback.home.media.iterdir()) == []


def test_correction_keeps_who_when_what_and_what_was_before(
    feedback: Feedback, tmp_path: Path
) -> None:
    media, prediction = predicted(feedback, tmp_path)
    made = corrected(feedback, media, prediction, client={"page": "scene"})
    (kept,) = feedback.corrections()
    assert kept == made
    assert kept.payload == hazard_fix("wrong", (200.0, 100.0))
    assert values_of("hazard", kept.before) == {"point": Point(*MODEL_PX)}
    assert (kept.author, kept.client, kept.status) == ("ann", {"page": "scene"}, "open")
    assert kept.created.endswith("+00:00")


@pytest.mark.usefixtures("made_up")
def test_clips_of_other_tasks(feedback: Feedback, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"\0\0\0\x18ftypmp42 and frames")
    media = feedback.add_media(clip, kind="clip", size_wh=(640, 360), duration_s=3.0)
    said = {"text": "…", "values": {"event": {"value": "Normal"}}}
    prediction = feedback.add_answers(media, Answers("made_up", "tiny", "What happens?", said))

    def say(start_s: float) -> None:
        trace = Steps((Step("phone", "driver", start_s, 3.0 if start_s < 3 else None),))
        fix = Fix("made_up", "wrong", {"event": Label("Collision"), "trace": trace})
        feedback.correct(
            task="made_up", media=media, prediction=prediction, payload=fix, author="ann"
        )
        assert feedback.case(f"made_up:{media}").corrections[0].payload == fix

    say(2.5)
    assert feedback.media_path(media).suffix == ".mp4"
    with pytest.raises(UserError, match="after the clip's end") as caught:
        say(3.1)
    assert caught.value.field == "trace"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"media": "0" * 64, "prediction": None}, "image is not kept"),
        ({"prediction": "nothing"}, "not one to this image"),
        ({"prediction": "another image's"}, "not one to this image"),
        ({"task": "risk"}, "of another task"),
        ({"payload": hazard_fix("wrong", (301.0, 5.0))}, "outside the image"),
        ({"payload": hazard_fix("wrong", box=(0, 0, 10, 401))}, "outside the image"),
        ({"author": "  "}, "Nobody is named"),
        ({"author": "a\nb\0"}, "cannot be kept"),
        ({"client": {"x": float("nan")}}, "Not JSON"),
        ({"client": {"x": "y" * 200_000}}, "too long"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    feedback: Feedback, tmp_path: Path, changes: dict[str, Any], match: str
) -> None:
    media, prediction = predicted(feedback, tmp_path)
    values: dict[str, Any] = {
        "task": "hazard", "media": media, "prediction": prediction,
        "payload": hazard_fix("none"), "author": "ann",
    }  # fmt: skip
    if changes.get("prediction") == "another image's":
        changes = {"prediction": predicted(feedback, tmp_path, 2)[1]}
    with pytest.raises(UserError, match=match):
        feedback.correct(**{**values, **changes})
    assert feedback.corrections() == []


# ---- state -------------------------------------------------------------------------------------


def test_newest_decision_counts_and_withdrawn_wins(feedback: Feedback, tmp_path: Path) -> None:
    media, prediction = predicted(feedback, tmp_path)
    made = corrected(feedback, media, prediction)

    def status() -> str:
        (kept,) = feedback.corrections()
        assert feedback.case(f"hazard:{media}").status == kept.status
        return kept.status

    for verdict, then in [
        ("accept", "accepted"), ("reject", "rejected"), ("comment", "rejected"),
        ("reopen", "open"), ("accept", "accepted"),
    ]:  # fmt: skip
        assert feedback.review([made.id], verdict, "tom", "because") == 1
        assert status() == then
    feedback.withdraw(made.id, "ann")
    feedback.withdraw(made.id, "ann")
    assert status() == "withdrawn"
    assert feedback.review([made.id], "accept", "tom") == 0
    assert status() == "withdrawn"
    (kept,) = feedback.corrections()
    assert [r.verdict for r in kept.reviews] == ["accept", "reject", "comment", "reopen", "accept"]


def test_only_the_author_withdraws(feedback: Feedback, tmp_path: Path) -> None:
    media, _ = predicted(feedback, tmp_path)
    made = corrected(feedback, media)
    with pytest.raises(UserError, match="Only its author"):
        feedback.withdraw(made.id, "bob")
    with pytest.raises(UserError, match="no such correction"):
        feedback.withdraw("nothing", "ann")
    assert feedback.corrections()[0].status == "open"


def test_bulk_review_is_all_or_nothing(feedback: Feedback, tmp_path: Path) -> None:
    media, _ = predicted(feedback, tmp_path)
    ids = [corrected(feedback, media, author=name).id for name in ("ann", "bob")]
    with pytest.raises(UserError, match="no such correction"):
        feedback.review([*ids, "nothing"], "accept", "tom")
    with pytest.raises(UserError, match="Unknown verdict"):
        feedback.review(ids, "like", "tom")
    with pytest.raises(UserError, match="empty"):
        feedback.review(ids, "comment", "tom", " ")
    assert [c.reviews for c in feedback.corrections()] == [(), ()]
    assert feedback.review([*ids, *ids], "accept", "tom") == 2


def test_undo_goes_back_one_decision_at_a_time(feedback: Feedback, tmp_path: Path) -> None:
    one, _ = predicted(feedback, tmp_path, 1)
    two, _ = predicted(feedback, tmp_path, 2)
    ids = [corrected(feedback, media).id for media in (one, two)]
    feedback.review(ids, "accept", "tom")
    feedback.review(ids[:1], "reject", "tom")
    feedback.review(ids[:1], "comment", "tom", "sure?")

    def states() -> list[str]:
        return [c.status for c in feedback.corrections()]

    assert states() == ["rejected", "accepted"]
    assert feedback.undo_review("tom") == [f"hazard:{one}"]
    assert states() == ["accepted", "accepted"]
    assert feedback.undo_review("tom") == [f"hazard:{one}", f"hazard:{two}"]
    assert states() == ["open", "open"]
    with pytest.raises(UserError, match="nothing to undo"):
        feedback.undo_review("tom")


def test_undo_leaves_what_others_decided_later(feedback: Feedback, tmp_path: Path) -> None:
    media, _ = predicted(feedback, tmp_path)
    made = corrected(feedback, media)
    feedback.review([made.id], "accept", "tom")
    feedback.review([made.id], "reject", "eve")
    feedback.undo_review("tom")
    assert feedback.corrections()[0].status == "rejected"
    feedback.undo_review("eve")
    assert feedback.corrections()[0].status == "open"
