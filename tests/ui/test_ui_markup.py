"""What models and users write is text, never markup; the numbers are the right ones."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from explain.maps import make_pair_maps
from explain.types import MapSettings
from inference.errors import UserError
from inference.fields import Answer, Point
from inference.schema import AdapterCard, AdapterEntry, ModelInfo, PairRequest
from inference.tasks.coordinates import FRAMES
from tests.ui.fakes import CARD, INFO, fake_pair
from ui.components import markup, panels
from ui.components.panels import Panel
from ui.scene import view as pieces
from ui.shell import masthead
from ui.shell.services import Example

EVIL = "<img src=x onerror=alert(1)>\"'&"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


def harmless(html: str) -> bool:
    tags = parsed(html)
    return "script" not in tags.seen and not any(k.startswith("on") for k, _ in tags.attributes)


@pytest.fixture
def pair(image):
    return fake_pair(image, PairRequest(prompt="Where?", adapter="hazard-patch"))


def test_tokens_are_escaped(image):
    request = PairRequest(prompt="x", adapter="a")
    html = pieces.tokens(fake_pair(image, request, [EVIL, "</span><script>"]), [0], False)
    assert harmless(html)
    assert "img" not in parsed(html).seen
    assert EVIL in parsed(html).text


def test_answers_reasons_and_names_are_escaped(pair):
    side = replace(pair.base, text=EVIL, parsed=Answer({}, {"point": EVIL}), from_head={})
    evil = replace(pair, base=side)
    told = pieces.answers(evil, {"base": EVIL, "finetuned": EVIL})
    assert harmless(told)
    assert EVIL in parsed(told).text
    panel = Panel("base", EVIL, EVIL, (64, 36), said=EVIL)
    for html in (
        panels.stage([panel], EVIL),
        pieces.caption_of(side, "hazard", None),
        pieces.headline(evil, None),
        pieces.stale(["image"], EVIL),
    ):
        assert harmless(html), html
        assert "img" not in parsed(html).seen
    entry = AdapterEntry(EVIL, EVIL, None, has_head=False, loaded=True)
    info = ModelInfo(EVIL, EVIL, EVIL, "x", "none", False, requested=EVIL, fallback_reason=EVIL)
    for html in (
        masthead.header(info, entry),
        masthead.banner(info, None, None),
        markup.error(UserError(EVIL, expected=EVIL, got=EVIL)),
        markup.hint(EVIL),
        markup.warnings([EVIL]),
    ):
        assert harmless(html), html
        assert "img" not in parsed(html).seen


def test_examples_are_buttons_with_escaped_labels(picture):
    html = pieces.examples([Example('a"b', picture, EVIL)], None)
    assert harmless(html)
    assert parsed(html).seen.count("button") == 1
    assert ("data-example", 'a"b') in parsed(html).attributes


def test_every_token_is_a_button_that_says_whether_it_is_chosen(pair):
    html = pieces.tokens(pair, [4, 5], by_default=False)
    states = re.findall(r'data-token="(\d+)" .*?aria-pressed="(\w+)"', html)
    assert len(states) == len(pair.base.trace.tokens)
    assert [int(i) for i, pressed in states if pressed == "true"] == [4, 5]


def test_the_headline_says_how_far_it_moved(pair):
    text = parsed(pieces.headline(pair, None)).text
    assert f"Hazard points {pair.distance_px:.0f} px apart" in text
    assert "mark the hazard to score them" in text
    assert f"{100 * pair.distance_px / pair.image.diagonal_px:.1f} % of the diagonal" in text


@pytest.mark.parametrize(
    ("target", "loud", "quiet"),
    [
        (Point(0, 0), "30 px closer to the hazard", "50 → 20 px"),
        (Point(50, 0), "30 px farther from the hazard", "0 → 30 px"),
        (Point(35, 0), "As far from the hazard as base", "15 → 15 px"),
    ],
)
def test_the_headline_scores_both_points_where_the_hazard_is_known(pair, target, loud, quiet):
    base = replace(pair.base, parsed=Answer({"point": Point(50, 0)}))
    tuned = replace(pair.base, side="finetuned", parsed=Answer({"point": Point(20, 0)}))
    text = parsed(pieces.headline(replace(pair, base=base, finetuned=tuned), target)).text
    assert text == f"{loud} {quiet}"


def test_a_head_points_although_the_answer_names_no_point(pair):
    tuned = replace(pair.finetuned, text="Blue.", parsed=Answer({}, {"point": "no numbers"}))
    odd = replace(pair, finetuned=tuned)
    assert "names no point" in pieces.headline(odd, None)
    assert "head's point, not in the answer" in pieces.caption_of(tuned, "hazard", None)
    assert "not in the answer" in pieces.answers(odd, {"base": "x", "finetuned": "x"})


def test_numbers_in_a_text_stand_beside_their_pixels(pair):
    said = Point(730, 310, span=(16, 25))
    side = replace(pair.base, text="The area around (570,430).", parsed=Answer({"point": said}))
    html = pieces.answers(replace(pair, base=side), {
        "base": FRAMES["norm1000"].label, "finetuned": "x"})  # fmt: skip
    assert "the text's (570,430), in thousandths of the width and height" in parsed(html).text
    assert "is (730, 310) px" in parsed(html).text


def test_the_headline_without_a_point(pair):
    silent = replace(pair.base, parsed=Answer({}, {"point": "no numbers"}), from_head={})
    html = pieces.headline(replace(pair, base=silent), None)
    assert "No hazard point from base" in parsed(html).text


def test_the_headline_of_the_base_alone(pair):
    assert "base model alone" in pieces.headline(replace(pair, finetuned=None), None)


def test_numbers_beside_the_maps(pair):
    maps = make_pair_maps(pair, MapSettings())
    text = parsed(pieces.numbers(pair, maps)).text
    figures = maps.figures["finetuned"]
    assert f"{figures.entropy_bits:.1f} bits" in text
    assert f"{100 * figures.share_near_point:.1f} %" in text
    assert f"{100 * figures.share_on_image:.1f} %" in text


def test_errors_and_empties():
    assert markup.error(None) == markup.hint("") == markup.warnings([]) == ""
    html = markup.error(UserError("Too big", expected="a small one", got="a big one"))
    assert 'role="alert"' in html
    assert "Expected a small one" in html


def test_the_banner_reads_its_figures_from_the_card():
    assert "31 px on 500 drawn scenes (base 301 px)" in masthead.banner(INFO, CARD, None)
    assert "median" not in masthead.banner(INFO, None, None)
    assert "median" not in masthead.banner(INFO, AdapterCard("x", "hazard", "y"), None)
    photos = AdapterCard(
        "x", "hazard", "y", extra={"photos": {"n": 60, "sides": {"x": {"median_px": 250}}}}
    )
    assert "error 250 px on 60 photographs" in masthead.banner(INFO, photos, None)
    # One trained here has no figure on photographs: the built-in's stays, under its name.
    both = masthead.banner(INFO, CARD, photos)
    assert "31 px on 500 drawn scenes" in both and "error x 250 px on 60 photographs" in both
    broken = AdapterCard("x", "hazard", "y", heldout={"sides": "?"}, extra={"photos": 3})
    assert "median" not in masthead.banner(INFO, broken, None)


def test_a_fallback_is_said_aloud():
    info = replace(INFO, requested="me/big", fallback_reason="No network.")
    html = masthead.banner(info, None, None)
    assert 'role="alert"' in html
    assert "me/big" in html
    assert "No network." in html


@pytest.mark.parametrize(
    ("value", "text"), [(0.42, "0.4 s"), (12.3, "12 s"), (200, "3 min 20 s"), (239.9, "4 min 0 s")]
)
def test_seconds(value, text):
    assert markup.seconds(value) == text
