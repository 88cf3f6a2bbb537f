"""The Corrections page in a real browser: filter, walk, decide, undo, export, import, escape."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve
from tests.browser.scene import PHONE, WIDE, all_named, held_back, texts_stand_out
from tests.fixes import hazard_fix
from tests.ui.corrections_seed import EVIL, add_case, say, seed
from training.store.feedback import CorrectionFilter, Feedback
from training.store.home import Home, find_home

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CASES = 12
Visit = Callable[..., Page]


def command(home: Home) -> tuple[str, ...]:
    """The page over a fake model and that home."""
    return "-m", "tests.ui.fake_app", "--seconds", "0.1", "--home", str(home.root)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = find_home(tmp_path / "home")
    seed(home, tmp_path, CASES)
    return home


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, str]]:
    """A seeded home and its page, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("read-only")
    home = find_home(folder / "home")
    seed(home, folder, CASES)
    with serve(folder, *command(home)) as server:
        yield home, server.url


@pytest.fixture(scope="module")
def hostile_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page of which every text is a try to run a script."""
    folder = tmp_path_factory.mktemp("hostile")
    home = find_home(folder / "home")
    feedback = Feedback(home)
    case = add_case(feedback, folder, 1, name=f"{EVIL}.jpg", slices=(EVIL,))
    ids = [
        say(feedback, case, who, hazard_fix("wrong", (x, 90.0), None, None, EVIL))
        for who, x in ((EVIL, 100.0), (f"ben {EVIL}", 400.0))
    ]
    feedback.review(ids, "comment", EVIL, EVIL)
    with serve(folder, *command(home)) as server:
        yield server.url


def shown(page: Page) -> str:
    return page.locator("#sl-cor-case [data-shown]").get_attribute("data-shown") or ""


def current(page: Page) -> str:
    row = page.locator("#sl-cor-queue [aria-current=true]")
    return row.get_attribute("data-case") or ""


def settled(page: Page) -> None:
    """The case of the queue's current row is the large one."""
    page.wait_for_function(
        "() => document.querySelector('#sl-cor-queue [aria-current=true]')?.dataset.case"
        " === (document.querySelector('#sl-cor-case [data-shown]')?.dataset.shown ?? 'none')"
    )


def statuses(home: Home) -> list[str]:
    return sorted(c.status for c in Feedback(home).corrections(CorrectionFilter()))


def test_a_reviewers_morning(visit: Visit, start, home: Home, tmp_path: Path) -> None:
    """Filter, J and K, accept, reject, undo, bulk, another tab, reload: all in one visit."""
    page = visit(f"{start(tmp_path, *command(home)).url}corrections")
    summary = page.locator("#sl-cor-summary")
    expect(summary).to_contain_text(f"{CASES} cases")
    expect(page.locator("#sl-cor-stage .sl-svg")).to_be_visible()
    settled(page)

    first, case = shown(page), page.locator("#sl-cor-case [data-shown]")
    page.keyboard.press("j")
    expect(case).not_to_have_attribute("data-shown", first)
    settled(page)
    expect(page).to_have_url(re.compile("case=hazard%3A[0-9a-f]{64}"))
    page.keyboard.press("k")
    expect(case).to_have_attribute("data-shown", first)
    settled(page)

    # Not while typing.
    page.locator("#sl-cor-comment textarea").fill("ja, ar")
    page.locator("#sl-cor-comment textarea").press("a")
    assert "accepted" not in statuses(home)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("#sl-cor-message")).to_contain_text("Accepted")
    settled(page)
    assert statuses(home).count("accepted") == 1
    expect(page.locator("#sl-cor-comment textarea")).to_have_value("")
    page.keyboard.press("r")
    expect(page.locator("#sl-cor-message")).to_contain_text("Rejected")
    assert statuses(home).count("rejected") == 1
    page.keyboard.press("u")
    expect(page.locator("#sl-cor-message")).to_contain_text("Took your last review back")
    assert statuses(home).count("rejected") == 0

    page.keyboard.press("?")
    expect(page.locator("#sl-cor-help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sl-cor-help")).to_be_hidden()

    # Another browser writes: the queue follows, the open case stays.
    settled(page)
    stays = shown(page)
    case = add_case(Feedback(home), tmp_path, 99, name="late.jpg")
    say(Feedback(home), case, "cem", hazard_fix("wrong", (300.0, 200.0)))
    expect(page.locator("#sl-cor-queue")).to_contain_text("late.jpg")
    assert shown(page) == stays == current(page)

    filters = page.locator("#sl-cor-filters > button")
    filters.click()
    page.get_by_label("Author").click()
    page.get_by_role("option", name="cem").click()
    expect(summary).to_contain_text("1 case")
    expect(page).to_have_url(re.compile("author=cem"))
    page.reload()
    expect(summary).to_contain_text("1 case matches the filters")
    filters.click()
    expect(page.get_by_label("Author")).to_have_value("cem")
    page.locator("#sl-cor-clear").click()
    expect(summary).not_to_contain_text("1 case ")

    before = statuses(home).count("open")
    page.locator("#sl-cor-bulk").click()
    expect(page.locator("#sl-cor-confirm-text")).to_contain_text(f"Accept {before} open")
    page.locator("#sl-cor-confirm").click()
    expect(page.locator("#sl-cor-message")).to_contain_text(f"Accepted {before}")
    assert statuses(home).count("open") == 0
    page.locator("#sl-cor-undo").click()
    expect(page.locator("#sl-cor-message")).to_contain_text("Took your last review back in")
    assert statuses(home).count("open") == before


