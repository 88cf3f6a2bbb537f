"""Snapshots: what goes in, what is left out and why, and that nothing changes afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.errors import UserError
from inference.fields import Label, Labels, Point, Probability, Step, Steps, Text, Value
from inference.registry import resolve
from tests.fixes import hazard_fix, said_at
from tests.training.snapshot_hand import (
    REPLAY_ENTRY,
    WH,
    correct,
    home_with,
    picture,
    point,
    snapshot,
)
from training.agreement.consensus import Consensus, Vote, consensus
from training.snapshots import plan as snapshot_plan
from training.snapshots import replayed
from training.snapshots.freezing import freeze, load_snapshot, manifest_hash, snapshots, verify
from training.snapshots.plan import plan_snapshot
from training.snapshots.types import Snapshot, SnapshotExample
from training.store.database import connect
from training.store.feedback import Answers, CaseFilter, Feedback
from training.store.home import find_home


@pytest.fixture
def small_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(replayed.REPLAYS, "hazard/world", REPLAY_ENTRY)


def placed(example: SnapshotExample) -> tuple[float, float]:
    found = example.values["point"]
    assert isinstance(found, Point)
    return found.xy


# ---- what goes in -------------------------------------------------------------------------------


def test_accepted_corrections_enter_with_point_and_exact_sentence(tmp_path: Path) -> None:
    home, ids = home_with(tmp_path, 4)
    plan = plan_snapshot(Feedback(home), validation_share=0.25)
    assert plan.counts == {"train correction": 3, "validation correction": 1, "left out": 0}
    assert sorted(c for e in plan.examples for c in e.corrections) == sorted(ids)
    example = next(e for e in plan.examples if e.name == "scene1.png")
    assert placed(example) == point(1)
    assert example.picture.is_file()
    x, y = round(point(1)[0] / WH[0] * 100) * 10, round(point(1)[1] / WH[1] * 100) * 10
    assert example.target == f"The area around ({x},{y}) should be paid more attention to."
    in_pixels = plan_snapshot(Feedback(home), frame="original_px").examples
    assert "(20,20)" in next(e.target for e in in_pixels if e.name == "scene0.png")


def test_open_rejected_and_withdrawn_stay_out(tmp_path: Path) -> None:
    home, ids = home_with(tmp_path, 4, accept=False)
    feedback = Feedback(home)
    feedback.review(ids[1:], "accept", "rob")
    feedback.review(ids[2:3], "reject", "rob")
    feedback.withdraw(ids[3], "ann")
    plan = plan_snapshot(feedback)
    assert [c for e in plan.examples for c in e.corrections] == [ids[1]]


def test_an_accepted_word_counts_though_another_is_still_open(tmp_path: Path) -> None:
    home, ids = home_with(tmp_path, 1)
    feedback = Feedback(home)
    media = feedback.corrections()[0].media
    correct(feedback, media, (100.0, 80.0), "bob")
    plan = plan_snapshot(feedback, validation_share=0)
    assert [e.corrections for e in plan.examples] == [(ids[0],)]


def test_right_means_the_point_that_was_shown(tmp_path: Path) -> None:
    home = find_home(tmp_path / "home")
    feedback = Feedback(home)
    media = feedback.add_media(picture(tmp_path, 1), name="a.png")
    said = said_at((33.0, 44.0))
    shown = feedback.add_answers(media, Answers("hazard", "b", "p", {"text": "y"}, said, "a"))
    made = feedback.correct(
        task="hazard", media=media, prediction=shown, payload=hazard_fix("right"), author="ann"
    )
    feedback.review([made.id], "accept", "rob")
    plan = plan_snapshot(feedback, validation_share=0)
    assert [placed(e) for e in plan.examples] == [(33.0, 44.0)]


def test_a_persons_last_word_counts_until_it_is_withdrawn(tmp_path: Path) -> None:
    home, (first,) = home_with(tmp_path, 1)
    feedback = Feedback(home)
    (case,) = feedback.cases()

    def planned() -> tuple[list[tuple[float, float]], list[tuple[str, ...]]]:
        """What enters, and whose corrections are left out."""
        plan = plan_snapshot(feedback, validation_share=0)
        return [placed(e) for e in plan.examples], [x.corrections for x in plan.left_out]

    assert (feedback.case(case.id).status, planned()) == ("accepted", ([point(0)], []))
    second = correct(feedback, case.media.hash, (90.0, 70.0), "ann")
    # The accepted one is replaced, by one that nobody has looked at yet.
    assert (feedback.case(case.id).status, planned()) == ("open", ([], [(first,)]))
    assert [c.id for c in feedback.case(case.id).standing] == [second]
    assert feedback.cases(CaseFilter(status="accepted")) == []
    feedback.review([second], "accept", "rob")
    assert (feedback.case(case.id).status, planned()) == ("accepted", ([(90.0, 70.0)], []))
    feedback.review([second], "reject", "rob")
    assert (feedback.case(case.id).status, planned()) == ("rejected", ([], [(first,)]))
    feedback.withdraw(second, "ann")
    assert (feedback.case(case.id).status, planned()) == ("accepted", ([point(0)], []))
    feedback.withdraw(first, "ann")
    assert (feedback.case(case.id).status, planned()) == ("withdrawn", ([], []))


# ---- several people -----------------------------------------------------------------------------


def agreed(*said: Value | tuple[float, float] | None) -> Consensus:
    """Of people 0, 1 ..., in an image of 1000 x 1000 pixels; None: there is no hazard."""
    values = [Point(*v) if isinstance(v, tuple) else v for v in said]
    votes = [Vote(str(i), {"main": v} if v else {}) for i, v in enumerate(values)]
    return consensus(votes, "main", (1000, 1000))


@pytest.mark.parametrize(
    ("said", "value", "who"),
    [
        (((100, 100), (110, 104), (104, 108)), Point(104, 104, source="human"), "012"),
        # One far off does not move it and is not named.
        (((100, 100), (110, 104), (900, 900)), Point(110, 104, source="human"), "01"),
        (((1, 1), (1, 1), None), Point(1, 1, source="human"), "01"),
        ((Label("a"), Label("b"), Label("a")), Label("a"), "02"),
        ((Labels(("a", "b")), Labels(("b", "a"))), Labels(("b", "a")), "01"),
        ((Text("x"), Text("x"), Text("y")), Text("x"), "01"),
        ((Steps((Step("x"),)), Steps((Step("x"),))), Steps((Step("x"),)), "01"),
        (
            (Probability(0.2), Probability(0.3), Probability(0.9)),
            Probability(0.3, source="human"),
            "01",
        ),
    ],
)
def test_consensus_is_what_most_say(said: tuple[Any, ...], value: Value, who: str) -> None:
    found = agreed(*said)
    assert found.values == {"main": value}
    assert "".join(found.corrections) == who


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (((100, 100), (900, 900)), "566 px"),  # no point between them, which nobody meant
        (((1, 1), None), "whether there is one"),
        ((None,), "no value was marked"),
        ((Label("a"), Label("b")), "do not agree"),
        ((Probability(0.1), Probability(0.9)), "probabilities differ"),
    ],
)
def test_no_consensus_has_a_reason(said: tuple[Any, ...], reason: str) -> None:
    found = agreed(*said)
    assert found.values == {}
    assert reason in found.reason


def test_other_fields_come_from_the_newest_who_agrees() -> None:
    main, other = Label("a"), Label("b")
    votes = [Vote("0", {"main": main, "why": Text("old")}), Vote("1", {"main": main}),
             Vote("2", {"main": main, "why": Text("new")}), Vote("3", {"main": other})]  # fmt: skip
    assert consensus(votes, "main", WH).values == {"main": main, "why": Text("new")}


# ---- what stays out -----------------------------------------------------------------------------


def test_same_pixels_in_another_file_enter_once(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 1)
    feedback = Feedback(home)
    Image.open(tmp_path / "in" / "picture0.png").save(tmp_path / "again.bmp")
    media = feedback.add_media(tmp_path / "again.bmp", name="other.bmp")
    feedback.review([correct(feedback, media, point(0), "ann")], "accept", "rob")
    plan = plan_snapshot(feedback, validation_share=0)
    assert len(plan.examples) == 1
    assert [x.reason for x in plan.left_out] == ["the same image is there already"]


@pytest.mark.parametrize("name", ["world-9000012", "world-9100003.png", "x/world-9499999.jpg"])
def test_heldout_scene_stays_out_by_its_name(tmp_path: Path, name: str) -> None:
    home, _ = home_with(tmp_path, 1)
    feedback = Feedback(home)
    media = feedback.add_media(picture(tmp_path, 77), name=name)
    feedback.review([correct(feedback, media, point(77), "ann")], "accept", "rob")
    plan = plan_snapshot(feedback)
    assert name not in [e.name for e in plan.examples]
    assert [x.reason for x in plan.left_out] == ["it belongs to the frozen held-out set"]


@pytest.mark.parametrize(
    ("seed", "kind"),
    [(9_000_000, "exclude"), (9_100_000, "only"), (9_100_499, "only"), (9_000_499, "exclude")],
)
def test_heldout_scene_stays_out_by_its_pixels(tmp_path: Path, seed: int, kind: str) -> None:
    """Under a name that says nothing; also shows that the kept hashes are this world's."""
    home, _ = home_with(tmp_path, 1)
    feedback = Feedback(home)
    case = resolve("examples.world.heldout:case")(seed, **{kind: frozenset({"debris", "animal"})})
    Image.fromarray(case.image.pixels).save(tmp_path / "photo.png")
    media = feedback.add_media(tmp_path / "photo.png", name="photo.png")
    feedback.review([correct(feedback, media, case.truth["point"].xy, "ann")], "accept", "rob")
    plan = plan_snapshot(feedback)
    assert len(plan.examples) == 1
    assert [x.reason for x in plan.left_out] == ["it belongs to the frozen held-out set"]


