"""What the Scene tab does, without gradio: look, redraw, restore, and every bad input."""

import dataclasses
import json
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from explain.registry import all_options
from explain.types import MapSettings
from inference.errors import Cancelled, UserError
from inference.registry import task as find_task
from tests.ui.fakes import fake_services
from ui.components import adapters
from ui.scene.address import SceneAddress, ViewSettings, from_query
from ui.scene.handlers import api, downloads
from ui.scene.handlers import run as scene
from ui.scene.handlers import view as scene_view
from ui.scene.handlers.restore import restore
from ui.scene.handlers.run import SceneForm, prepare
from ui.shell.desk import adapter_choices
from ui.shell.results import StoredResult
from ui.shell.services import default_adapter
from ui.shell.visitors import Visitor

VIEW = ViewSettings()
OPTIONS = {name: option.default for name, option in all_options().items()}
ME = Visitor("me", "trainer")


def form(picture, **changes) -> SceneForm:
    base = SceneForm(image=str(picture), prompt="Where is the hazard?", adapter="hazard-patch")
    return dataclasses.replace(base, **changes)


def looked(desk, order) -> StoredResult:
    run, _ = scene.begin(ME, desk, order)
    return list(scene.follow(desk, run))[-1]


def test_look_ends_in_a_stored_result(desk, picture):
    result = looked(desk, form(picture))
    assert desk.results.get(result.id) is result
    assert result.pair.request.adapter == "hazard-patch"
    assert result.truth is None


def test_an_example_brings_its_truth(desk, media):
    result = looked(desk, form(media / "night.jpg", example="night"))
    assert (result.truth.x_px, result.truth.y_px) == (100, 200)
    before, after = (side.point.distance_px(result.truth) for side in (
        result.pair.base, result.pair.finetuned))  # fmt: skip
    said = f"{abs(round(before) - round(after))} px farther from the hazard"
    assert after > before
    headline = scene_view.view(desk, result, VIEW).headline
    assert said in headline
    assert f"{before:.0f} → {after:.0f} px" in headline


def test_the_first_step_comes_at_once(desk, picture):
    desk = dataclasses.replace(desk, services=fake_services(seconds=60))
    started = time.monotonic()
    run, _ = scene.begin(ME, desk, form(picture))
    assert next(scene.follow(desk, run)).stage
    assert time.monotonic() - started < 30, "the first step waited for the model"
    desk.runs.cancel(run.id)


def test_cancel_ends_in_cancelled(desk, picture):
    desk = dataclasses.replace(desk, services=fake_services(seconds=30))
    run, _ = scene.begin(ME, desk, form(picture))
    steps = scene.follow(desk, run)
    next(steps)
    desk.runs.cancel(run.id)
    with pytest.raises(Cancelled):
        list(steps)
    assert len(desk.results) == 0
    assert run.done.wait(60)
    assert isinstance(run.error, Cancelled)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"image": None}, "image"),
        ({"image": "/no/such/file.jpg"}, "image"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"adapter": "unknown"}, "adapter"),
        ({"adapter": "broken"}, "adapter"),
    ],
)
def test_a_wrong_field_is_named(desk, picture, changes, field):
    with pytest.raises(UserError) as caught:
        prepare(ME, desk, form(picture, **changes))
    assert caught.value.field == field


def test_settings_never_reach_the_model(desk, result):
    def never(*args, **kwargs):
        raise AssertionError("the model was called")

    desk = dataclasses.replace(desk, services=fake_services(predict_pair=never))
    views = [
        scene_view.view(desk, result, ViewSettings(maps))
        for maps in (
            MapSettings(),
            MapSettings(tokens=(4,)),
            MapSettings(method="logit_lens"),
            MapSettings(method="head"),
            MapSettings(options={"heads": "2", "first_layer": 1, "last_layer": 2}),
            MapSettings(options={"remove_sinks": True, "relative": True}, shared_scale=False),
        )
    ]
    assert len({view.stage for view in views}) == len(views)


def test_redrawing_shrinks_no_picture_again(desk, result, monkeypatch):
    scene_view.view(desk, result, VIEW)
    monkeypatch.setattr("ui.shell.pictures._shrunk", None)  # to call it is an error
    assert scene_view.view(desk, result, ViewSettings(MapSettings(tokens=(5,)))).stage


def test_settings_are_fitted_to_the_result(desk, result):
    wild = {"first_layer": "90", "last_layer": "2", "heads": "77"}
    fitted = scene_view.fit_settings(
        result.pair, ViewSettings(MapSettings("nonsense", (3, 999), options=wild))
    ).maps
    assert (fitted.method, fitted.tokens) == ("head", (3,))  # the hazard head's map comes first
    maps = MapSettings("attention", options=wild)
    fitted = scene_view.fit_settings(result.pair, ViewSettings(maps)).maps
    assert (fitted.layers, fitted.heads) == ((0, 2), "mean")