def test_a_fast_hand_sees_the_case_it_stopped_at(visit: Visit, read_only: tuple[Home, str]) -> None:
    page = visit(f"{read_only[1]}corrections")
    expect(page.locator("#sl-cor-stage .sl-svg")).to_be_visible()
    settled(page)
    row = page.locator("#sl-cor-queue [data-case]").nth(3)
    last = row.get_attribute("data-case") or ""
    with held_back(page):
        for _ in range(3):
            page.keyboard.press("j")
    expect(page.locator("#sl-cor-case [data-shown]")).to_have_attribute("data-shown", last)
    expect(row).to_have_attribute("aria-current", "true")


def test_export_and_import_into_another_home(
    visit: Visit, start, read_only: tuple[Home, str], tmp_path: Path
) -> None:
    home, url = read_only
    page = visit(f"{url}corrections?status=any")
    expect(page.locator("#sl-cor-summary")).to_contain_text(f"{CASES} cases")
    page.locator("#sl-cor-share button").first.click()
    page.locator("#sl-cor-format input").click()
    page.get_by_role("option", name="CSV", exact=True).click()
    expect(page.locator("#sl-cor-export-message")).to_contain_text("corrections.csv")
    with page.expect_download() as download:
        page.locator("#sl-cor-export").click()
    archive = tmp_path / "export.zip"
    archive.write_bytes(Path(download.value.path()).read_bytes())
    with zipfile.ZipFile(archive) as packed:
        assert sum(name.endswith(".jpg") for name in packed.namelist()) == CASES
    other = find_home(tmp_path / "other")
    page = visit(f"{start(tmp_path, *command(other)).url}corrections")
    expect(page.locator("#sl-cor-empty")).to_contain_text("No corrections yet")
    page.locator("#sl-cor-share button").first.click()
    page.set_input_files("#sl-cor-upload input[type=file]", str(archive))
    expect(page.locator("#sl-cor-preview")).to_contain_text(re.compile(r"\d+ corrections"))
    page.locator("#sl-cor-bring").click()
    expect(page.locator("#sl-cor-preview")).to_contain_text("Imported")
    expect(page.locator("#sl-cor-summary")).to_contain_text("case")
    expect(page.locator("#sl-cor-stage .sl-svg")).to_be_visible()
    found = Feedback(other).corrections(CorrectionFilter())
    assert len(found) == len(Feedback(home).corrections(CorrectionFilter()))
    assert {c.author for c in found} == {"ann", "ben"}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1440", "390"])
def test_hostile_text_is_only_text(visit: Visit, hostile_url: str, size: dict[str, int]) -> None:
    query = urlencode({"tab": "corrections", "status": "any", "author": EVIL})
    page = visit(f"{hostile_url}?{query}", size)
    expect(page.locator("#sl-cor-cards article")).to_have_count(2)
    expect(page.locator("#sl-cor-history")).to_contain_text(EVIL)
    expect(page.locator("#sl-cor-stage .sl-svg")).to_be_visible()
    page.locator("#sl-cor-agreement button").first.click()
    expect(page.locator("#sl-cor-agreement-text")).to_contain_text("dispute")
    page.locator("#sl-cor-comment textarea").fill(EVIL)
    page.locator("#sl-cor-remark").click()
    expect(page.locator("#sl-cor-message")).to_contain_text("Commented")
    page.locator("#sl-cor-bulk").click()
    expect(page.locator("#sl-cor-confirm-text")).to_contain_text("Accept")
    page.locator("#sl-cor-forget-box button").first.click()
    page.get_by_label("Whose corrections").click()
    expect(page.get_by_role("option", name=EVIL, exact=True)).to_be_visible()
    assert page.evaluate("window.__hit") is None
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_text_stands_out_and_controls_have_names(visit: Visit, read_only: tuple[Home, str]) -> None:
    page = visit(f"{read_only[1]}corrections")
    expect(page.locator("#sl-cor-stage .sl-svg")).to_be_visible()
    page.locator("#sl-cor-agreement button").first.click()
    expect(page.locator("#sl-cor-agreement-text")).to_contain_text("dispute")
    texts_stand_out(page, more_than=60)
    all_named(page, "#sl-cor")