def test_training_scene_is_not_heldout() -> None:
    is_heldout = resolve("examples.world.replay:is_heldout")
    assert not is_heldout("world-1000000", "0" * 64)
    assert len(resolve("examples.world.replay:heldout_hashes")()) == 1000


@pytest.mark.parametrize("left", [b"no picture", None], ids=["damaged", "gone"])
def test_damaged_picture_is_left_out_with_the_reason(tmp_path: Path, left: bytes | None) -> None:
    home, _ = home_with(tmp_path, 2)
    feedback = Feedback(home)
    path = feedback.media_path(feedback.corrections()[0].media)
    path.write_bytes(left) if left else path.unlink()
    plan = plan_snapshot(feedback)
    assert len(plan.examples) == 1
    assert plan.left_out[0].reason.startswith("its image cannot be read")


# ---- replay and split ---------------------------------------------------------------------------


@pytest.mark.usefixtures("small_replay")
def test_replay_share_is_of_all_examples(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 4)
    plan = plan_snapshot(Feedback(home), replay_share=0.6)
    sources = [e.source for e in plan.examples]
    assert (sources.count("correction"), sources.count("replay")) == (4, 6)


@pytest.mark.usefixtures("small_replay")
def test_replay_of_a_corrected_scene_gives_way(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 1)
    feedback = Feedback(home)
    media = feedback.add_media(picture(tmp_path, 50), name="world-1000001.png")
    feedback.review([correct(feedback, media, point(50), "ann")], "accept", "rob")
    plan = plan_snapshot(feedback, replay_share=0.5)
    assert [x.reason for x in plan.left_out] == ["its scene was corrected, the correction counts"]