def test_the_base_alone_has_one_panel(desk, picture):
    view = scene_view.view(desk, looked(desk, form(picture, adapter="")), VIEW)
    assert view.stage.count("<figure") == 1
    assert "data-mode" not in view.stage
    assert view.shift == ""


def test_a_map_that_says_nothing_is_marked(desk, result):
    maps = desk.services.make_pair_maps(result.pair, MapSettings())
    maps.figures["base"] = dataclasses.replace(maps.figures["base"], centre_similarity=0.91)
    maps.figures["finetuned"] = dataclasses.replace(
        maps.figures["finetuned"], entropy_relative=0.96
    )
    services = dataclasses.replace(desk.services, make_pair_maps=lambda pair, settings: maps)
    view = scene_view.view(dataclasses.replace(desk, services=services), result, VIEW)
    assert "no better than the centre prior" in view.stage
    assert "nearly uniform: do not interpret" in view.stage
    assert "uniform map" in view.numbers
    assert "centre prior" in view.numbers


def test_a_result_belongs_to_its_inputs(desk, picture, media):
    result = looked(desk, form(picture))
    assert scene.what_changed(form(picture), result) == []
    other = form(media / "night.jpg", prompt="Why?", adapter="")
    assert scene.what_changed(other, result) == ["image", "prompt", "adapter"]
    assert scene.what_changed(form(None), result) == ["image"]
    same_bytes = media.parent / "again.jpg"
    same_bytes.write_bytes(picture.read_bytes())
    assert scene.what_changed(form(same_bytes), result) == []


def test_token_lists_from_the_browser_are_checked():
    assert scene.token_list("[3, 1, 3]") == [1, 3]
    assert scene.token_list("12") == []
    assert scene.token_list('[true, -1, "2", null, 1.5, 1000000000]') == []
    for nothing in ("", "[1", None, "{}", "[" * 10_000):
        assert scene.token_list(nothing) == []


# ---- opening a page ---------------------------------------------------------------------------


def test_an_empty_page(desk):
    found = restore(ME, desk, SceneAddress(), {})
    assert found.result is None
    assert found.run is None
    assert found.form.adapter == "hazard-patch"
    assert found.form.prompt == find_task("hazard").prompt


def test_a_refresh_brings_the_result_back(desk, picture):
    result = looked(desk, form(picture))
    found = restore(ME, desk, SceneAddress(), {"result": result.id})
    assert found.result is result
    assert found.form.image == str(picture)


def test_a_refresh_joins_a_run_that_goes_on(desk, picture):
    run, _ = scene.begin(ME, desk, form(picture))
    found = restore(ME, desk, SceneAddress(), {"run": run.id, "result": "x"})
    assert found.run is run


def test_a_link_reopens_example_and_settings(desk, media):
    order = form(media / "night.jpg", example="night", prompt=find_task("hazard").prompt)
    result = looked(desk, order)
    query = scene_view.view(
        desk,
        result,
        ViewSettings(
            MapSettings("attention", (4,), options={"first_layer": 1, "last_layer": 2}), 0.5
        ),
    ).address
    address = from_query(dict(part.split("=") for part in query.split("&")), ["hazard-patch"])
    found = restore(ME, desk, address, {})
    assert found.result is result
    for other in ({"prompt": "Else?"}, {"forced": "base"}, {"example": "fog"}, {"adapter": ""}):
        assert restore(ME, desk, dataclasses.replace(address, **other), {}).result is None
    assert found.form.view.opacity == 0.5
    again = scene_view.fit_settings(result.pair, found.form.view).maps
    assert (again.method, again.tokens, again.layers) == ("attention", (4,), (1, 2))


def test_a_link_to_an_example_not_yet_looked_at_starts_it(desk):
    found = restore(ME, desk, SceneAddress(example="night"), {})
    assert found.run is not None
    assert found.form.example == "night"


def test_a_link_to_a_picture_that_is_gone_says_so(desk):
    found = restore(ME, desk, SceneAddress(image="0" * 64), {})
    assert found.result is None
    assert found.run is None
    assert "not on this server any more" in found.message


def test_a_link_with_a_wrong_adapter_does_not_break_the_page(desk):
    found = restore(ME, desk, SceneAddress(example="night", adapter="gone"), {})
    assert found.run is None
    assert "Unknown adapter" in found.message


def test_remembered_nonsense_is_ignored(desk):
    assert restore(ME, desk, SceneAddress(), {"result": "??", "run": "??"}).result is None


# ---- adapters ---------------------------------------------------------------------------------


def test_choices_say_what_an_adapter_can_do(desk):
    labels = [label for label, _ in adapter_choices(ME, desk.services, "hazard")]
    assert labels[0] == "hazard-patch (head)"
    assert "broken (cannot be used)" in labels
    assert adapter_choices(ME, desk.services, "hazard")[-1][1] == ""
    # A card that names another task: its adapter is not offered for this one.
    other = [value for _, value in adapter_choices(ME, desk.services, "risk")]
    assert "hazard-patch" not in other
    assert "text-only" in other


