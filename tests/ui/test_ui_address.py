"""Links: everything survives the way to the address bar and back; nonsense is ignored."""

from urllib.parse import parse_qsl

import pytest

from explain.types import MapSettings
from ui.scene.address import SceneAddress, ViewSettings, from_query, to_query


def back(address: SceneAddress) -> SceneAddress:
    query = dict(parse_qsl(to_query(address), keep_blank_values=True))
    return from_query(query, ["hazard-pooled"])


@pytest.mark.parametrize(
    "address",
    [
        SceneAddress(),
        SceneAddress(example="night-rain"),
        SceneAddress(image="ab" * 32, prompt="Wo ist die Gefahr? & more = #1", adapter=""),
        SceneAddress(
            example="x",
            adapter="hazard-pooled",
            forced="base",
            view=ViewSettings(MapSettings("head", (3, 4), False), 0.4),
        ),
        SceneAddress(view=ViewSettings(MapSettings(options={"heads": "max", "first_layer": "1"}))),
    ],
)
def test_there_and_back(address):
    assert back(address) == address


def test_defaults_are_left_out():
    assert to_query(SceneAddress(example="night")) == "example=night"


@pytest.mark.parametrize(
    "query",
    [
        {"layers": "5-2", "task": "nonsense"},
        {"token": "x,-1,", "opacity": "lots"},
        {"forced": "both", "scale": "??"},
        {"token": ""},
        {"adapter": "<a href=//evil.example><h1>Win</h1></a>"},
        {"adapter": "not-mine"},
    ],
)
def test_nonsense_is_ignored(query):
    assert from_query(query, ["mine"]) == SceneAddress()


def test_huge_numbers_are_bounded():
    maps = from_query({"token": "9" * 40, "opacity": "900"}, []).view
    assert maps.maps.tokens == ()
    assert maps.opacity == 1.0
