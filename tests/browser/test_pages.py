"""What holds for every page: one frame that knows what is in use and what is being trained."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser.scene import PHONE
from tests.ui import training_seed as seed
from tests.ui.corrections_seed import seed as seed_corrections
from training.adapters import promotion
from training.store.home import find_home
from ui.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SOON_MS = 30_000
NAMES = ("", *list(PAGES)[1:])  # the first page lies at the root


def test_every_open_page_learns_what_is_in_use_and_being_trained(visit, start, tmp_path) -> None:
    home = find_home(tmp_path / "home")
    seed.full(home)
    url = start(tmp_path, "-m", "tests.ui.training_seed", "--home", str(home.root)).url
    pages = {name: visit(url + name) for name in NAMES}
    scene, models = pages[""], pages["models"]
    chooser, in_use = scene.locator("#sl-adapter input"), models.locator(".md-use")

    def all_say(name: str) -> None:
        for page in pages.values():
            expect(page.locator("#sl-header")).to_contain_text(name, timeout=SOON_MS)
            expect(page.locator("#sl-work a")).to_have_attribute("href", re.compile("job="))
        expect(chooser).to_have_value(re.compile(name), timeout=SOON_MS)
        expect(in_use).to_have_count(1)
        expect(models.locator("#md-items li", has=in_use)).to_contain_text(name)

    all_say("hazard-patch")
    agreed = SimpleNamespace(allowed=True, words="", to_json=dict)
    promotion.promote(home, "animals-1", "ann", lambda *_: agreed)
    all_say("animals-1")
    promotion.rollback(home, "hazard", "ann")
    all_say("hazard-patch")


def test_on_a_phone_the_head_is_small_and_accept_is_there(visit, start, tmp_path) -> None:
    home = find_home(tmp_path / "home")
    seed_corrections(home, tmp_path, 2)
    url = start(tmp_path, "-m", "tests.ui.fake_app", "--home", str(home.root)).url
    for name in NAMES:
        page = visit(url + name, PHONE)
        box = page.locator("#sl-frame").bounding_box()
        assert box and box["y"] + box["height"] <= 120, name
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        if name == "corrections":
            expect(page.locator("#sl-cor-accept")).to_be_in_viewport(ratio=1)