def test_loading_needs_a_source(desk):
    with pytest.raises(UserError):
        adapters.load(desk, "  ")
    assert adapters.load(desk, "me/mine")[0] == "text-only"
    with pytest.raises(UserError):
        adapters.unload(desk, "unknown")
    assert adapters.unload(desk, "text-only")[0] == "hazard-patch"


def test_the_default_adapter(desk, tmp_path):
    entries = desk.services.list_adapters()
    assert default_adapter(entries, ["text-only"], None, tmp_path) == "text-only"
    assert default_adapter(entries, [], None, tmp_path) == "hazard-patch"
    assert default_adapter(entries, [], "text-only", tmp_path) == "text-only"
    assert default_adapter(entries, ["hazard-patch"], "text-only", tmp_path) == "hazard-patch"
    assert default_adapter(entries, [], "broken", tmp_path) == "hazard-patch"
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "default.txt").write_text("text-only\n")
    assert default_adapter(entries, [], None, tmp_path) == "text-only"
    assert default_adapter(entries[2:], [], None, tmp_path) is None


# ---- keeping ----------------------------------------------------------------------------------


def test_the_sheet_shows_the_panels_and_needs_no_other_file(desk, result):
    made = json.loads(downloads.sheet(ME, desk, result.id, VIEW))
    assert made["name"] == f"sightline-road-{result.pair.image.content_hash[:8]}.png"
    drawn = ElementTree.fromstring(made["svg"])
    assert len(drawn.findall("{http://www.w3.org/2000/svg}svg")) == 3
    sources = [e.get("href") for e in drawn.iter() if e.get("href")]
    assert all(source.startswith("data:") for source in sources)


def test_the_sheet_of_the_base_alone_and_of_tall_images(desk, tmp_path):
    tall = tmp_path / "tall.png"
    Image.new("RGB", (100, 700), "grey").save(tall)
    result = looked(desk, form(tall, adapter=""))
    assert ElementTree.fromstring(json.loads(downloads.sheet(ME, desk, result.id, VIEW))["svg"])


def test_the_json_has_the_numbers(desk, result):
    path = downloads.save_json(desk, result.id, ViewSettings(MapSettings(tokens=(4, 5))))
    numbers = json.loads(Path(path).read_text(encoding="utf-8"))
    assert numbers["distance_px"] == pytest.approx(result.pair.distance_px)
    assert numbers["image"]["sha256"] == result.pair.image.content_hash
    assert numbers["settings"]["tokens"] == [4, 5]
    assert len(numbers["maps"]["difference"]["values"]) == 9
    assert numbers["forced_tokens"][4]["logprob"].keys() == {"base", "finetuned"}
    assert numbers["figures"]["base"]["entropy_bits"] > 0
    assert numbers["versions"]["sightline"] == "test"
    assert numbers["truth"] == [460.0, 170.0]


def test_a_result_that_is_gone_cannot_be_saved(desk):
    with pytest.raises(UserError, match="no result"):
        downloads.save_json(desk, "gone", VIEW)


# ---- the API ----------------------------------------------------------------------------------


def test_api_predict_and_maps(desk, picture):
    answer = api.predict(ME, desk, str(picture), "", "", "finetuned", 64)
    assert answer["request"]["adapter"] == "hazard-patch"
    again = api.maps(
        desk, answer["result"], "attention", "4, 5", True,
        {**OPTIONS, "first_layer": 1, "last_layer": 2, "heads": "max"},
    )  # fmt: skip
    assert again["settings"]["tokens"] == [4, 5]
    assert again["maps"]["base"]["values"] != answer["maps"]["base"]["values"]
    alone = api.predict(ME, desk, str(picture), "Where?", "none", "base", 8)
    assert alone["finetuned"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        (None, "", "", "finetuned", 64),
        ("x.jpg", "", "", "both", 64),
        ("PICTURE", "", "unknown", "finetuned", 64),
        ("PICTURE", "", "", "finetuned", 0),
        ("PICTURE", "x" * 3000, "", "finetuned", 64),
    ],
)
def test_api_refuses(desk, picture, arguments):
    arguments = [str(picture) if a == "PICTURE" else a for a in arguments]
    with pytest.raises(UserError):
        api.predict(ME, desk, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("gone", "attention", "", {}),
        ("RESULT", "nonsense", "", {}),
        ("RESULT", "attention", "a,b", {}),
        ("RESULT", "attention", "99", {}),
        ("RESULT", "attention", "", {"heads": "some"}),
        ("RESULT", "attention", "", {"first_layer": -4}),
    ],
)
def test_api_maps_refuses(desk, result, arguments):
    *arguments, options = [result.id if a == "RESULT" else a for a in arguments]
    with pytest.raises(UserError):
        api.maps(desk, *arguments, True, {**OPTIONS, **options})
