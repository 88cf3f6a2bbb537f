"""The heads' decoding on hand-made maps."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from inference.heads import (  # noqa: E402
    build_head,
    load_head,
    save_head,
    soft_argmax,
    usual_config,
    windowed_soft_argmax,
)


def peaks(**at: float) -> torch.Tensor:
    """(1, 4, 8) with the given probabilities at r{row}c{col}."""
    made = torch.zeros(1, 4, 8)
    for name, value in at.items():
        made[0, int(name[1]), int(name[3])] = value
    return made


@pytest.mark.parametrize(
    ("probabilities", "point"),
    [
        (peaks(r1c2=1.0), (2.5 / 8, 1.5 / 4)),
        (peaks(r1c2=0.6, r1c3=0.4), (2.9 / 8, 1.5 / 4)),
        (peaks(r1c2=0.6, r3c7=0.4), (2.5 / 8, 1.5 / 4)),  # the other candidate does not pull
        (peaks(r0c0=0.5, r1c1=0.5), (1 / 8, 1 / 4)),  # a diagonal neighbour is in the window
        (peaks(r0c0=0.6, r0c2=0.4), (0.5 / 8, 0.5 / 4)),  # two cells on is not
    ],
)
def test_the_window_lies_around_the_peak(probabilities, point):
    found = windowed_soft_argmax(probabilities, cell_centres=True)[0].tolist()
    assert found == pytest.approx(point)


def test_the_plain_mean_falls_between_two_candidates():
    found = soft_argmax(peaks(r1c0=0.5, r1c4=0.5), cell_centres=True)[0].tolist()
    assert found == pytest.approx((2.5 / 8, 1.5 / 4))


def test_with_offsets_each_cell_stands_for_where_it_points():
    probabilities = peaks(r1c2=0.75, r1c3=0.25, r3c7=0.0)
    offsets = torch.zeros(1, 4, 8, 2)
    offsets[0, 1, 2] = torch.tensor([0.5, -1.0])
    offsets[0, 1, 3] = torch.tensor([-0.5, -1.0])  # both mean the same place
    offsets[0, 3, 7] = 100.0  # outside the window: not asked
    found = windowed_soft_argmax(probabilities, offsets, cell_centres=True)[0].tolist()
    assert found == pytest.approx((3.0 / 8, 0.5 / 4))


def states(rows: int = 4, cols: int = 8, width: int = 16):
    """Hidden states of one image and three prompt tokens, with their masks."""
    torch.manual_seed(0)
    n = rows * cols
    image = torch.zeros(1, n + 3, dtype=torch.bool)
    image[:, :n] = True
    return torch.randn(1, n + 3, width), image, ~image, (rows, cols)


def test_fresh_offsets_change_nothing():
    torch.manual_seed(0)
    head = build_head({"architecture": "patch", "hidden_size": 16, "offsets": True})
    out = head(*states(), decode="window")
    plain = windowed_soft_argmax(out.probabilities, cell_centres=True)
    assert out.offsets is not None
    assert out.offsets.shape == (1, 4, 8, 2)
    assert not out.offsets.any()
    assert torch.equal(out.point01, plain)


def test_offsets_move_the_shown_point_and_not_the_papers():
    head = build_head({"architecture": "patch", "hidden_size": 16, "offsets": True})
    inputs = states()
    before = {way: head(*inputs, decode=way).point01 for way in ("window", "soft_argmax")}
    with torch.no_grad():
        head.scorer.offset.bias.copy_(torch.tensor([1.0, 0.0]))
    after = {way: head(*inputs, decode=way).point01 for way in ("window", "soft_argmax")}
    assert torch.equal(before["soft_argmax"], after["soft_argmax"])
    moved = (after["window"] - before["window"])[0].tolist()
    assert moved == pytest.approx((1 / 8, 0.0), abs=1e-6)


@pytest.mark.parametrize(("kind", "shape"), [("patch", (1, 4, 8)), ("pooled", (1, 16, 16))])
def test_a_new_head_of_either_kind(kind, shape):
    out = build_head(usual_config(kind, 16))(*states())
    assert out.probabilities.shape == shape
    assert float(out.probabilities.sum()) == pytest.approx(1.0, abs=1e-5)
    assert (out.offsets is None) == (kind == "pooled")


@pytest.mark.parametrize("offsets", [False, True, None])
def test_a_head_comes_back_as_it_was_saved(offsets, tmp_path):
    """None: an adapter made before there were offsets."""
    config = {"architecture": "patch", "hidden_size": 16, "decode": "window"}
    head = build_head(config if offsets is None else {**config, "offsets": offsets})
    save_head(head, tmp_path, "abc")
    again = load_head(tmp_path, "abc")
    inputs = states()
    assert torch.equal(again(*inputs).point01, head(*inputs).point01)
    assert (again(*inputs).offsets is None) == (not offsets)