def test_replayed_scenes_are_training_scenes_without_the_unseen_kinds() -> None:
    first, second = (list(resolve("examples.world.replay:replay")(n, 3)) for n in (1, 2))
    assert second[0].image.name == first[0].image.name
    for case in second:
        assert 1_000_000 <= int(case.image.name.partition("-")[2]) < 1_024_576
        assert not case.slices & {"debris", "animal"}


def test_no_scene_is_in_both_parts(tmp_path: Path) -> None:
    """Pictures of one name are one scene, whatever their ending."""
    home = find_home(tmp_path / "home")
    feedback = Feedback(home)
    for number in range(24):
        media = feedback.add_media(
            picture(tmp_path, number), name=f"drive{number % 6}.{'png' if number % 2 else 'jpg'}"
        )
        feedback.review([correct(feedback, media, point(number), "ann")], "accept", "rob")
    plan = plan_snapshot(feedback, validation_share=0.34)
    parts = {s: {e.scene for e in plan.part(s)} for s in ("train", "validation")}
    assert len(parts["validation"]) == 2
    assert not parts["train"] & parts["validation"]


def test_one_more_case_does_not_move_the_others(tmp_path: Path) -> None:
    home, ids = home_with(tmp_path, 12, accept=False)
    feedback = Feedback(home)
    feedback.review(ids[:11], "accept", "rob")
    before = {e.name: e.split for e in plan_snapshot(feedback, validation_share=0.2).examples}
    feedback.review(ids[11:], "accept", "rob")
    after = {e.name: e.split for e in plan_snapshot(feedback, validation_share=0.2).examples}
    assert sum(before[name] != after[name] for name in before) <= 1


