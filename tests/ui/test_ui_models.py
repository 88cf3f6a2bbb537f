"""The Models page: the list, one adapter's origin and figures, load, pack and push."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from inference.errors import UserError
from tests.ui import training_seed as seed
from training.adapters import lineage
from training.proof import comparison
from training.store.home import Home, find_home
from ui.models import handlers as models
from ui.models import page as models_tab
from ui.models import view
from ui.shell.desk import Desk, adapter_choices, check_adapter
from ui.shell.visitors import Visitor

TRAINER, VIEWER = Visitor("tess", "trainer"), Visitor("vic", "viewer")
ANN = Visitor("ann", "annotator")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = find_home(tmp_path_factory.mktemp("models") / "home")
    media = [m for m, _ in seed.accepted(home, 8)]
    job = seed.add_job(home, seed.frozen(home).hash, "done", name="fresh")
    seed.prove(home, job, media)
    return home


@pytest.fixture
def desk(trained: Home) -> Desk:
    return seed.desk_of(trained)


def test_the_list_holds_all_with_what_they_are(desk):
    scan = models.scan(ANN, desk)
    found = {entry.name: entry for entry in scan.entries}
    assert {"fresh", "hazard-patch", "hazard-pooled", "text-only"} <= set(found)
    assert scan.used == "hazard-patch" == scan.entries[0].name
    assert "hazard-patch" in scan.loaded and "fresh" not in scan.loaded
    assert not found["fresh"].embedded
    assert found["fresh"].size_bytes > 1e5
    assert "made for another model" in found["broken"].problem


@pytest.mark.parametrize("visitor", [TRAINER, VIEWER], ids=["trainer", "viewer"])
def test_a_page_reads_each_adapter_once(visitor, desk, monkeypatch):
    """However many there are: one reading of the store's, one of the app's."""
    calls = []
    listed, stored = desk.services.list_adapters(), lineage.adapters

    def counted_list():
        calls.append("app")
        return listed

    def counted_store(home):
        calls.append("store")
        return stored(home)

    desk = replace(desk, services=replace(desk.services, list_adapters=counted_list))
    monkeypatch.setattr(lineage, "adapters", counted_store)
    with gr.Blocks():
        tab = models_tab.build()
    shown = models_tab.show(tab, desk, visitor, "hazard-pooled")
    assert shown[tab.name] == "hazard-pooled"
    assert sorted(calls) == ["app", "store"]


def test_an_adapters_lineage(desk, trained):
    entry = models.scan(ANN, desk).find("fresh")
    origin = models.origin(desk, entry)
    assert "8 corrected and 0 replayed images" in " ".join(origin)
    assert "Continued from the adapter hazard-patch." in origin
    assert entry.job is not None
    html = view.card(entry, models.facts(ANN, entry), origin) + view.one(entry)
    assert f"job={entry.job}" in html
    assert "median distance (px)" in html
    assert dict(models.facts(ANN, entry))["Folder"] == ""  # paths are for trainers
    assert dict(models.facts(TRAINER, entry))["Folder"].startswith("/")


def test_two_adapters_side_by_side(desk, trained):
    card = trained.adapters / "fresh" / "card.json"
    text = json.loads(card.read_text())
    text["extra"] = {"settings": {"rank": 16, "alpha": 16.0}}
    text["heldout"]["sides"]["fresh"] = {"median_px": 12.3}
    card.write_text(json.dumps(text))
    scan = models.scan(ANN, desk)
    html = view.two(scan.find("fresh"), scan.find("hazard-patch"))
    for side in ("base", "fresh", "hazard-patch"):
        assert f'<th scope="row">{side}</th>' in html
    assert "12.3" in html
    assert "No settings in the card of hazard-patch." in html
    assert "LoRA rank r" in view.one(scan.find("fresh"))
    with gr.Blocks():
        tab = models_tab.build()
    shown = models_tab.show(tab, desk, ANN, "fresh", other="hazard-patch")
    assert shown[tab.address] == "adapter=fresh&with=hazard-patch"
    assert shown[tab.detail].count('class="md-detail"') == 2


def test_a_viewer_sees_an_adapter_on_trial_once_it_is_promoted(tmp_path):
    home = find_home(tmp_path / "home")
    media = [m for m, _ in seed.accepted(home, 6)]
    job = seed.add_job(home, seed.frozen(home).hash, "done", name="mine")
    seed.prove(home, job, media)
    desk = seed.desk_of(home)

    def seen(visitor: Visitor) -> set[str]:
        offered = {value for _, value in adapter_choices(visitor, desk.services)}
        listed = {entry.name for entry in models.scan(visitor, desk).entries}
        assert ("mine" in offered) == ("mine" in listed)
        return listed

    assert "mine" in seen(ANN)
    assert {"hazard-patch", "text-only"} <= seen(VIEWER)
    assert "mine" not in seen(VIEWER)
    for act in (
        lambda: models.scan(VIEWER, desk).find("mine"),
        lambda: models.pack(VIEWER, desk, "mine"),
        lambda: check_adapter(VIEWER, desk.services, "mine"),
    ):
        with pytest.raises(UserError, match="Unknown adapter"):
            act()
    comparison.promote(home, "mine", "tess")
    assert "mine" in seen(VIEWER)
    scan = models.scan(VIEWER, desk)
    assert scan.entries[0].name == scan.used == "mine"
    assert check_adapter(VIEWER, desk.services, "mine") == "mine"


def test_the_zip_holds_the_adapters_own_files_only(desk, trained):
    (trained.adapters / "fresh" / "secret.txt").write_text("no")
    with zipfile.ZipFile(models.pack(ANN, desk, "fresh")) as archive:
        names = set(archive.namelist())
    assert "fresh/adapter_model.safetensors" in names
    assert "fresh/card.json" in names
    assert not any("secret" in name for name in names)


def test_card_texts_are_escaped():
    evil = seed.EVIL
    figures = {"sides": {evil: {"median_px": 1.0}}}
    entry = lineage.Lineage(
        evil, evil, evil, 1, Path("/x"), description=evil, problem=evil, job="j", figures=figures
    )
    html = view.items(models.Scan((entry,), frozenset(), None), "") + view.one(entry)
    assert evil not in html + view.card(entry, [(evil, evil)], [evil]) + view.two(entry, entry)
