"""Corrections of a scene without a browser: marks, what is stored, who may, and links to cases."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from urllib.parse import parse_qsl

import gradio as gr
import pytest

from inference.errors import UserError
from inference.fields import Point
from inference.schema import AdapterEntry
from tests.fixes import hazard_fix
from tests.ui.fakes import fake_services
from training.store.feedback import CorrectionFilter, Feedback
from training.store.home import Home, find_home
from ui.scene import page as scene_tab
from ui.scene.address import ViewSettings, from_query
from ui.scene.correcting import present
from ui.scene.handlers import correct, downloads
from ui.scene.handlers import view as scene_view
from ui.scene.handlers.correct import CorrectionForm
from ui.scene.handlers.restore import restore
from ui.scene.handlers.run import SceneForm
from ui.shell.desk import Desk
from ui.shell.pictures import Pictures
from ui.shell.results import Results, StoredResult
from ui.shell.visitors import Quota, Visitor

ANN, BEN = Visitor("ann", "annotator"), Visitor("ben", "annotator")
LOOKER = Visitor("looker", "viewer")
FORM = SceneForm()
EVIL = "<img src=x onerror=window.__hit=1>"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home(tmp_path / "home")


@pytest.fixture
def desk(tmp_path: Path, media: Path, home: Home) -> Desk:
    copies = tmp_path / "copies"
    copies.mkdir()
    return Desk(fake_services(examples=media, home=home), pictures=Pictures(copies))


@pytest.fixture
def tab():
    with gr.Blocks():
        return scene_tab.build()


def mark(result: StoredResult, point=None, box=None) -> str:
    case = f"{result.pair.image.content_hash}.0"
    return json.dumps({"case": case, "point": point, "box": box})


def wrong(result: StoredResult, **more) -> CorrectionForm:
    five = more.pop("five_second", False)
    return CorrectionForm("wrong", {"point": mark(result, [120, 45]), **more}, five)


def stored(desk: Desk, **where):
    return Feedback(desk.home).corrections(CorrectionFilter(**where))


def test_a_point_is_stored_with_who_and_what(desk, result):
    said = correct.save(ANN, desk, result.id, wrong(result, hazard_kind="cyclist", reason=" x "))
    assert said == "Saved. You have corrected 1 image."
    (kept,) = stored(desk)
    assert kept.payload == hazard_fix("wrong", (120, 45), kind="cyclist", reason="x")
    assert (kept.author, kept.status, kept.media) == ("ann", "open", result.pair.image.content_hash)
    assert Feedback(desk.home).media_path(kept.media).read_bytes() == result.path.read_bytes()


def test_a_box_means_its_centre(desk, result):
    form = CorrectionForm("wrong", {"point": mark(result, [150.0, 60.0], [100, 40, 200, 80])})
    correct.save(ANN, desk, result.id, form)
    (kept,) = stored(desk)
    assert kept.payload == hazard_fix("wrong", box=(100, 40, 200, 80))
    assert kept.payload.values["point"].xy == (150, 60)


@pytest.mark.parametrize("verdict", ["right", "none"])
def test_without_a_mark(desk, result, verdict):
    # A mark that stands in the editor does not belong to these answers.
    correct.save(ANN, desk, result.id, CorrectionForm(verdict, {"point": mark(result, [1, 2])}))
    (kept,) = stored(desk)
    assert kept.payload == hazard_fix(verdict)


def test_the_standing_verdict_is_shown_and_undo_brings_the_one_before_back(desk, result):
    correct.save(BEN, desk, result.id, wrong(result))
    correct.save(ANN, desk, result.id, wrong(result))
    said = correct.save(ANN, desk, result.id, CorrectionForm("right"))
    assert said == "Saved. You have corrected 1 image."
    shown = correct.mine(ANN, desk, result)
    assert "Your verdict: Right" in shown.html
    assert shown.html.count("data-withdraw") == 1
    correct.withdraw(ANN, desk, result.id, shown.standing.id)
    assert "Wrong · <b>(120, 45) px</b>" in correct.mine(ANN, desk, result).html


def test_the_mark_is_on_all_panels_and_scores_both_sides(desk, result):
    alone = dataclasses.replace(result, truth=None)
    correct.save(ANN, desk, result.id, wrong(result))
    human = correct.mine(ANN, desk, result).point
    assert human == Point(120, 45, source="human")
    view = scene_view.view(desk, alone, ViewSettings(), human)
    place = 'data-kind="human" data-x="120.0" data-y="45.0"'
    assert view.stage.count(place) == 3
    assert "farther from the hazard" in view.headline
    before = scene_view.view(desk, alone, ViewSettings())
    assert place not in before.stage
    assert "mark the hazard to score them" in before.headline
    assert (
        'data-kind="human"'
        in json.loads(downloads.sheet(ANN, desk, result.id, ViewSettings()))["svg"]
    )


def test_nothing_is_saved_of_a_form_that_changed(desk, result, picture, tab):
    now = SceneForm(str(picture), prompt="Where?", adapter="hazard-patch")
    other = dataclasses.replace(now, prompt="What colour is the sky?")
    with pytest.raises(UserError, match="The prompt changed"):
        correct.save(ANN, desk, result.id, wrong(result), other)
    assert not stored(desk)
    values = present(tab, desk, ANN, result, other)
    assert "road.jpg, “Where?”, hazard-patch" in values[tab.stale]
    assert values[tab.save]["interactive"] is values[tab.right]["interactive"] is False
    values = present(tab, desk, ANN, result, now)
    assert values[tab.stale] == ""
    assert values[tab.wrong]["interactive"]
    assert correct.save(ANN, desk, result.id, wrong(result), now)


@pytest.mark.parametrize(
    "text",
    ["[", "[]", "7", '{"point": 5}', '{"point": [1]}', '{"point": [1, "2"]}',
     '{"point": [1, true]}',
     '{"box": [1, 2, 3]}', '{"point": [1, 2]}', '{"case": "other", "point": [1, 2]}'],
)  # fmt: skip
def test_marks_that_are_none(desk, result, text):
    with pytest.raises(UserError) as caught:
        correct.save(ANN, desk, result.id, CorrectionForm("wrong", {"point": text}))
    assert caught.value.field == "point"
    assert not stored(desk)


def test_nothing_marked(desk, result):
    with pytest.raises(UserError, match="Nothing is marked") as caught:
        correct.save(ANN, desk, result.id, CorrectionForm("wrong"))
    assert caught.value.field == "point"


def test_who_may_only_look(desk, result):
    correct.save(ANN, desk, result.id, wrong(result))
    assert "role" in correct.invitation(LOOKER, hidden=False)
    assert correct.mine(LOOKER, desk, result).standing is None


def test_a_refused_one_costs_no_quota_and_visitors_without_login_have_one(desk, result):
    desk = dataclasses.replace(desk, quota=Quota(each=1))
    nobody = Visitor("anonymous-1", "annotator", "s", anonymous=True)
    with pytest.raises(UserError, match="Nothing is marked"):
        correct.save(nobody, desk, result.id, CorrectionForm("wrong"))
    correct.save(nobody, desk, result.id, wrong(result))
    with pytest.raises(UserError, match="Sign in"):
        correct.save(nobody, desk, result.id, wrong(result))
    assert len(stored(desk)) == 1


def test_each_attempt_has_a_draft_of_its_own(desk, result, tab):
    before = correct.mine(ANN, desk, result).draft
    stage = present(tab, desk, ANN, result, FORM)[tab.stage]
    assert f'data-draft="{before}"' in stage
    correct.save(ANN, desk, result.id, wrong(result))
    assert correct.mine(ANN, desk, result).draft != before


def test_a_store_that_cannot_be_used_says_so_and_hides_no_answer(desk, result, tab):
    desk.home.database.mkdir()
    with pytest.raises(UserError, match="could not be used"):
        correct.save(ANN, desk, result.id, wrong(result))
    values = present(tab, desk, ANN, result, FORM)
    assert values[tab.answers]
    assert "could not be used" in values[tab.message]


def test_an_app_that_keeps_nothing_offers_no_corrections(desk, result, tab):
    desk = dataclasses.replace(desk, services=fake_services())
    values = present(tab, desk, ANN, result, FORM, veiled=True)
    assert values[tab.verdicts]["visible"] is False
    assert values[tab.answers]
    with pytest.raises(UserError, match="keeps nothing"):
        correct.save(ANN, desk, result.id, wrong(result))


# ---- the five-second mode ---------------------------------------------------------------------


def test_a_veiled_result_sends_nothing_of_the_answers(desk, result, tab):
    seen = repr(present(tab, desk, ANN, result, FORM, veiled=True))
    assert 'data-wait="5"' in seen
    for secret in ("The area around", "data-kind=", "data-map", "px apart", "px from"):
        assert secret not in seen, secret
    shown = repr(present(tab, desk, ANN, result, FORM))
    assert "The area around" in shown
    assert "data-kind=" in shown
    assert "data-wait" not in shown


def test_who_cannot_answer_is_not_asked(desk, result, tab):
    values = present(tab, desk, LOOKER, result, FORM, veiled=True)
    assert values[tab.veiled] == ""
    assert values[tab.answers]


def test_the_mode_is_kept_with_the_correction(desk, result):
    correct.save(ANN, desk, result.id, wrong(result, five_second=True))
    assert stored(desk)[0].payload.five_second


# ---- what the store knows of the case ---------------------------------------------------------


def test_the_adapter_is_known_by_its_weights(desk, result, tmp_path):
    folder = tmp_path / "hazard-patch"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    entry = AdapterEntry("hazard-patch", str(folder), None, True, True)
    services = dataclasses.replace(desk.services, list_adapters=lambda: [entry])
    desk = dataclasses.replace(desk, services=services)
    correct.save(ANN, desk, result.id, wrong(result))
    digest = hashlib.sha256(b"weights").hexdigest()
    case = Feedback(desk.home).case(f"hazard:{result.pair.image.content_hash}")
    assert case.predictions[0].adapter_version == digest
    assert correct.adapter_version(services, None) is None


def test_a_link_finds_the_picture_in_the_store(desk, result, picture, tmp_path):
    correct.save(ANN, desk, result.id, wrong(result))
    query = correct.link(desk, result)
    # Another start of the app: nothing in memory, the upload is gone.
    picture.unlink()
    later = dataclasses.replace(desk, results=Results())
    found = restore(ANN, later, from_query(dict(parse_qsl(query)), ["hazard-patch"]), {})
    assert found.run is not None, found.message
    assert found.form.prompt == "Where?"
    opened = Path(found.form.image)
    assert not opened.is_relative_to(desk.home.root)
    assert opened.is_relative_to(desk.pictures.folder)
    assert hashlib.sha256(opened.read_bytes()).hexdigest() == result.pair.image.content_hash


def test_a_link_shows_a_kept_picture_to_who_may_read_corrections(desk, result):
    correct.save(ANN, desk, result.id, wrong(result))
    later = dataclasses.replace(desk, results=Results())
    address = from_query({"image": result.pair.image.content_hash}, [])
    assert restore(ANN, later, address, {}).form.image is not None
    assert restore(LOOKER, later, address, {}).form.image is None


@pytest.mark.parametrize("image", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_links_to_pictures_that_are_not_there(desk, image):
    found = restore(ANN, desk, from_query({"image": image}, []), {})
    assert found.run is None
    assert found.form.image is None


# ---- what people write is text ----------------------------------------------------------------


def test_text_is_escaped_where_it_is_shown(desk, result):
    correct.save(ANN, desk, result.id, wrong(result, reason=EVIL))
    standing = correct.mine(ANN, desk, result).html
    assert "<img" not in standing
    assert "&lt;img src=x" in standing
