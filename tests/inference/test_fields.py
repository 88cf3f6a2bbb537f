"""The kinds of value: checked when made, the same after JSON, every wrong one refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import UserError
from inference.fields import (
    KINDS,
    Answer,
    Field,
    Label,
    Labels,
    Point,
    Probability,
    Step,
    Steps,
    Text,
    Value,
    check_answer,
    value_from_json,
    value_to_json,
)

EVENTS = ("normal", "near", "collision")
FIELDS = {
    "point": Field("where", "point", "Hazard point"),
    "label": Field("event", "label", "Event", EVENTS),
    "labels": Field("events", "labels", "Events", EVENTS),
    "probability": Field("risk", "probability", "Risk"),
    "text": Field("why", "text", "Reason"),
    "steps": Field("trace", "steps", "Chain of thought"),
}
# No control characters and no halves of surrogates, which `check_text` refuses.
texts = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=40)
shares = st.floats(0, 1)
spans = st.none() | st.tuples(st.integers(0, 50), st.integers(50, 99))
times = st.floats(0, 50)
given_by = {"source": st.sampled_from(("text", "head", "human", "truth")), "span": spans}
chances = st.none() | st.fixed_dictionaries(dict.fromkeys(EVENTS, shares))
finite = st.floats(-1e5, 1e5)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "point": st.builds(Point, finite, finite, **given_by),
    "label": st.builds(Label, st.sampled_from(EVENTS), chances, **given_by),
    "labels": st.builds(
        Labels, st.lists(st.sampled_from(EVENTS), unique=True).map(tuple), chances, **given_by
    ),
    "probability": st.builds(Probability, shares, **given_by),
    "text": st.builds(Text, texts, **given_by),
    "steps": st.builds(
        Steps,
        st.lists(
            st.builds(Step, texts, st.sampled_from((None, "road", "driver")), times,
                      times.map(lambda t: t + 50), spans),
            max_size=4,
        ).map(tuple),
        **given_by,
    ),
}  # fmt: skip


def values_of(declared: Field) -> st.SearchStrategy[Value]:
    """Any value of a field, by its kind and choices."""
    if declared.kind == "label":
        return st.builds(Label, st.sampled_from(declared.choices))
    if declared.kind == "labels":
        chosen = st.lists(st.sampled_from(declared.choices), unique=True)
        return st.builds(Labels, chosen.map(tuple))
    return VALUES[declared.kind]


def test_every_kind_has_a_field_and_values_here():
    assert set(FIELDS) == set(VALUES) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_value_is_the_same_after_json(kind):
    @given(VALUES[kind])
    def same(value: Value) -> None:
        sent = json.loads(json.dumps(value_to_json(value)))
        assert value_from_json(FIELDS[kind], sent) == value

    same()


WRONG: dict[str, list[object]] = {
    "point": [
        None, [], {"x_px": 1}, {"x_px": 1, "y_px": "2"}, {"x_px": 1, "y_px": float("nan")},
        {"x_px": True, "y_px": 2}, {"x_px": 1, "y_px": 10**400},
        {"x_px": 7, "y_px": 7, "box_px": [5, 5, 5, 9]},
        {"x_px": 7, "y_px": 7, "box_px": [5, 5, 9, 10**400]}, {"x_px": 1, "y_px": 2, "z_px": 3},
        {"x_px": 1, "y_px": 2, "span": [3, 1]}, {"x_px": 1, "y_px": 2, "source": "rumour"},
    ],
    "label": [
        {"value": "else"}, {"value": 1}, {"value": "near", "probabilities": {"near": 2}},
        {"value": "near", "probabilities": {"else": 0.5}},
        {"value": "near", "probabilities": [0.5]},
    ],
    "labels": [{"values": ["near", "near"]}, {"values": "near"}, {"values": ["else"]}],
    "probability": [{"value": 1.01}, {"value": "0.5"}],
    "text": [{"text": "a\x00b"}, {"text": "\ud800"}, {"text": "x" * 5000}],
    "steps": [
        {"steps": ["look"]}, {"steps": [{"text": "look", "start_s": 2, "end_s": 1}]},
        {"steps": [{"text": "look", "start_s": -1}]}, {"steps": [{"text": "x"}] * 201},
        {"steps": 7}, {},
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_value_is_refused_at_its_field(kind):
    for sent in WRONG[kind]:
        with pytest.raises(UserError) as caught:
            value_from_json(FIELDS[kind], sent)
        assert caught.value.field == FIELDS[kind].name, sent


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a b", "kind": "text", "label": "A"},
        {"name": "a", "kind": "tensor", "label": "A"},
        {"name": "a", "kind": "label", "label": "A"},
        {"name": "a", "kind": "label", "label": "A", "choices": ("x", "x")},
        {"name": "a", "kind": "text", "label": "A", "choices": ("x", "y")},
    ],
)
def test_a_wrong_declaration_is_refused(wrong):
    with pytest.raises(UserError):
        Field(**wrong)


def test_an_answer_has_a_value_or_a_reason_for_each_field():
    where, why = FIELDS["point"], FIELDS["text"]
    whole = Answer({"where": Point(1, 2)}, {"why": "the answer ends after the point"})
    assert check_answer([where, why], whole) is whole
    with pytest.raises(UserError, match="missing"):
        check_answer([where, why], Answer({"where": Point(1, 2)}))
    with pytest.raises(UserError, match="one of where, why"):
        check_answer([where, why], Answer({"else": Point(1, 2)}, {"why": "x"}))
    with pytest.raises(UserError, match="Expected Point"):
        check_answer([where, why], Answer({"where": Text("here"), "why": Text("x")}))
    with pytest.raises(UserError, match="has a value and is missing"):
        Answer({"where": Point(1, 2)}, {"where": "no numbers"})


def test_points_are_apart_in_pixels():
    assert Point(0, 0).distance_px(Point(3, 4, source="head")) == 5
