"""What many visits, downloads and odd requests must not do to the others on the server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explain.registry import all_options
from inference.errors import UserError
from tests.ui.fakes import fake_services
from training.store.feedback import Feedback
from training.store.home import find_home
from ui.scene.address import MAX_TOKENS
from ui.scene.handlers import api, correct
from ui.scene.handlers.correct import CorrectionForm
from ui.shell.desk import Desk
from ui.shell.failures import explain_failure
from ui.shell.pictures import KEEP
from ui.shell.visitors import Visitor

ME = Visitor("me", "trainer")
OPTIONS = {name: option.default for name, option in all_options().items()}


def test_a_picture_is_saved_although_many_downloads_followed(desk, result, tmp_path):
    """A link's picture is a copy among the downloads, of which only the last are kept."""
    kept = replace(desk, services=fake_services(home=find_home(tmp_path / "home")))
    correct.save(ME, kept, result.id, CorrectionForm("right"))
    result.path.unlink()
    copy = kept.pictures.new_file("picture.jpg")
    copy.write_bytes(Feedback(kept.home).media_path(result.pair.image.content_hash).read_bytes())
    opened = kept.results.put(result.pair, copy)
    for _ in range(KEEP + 1):
        kept.pictures.new_file("a.json").write_text("{}")
    assert not copy.exists()
    said = correct.save(Visitor("ben", "annotator"), kept, opened.id, CorrectionForm("none"))
    assert said.startswith("Saved.")


def test_a_map_is_made_for_each_token_once(desk: Desk, result):
    asked = []
    make = desk.services.make_pair_maps

    def watched(pair, settings):
        asked.append(settings.tokens)
        return make(pair, settings)

    desk = replace(desk, services=replace(desk.services, make_pair_maps=watched))
    api.maps(desk, result.id, "attention", "4,3," * 200, True, OPTIONS)
    assert asked == [(3, 4)]
    with pytest.raises(UserError, match=f"at most {MAX_TOKENS}"):
        api.maps(desk, result.id, "attention", "3," * 100_000, True, OPTIONS)
    assert len(asked) == 1


@pytest.mark.parametrize("heads", [",", "1,2", "-1", "1.5", "NaN", "many"])
def test_heads_are_a_word_or_one_number(desk, result, heads):
    with pytest.raises(UserError, match=r"“Heads”.*mean, max, 0"):
        api.maps(desk, result.id, "attention", "", True, {**OPTIONS, "heads": heads})


@pytest.mark.parametrize("layer", [None, float("nan"), 1e300, True, 1.5, "x"])
def test_layers_are_whole_numbers(desk, result, layer):
    with pytest.raises(UserError, match=r"layer”.*whole number"):
        api.maps(desk, result.id, "attention", "", True, {**OPTIONS, "last_layer": layer})


@pytest.mark.parametrize("tokens", [None, "64", float("nan"), float("inf"), 1.5, True, -1, 10**400])
def test_the_answers_length_is_a_whole_number(desk, picture, tokens):
    with pytest.raises(UserError, match=r"max_new_tokens.*a whole number from 1 to 512"):
        api.predict(ME, desk, str(picture), "", "", "finetuned", tokens)


def test_only_what_the_model_fails_with_is_called_the_models(desk, picture, image):
    def broken(*given, **more):
        raise KeyError("weights")

    stopped = replace(desk, services=replace(desk.services, predict_pair=broken))
    with pytest.raises(UserError, match=r"The model stopped.*KeyError"):
        api.predict(ME, stopped, str(picture), "", "", "finetuned", 8)
    unreadable = replace(desk, services=replace(desk.services, make_pair_maps=broken))
    with pytest.raises(KeyError):
        api.predict(ME, unreadable, str(picture), "", "", "finetuned", 8)
    assert "model" not in str(explain_failure(KeyError("weights")))
