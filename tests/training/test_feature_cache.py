"""The cache of frozen vision features: never another tower's, never a half one, same losses."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference.backbones.loading import load_backbone
from tests.tiny import FAMILIES, make_tiny
from training.worker import feature_cache
from training.worker.augment import WHOLE, limited, place, show, view_of
from training.worker.feature_cache import Encoded, FeatureCache, encode, prune, tower_hash


@pytest.fixture(scope="module", params=FAMILIES)
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = make_tiny(request.param, tmp_path_factory.mktemp(request.param))
    return load_backbone(folder, device="cpu")


def pixels(seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 255, (84, 112, 3), dtype=np.uint8)


def same(a: Encoded, b: Encoded) -> bool:
    pairs = zip((a.features, *a.deep), (b.features, *b.deep), strict=True)
    return (
        all(torch.equal(x, y) for x, y in pairs)
        and a.context.keys() == b.context.keys()
        and all(torch.equal(v, b.context[k]) for k, v in a.context.items())
        and (a.grid.rows, a.grid.cols, a.grid.image_wh, a.grid.area_px)
        == (b.grid.rows, b.grid.cols, b.grid.image_wh, b.grid.area_px)
        and a.resized_wh == b.resized_wh
    )


def test_what_is_kept_comes_back_bit_for_bit(backbone: Any, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, tower_hash(backbone))
    seen = encode(backbone, backbone.preprocess(pixels()))
    assert cache.get("a") is None
    cache.put("a", seen)
    assert "a" in cache
    found = cache.get("a")
    assert found is not None
    assert same(found, seen)
    assert cache.get("b") is None


def test_another_tower_has_another_name(backbone: Any, tmp_path: Path) -> None:
    before = tower_hash(backbone)
    assert tower_hash(backbone) == before
    with torch.no_grad():
        next(backbone.decoder.parameters()).add_(1.0)
    assert tower_hash(backbone) == before, "the language model is no part of the tower"
    tower = next(
        p for n, p in backbone.model.named_parameters() if ".visual." in n or "vision" in n
    )
    with torch.no_grad():
        tower.add_(1e-3)
    assert tower_hash(backbone) != before
    with torch.no_grad():
        tower.sub_(1e-3)


def test_damaged_file_counts_as_missing(backbone: Any, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "t")
    cache.put("a", encode(backbone, backbone.preprocess(pixels())))
    file = next(cache.folder.iterdir())
    file.write_bytes(file.read_bytes()[:100])
    assert cache.get("a") is None


def test_full_disk_leaves_no_half_file(
    backbone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FeatureCache(tmp_path, "t")
    seen = encode(backbone, backbone.preprocess(pixels()))

    def full(_tensors: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feature_cache, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        cache.put("a", seen)
    assert list(cache.folder.iterdir()) == []


def test_prune_removes_the_oldest(tmp_path: Path) -> None:
    folder = tmp_path / "tower"
    folder.mkdir()
    for i in range(4):
        path = folder / f"{i}.safetensors"
        path.write_bytes(b"x" * 100)
        import os

        os.utime(path, (i, i))
    assert prune(tmp_path, 250) == 2
    assert sorted(p.stem for p in folder.iterdir()) == ["2", "3"]


# ---- views --------------------------------------------------------------------------------------


def marked(at: tuple[int, int]) -> Any:
    """Black but for a white block around a place."""
    image = np.zeros((180, 320, 3), np.uint8)
    image[at[1] - 2 : at[1] + 3, at[0] - 2 : at[0] + 3] = 255
    return image


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("at", [(160, 90), (20, 100), (300, 20)])
def test_point_stays_on_what_it_marks(number: int, at: tuple[int, int]) -> None:
    centre = (at[0] + 0.5, at[1] + 0.5)
    view = view_of("abc", number, (centre[0] / 320, centre[1] / 180), mirror=True, seed=1)
    shown = show(marked(at), view)
    _, (x, y) = place((320, 180), centre, view)
    rows, cols = np.nonzero(shown.mean(2) > 128)
    assert abs(cols.mean() + 0.5 - x) < 1.5
    assert abs(rows.mean() + 0.5 - y) < 1.5


def test_first_views_are_whole_then_crops_follow_from_hash_and_seed() -> None:
    def view(number: int, seed: int = 1, key: str = "abc") -> Any:
        return view_of(key, number, (0.5, 0.5), mirror=True, seed=seed)

    assert view(0) == WHOLE
    assert (view(1).crop01, view(1).mirrored) == (WHOLE.crop01, True)
    assert view(2) == view(2)
    assert len({view(2).key, view(2, seed=2).key, view(2, key="x").key, view(4).key}) == 4
    assert not view_of("abc", 1, (0.5, 0.5), mirror=False, seed=1).mirrored
    unplaced = view_of("abc", 3, None, mirror=True, seed=1)  # a label may depend on the edge
    assert (unplaced.crop01, unplaced.mirrored) == (WHOLE.crop01, False)
    assert unplaced.colour is not None


def test_limited_keeps_the_shape() -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    small = limited(image, 147_456)
    assert small.shape[:2] == (288, 512)
    assert limited(image, 0) is image