@pytest.mark.parametrize(("field", "value"), [("replay_share", 0.99), ("validation_share", -0.1)])
def test_wrong_share_is_refused_at_its_field(tmp_path: Path, field: str, value: float) -> None:
    with pytest.raises(UserError) as caught:
        plan_snapshot(Feedback(find_home(tmp_path)), **{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field


# ---- frozen -------------------------------------------------------------------------------------


def test_frozen_is_found_again_and_whole(tmp_path: Path) -> None:
    home, ids = home_with(tmp_path, 4)
    made = snapshot(home)
    found = load_snapshot(home, made.hash)
    assert [e.name for e in found.examples] == [e.name for e in made.examples]
    assert all(e.picture.is_relative_to(made.folder) for e in found.examples)
    verify(found)
    with connect(home) as db:
        rows = list(db.query("select correction from snapshot_corrections"))
    assert {row["correction"] for row in rows} == set(ids)
    assert snapshots(home)[0]["counts"]["train correction"] == 3


def test_same_content_is_the_same_snapshot(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 3)
    first, again = snapshot(home), snapshot(home)
    assert first.hash == again.hash
    assert len(snapshots(home)) == 1


def test_another_point_is_another_snapshot(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 3)
    first = snapshot(home)
    feedback = Feedback(home)
    media = feedback.corrections()[0].media
    feedback.review([correct(feedback, media, (90.0, 70.0), "ann")], "accept", "rob")
    assert snapshot(home).hash != first.hash


def test_changed_manifest_is_refused(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 3)
    made = snapshot(home)
    file = made.folder / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["examples"][0]["values"]["point"]["x_px"] = 1
    file.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="changed after it was frozen"):
        load_snapshot(home, made.hash)


def test_a_snapshot_of_version_1_is_read(tmp_path: Path) -> None:
    """Its examples had a point_px of their own."""
    home, _ = home_with(tmp_path, 3)
    made = snapshot(home)
    old = {**json.loads((made.folder / "manifest.json").read_text()), "version": 1}
    for example in old["examples"]:
        place = example.pop("values")["point"]
        example["point_px"] = [place["x_px"], place["y_px"]]

    def put(manifest: dict[str, Any]) -> Snapshot:
        folder = home.snapshots / manifest_hash(manifest)
        shutil.copytree(made.folder, folder)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return load_snapshot(home, folder.name)

    found = put(old)
    verify(found)
    assert [placed(e) for e in found.examples] == [placed(e) for e in made.examples]
    with pytest.raises(UserError, match="another version"):
        put({**old, "version": 9})


def test_changed_picture_is_noticed(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 3)
    made = snapshot(home)
    made.examples[0].picture.write_bytes(b"x")
    load_snapshot(home, made.hash).examples[0].picture.write_bytes(b"x")
    with pytest.raises(UserError, match="damaged or gone"):
        verify(load_snapshot(home, made.hash))


def test_picture_that_changed_since_the_preview_leaves_nothing_behind(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 2)
    plan = plan_snapshot(Feedback(home))
    plan.examples[0].picture.write_bytes(b"x")
    with pytest.raises(UserError, match="changed since the preview"):
        freeze(home, plan, "rob")
    assert list(home.snapshots.iterdir()) == []
    assert snapshots(home) == []


def test_nothing_to_train_on_is_said_with_the_reasons(tmp_path: Path) -> None:
    home = find_home(tmp_path / "home")
    feedback = Feedback(home)
    media = feedback.add_media(picture(tmp_path, 1), name="a.png")
    feedback.review([correct(feedback, media, None, "ann")], "accept", "rob")
    with pytest.raises(UserError, match="no value was marked"):
        freeze(home, plan_snapshot(feedback), "rob")


@pytest.mark.parametrize("name", ["../x", "", "0" * 64])
def test_unknown_snapshot(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no such snapshot"):
        load_snapshot(find_home(tmp_path), name)


def test_snapshot_works_in_another_home_without_its_database(tmp_path: Path) -> None:
    """As when the folder is sent to another machine."""
    home, _ = home_with(tmp_path, 2)
    made = snapshot(home)
    other = find_home(tmp_path / "other")
    shutil.copytree(made.folder, other.snapshots / made.hash)
    verify(load_snapshot(other, made.hash))


@pytest.mark.usefixtures("small_replay")
def test_replayed_pictures_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = home_with(tmp_path, 3)
    first = plan_snapshot(Feedback(home), replay_share=0.5)
    monkeypatch.setitem(replayed.REPLAYS, "hazard/world", "no.such:module")
    again = plan_snapshot(Feedback(home), replay_share=0.5)
    assert again.manifest() == first.manifest()


def test_nameless_uploads_are_scenes_of_their_own(tmp_path: Path) -> None:
    assert "image" in snapshot_plan.NAMELESS
    home = find_home(tmp_path / "home")
    feedback = Feedback(home)
    for number in range(4):
        media = feedback.add_media(picture(tmp_path, number), name="image")
        feedback.review([correct(feedback, media, point(number), "ann")], "accept", "rob")
    assert len({e.scene for e in plan_snapshot(feedback).examples}) == 4
