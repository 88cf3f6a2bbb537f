"""Clips: sampled by time, two cameras in one file, bad files refused; then through each family."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from inference.clips import Sampling, load_clip, make_clip
from inference.errors import UserError
from inference.inputs import ClipInput, ClipView, ImageInput
from inference.media import load_media
from inference.schema import PairRequest
from inference.tasks.hazard import TASK
from tests.inference.conftest import PROMPT
from tests.tiny import FAMILIES

REAL = Path(__file__).resolve().parents[3] / "shared" / "real" / "clips"


def shade(time_s: float) -> int:
    """A grey that tells the time, to a tenth of a second."""
    return round(time_s * 10) * 4


def video(path: Path, times: list[float], wh: tuple[int, int] = (96, 64), **metadata: str) -> Path:
    """A clip whose frame at t is `shade(t)` all over."""
    with av.open(str(path), "w") as out:
        codec, options = ("mjpeg", {}) if path.suffix == ".avi" else ("libx264", {"crf": "1"})
        stream = out.add_stream(codec, rate=Fraction(10), options=options)
        stream.width, stream.height, stream.pix_fmt = (
            *wh,
            "yuvj420p" if codec == "mjpeg" else "yuv420p",
        )
        stream.codec_context.time_base = Fraction(1, 1000)
        out.metadata.update(metadata)
        for time in times:
            pixels = np.full((wh[1], wh[0], 3), shade(time), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def shades(clip: ClipInput, rows: slice = slice(None)) -> list[int]:
    return [round(float(frame[rows].mean())) for frame in clip.pixels]


def tenths(start: float, end: float) -> list[float]:
    return [round(start + i / 10, 1) for i in range(round((end - start) * 10))]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_frames_are_taken_by_their_time(tmp_path, suffix):
    """Ten a second at first, then one in 0.7 s: the frame that is shown then, not the n-th."""
    times = [*tenths(0, 1), 1.0, 1.7, 2.4]
    if suffix == ".avi":  # knows no single times
        times = tenths(0, 2.5)
    clip = load_clip(video(tmp_path / f"a{suffix}", times))
    assert clip.times_s == (0.0, 0.5, 1.0, 1.5, 2.0)
    expected = [max(t for t in times if t <= due) for due in clip.times_s]
    assert shades(clip) == pytest.approx([shade(t) for t in expected], abs=2)
    assert clip.views == (ClipView("road", 0, 64),)


def test_sampling_is_bounded(tmp_path):
    path = video(tmp_path / "a.mp4", tenths(0, 3), (320, 180))
    clip = load_clip(path, Sampling(fps=10, max_frames=7, width_px=160))
    assert clip.times_s == tuple(tenths(0, 0.7)) and clip.size_wh == (160, 90)
    for wrong in ({"fps": 0}, {"max_frames": 0}, {"width_px": 1}, {"offset_s": float("nan")}):
        with pytest.raises(UserError) as refused:
            Sampling(**wrong)
        assert refused.value.field in wrong


@pytest.mark.parametrize("offset_s", [0.0, 0.7, -0.7])
def test_two_cameras_at_the_same_moments(tmp_path, offset_s):
    """The driver's clip starts offset_s later than the road's."""
    road = video(tmp_path / "road.mp4", tenths(0, 3))
    driver = video(tmp_path / "driver.mp4", tenths(0, 3), (64, 64))
    clip = make_clip(tmp_path / "both.mp4", road, driver, Sampling(offset_s=offset_s))
    assert clip.views == (ClipView("road", 0, 64), ClipView("driver", 64, 160))
    start = max(0.0, offset_s)
    assert shades(clip, slice(0, 64)) == pytest.approx(
        [shade(t) for t in np.floor((np.array(clip.times_s) + start) * 10 + 1e-6) / 10], abs=3
    )
    own = np.array(clip.times_s) + start - offset_s
    assert shades(clip, slice(70, 160)) == pytest.approx(
        [shade(t) for t in np.floor(own * 10 + 1e-6) / 10], abs=3
    )
    # What was written is what everybody reads.
    again = load_media(tmp_path / "both.mp4")
    assert isinstance(again, ClipInput) and again.views == clip.views
    assert again.content_hash == clip.content_hash and again.times_s == clip.times_s
    assert np.array_equal(again.pixels, clip.pixels)


def test_no_overlap_is_refused(tmp_path):
    path = video(tmp_path / "a.mp4", tenths(0, 1))
    with pytest.raises(UserError, match="do not overlap"):
        make_clip(tmp_path / "b.mp4", path, path, Sampling(offset_s=5))


def test_two_images_are_a_clip_of_one_frame(tmp_path):
    for name, grey, wh in (("road", 200, (320, 180)), ("driver", 40, (100, 90))):
        Image.new("RGB", wh, (grey,) * 3).save(tmp_path / f"{name}.png")
    clip = make_clip(tmp_path / "c.mp4", tmp_path / "road.png", tmp_path / "driver.png")
    assert clip.pixels.shape == (1, 180 + 288, 320, 3) and clip.times_s == (0.0,)
    assert shades(clip, slice(0, 180)) == pytest.approx([200], abs=2)
    assert shades(clip, slice(180, None)) == pytest.approx([40], abs=2)
    # A still beside a clip lasts as long as the clip.
    road = video(tmp_path / "road.mp4", tenths(0, 1))
    both = make_clip(tmp_path / "d.mp4", road, tmp_path / "driver.png")
    assert both.times_s == (0.0, 0.5)


def test_what_the_content_is_decides(tmp_path):
    video(tmp_path / "a.mp4", [0.0, 0.5]).rename(tmp_path / "a.jpg")
    assert isinstance(load_media(tmp_path / "a.jpg"), ClipInput)
    Image.new("RGB", (32, 32)).save(tmp_path / "b.png")
    (tmp_path / "b.png").rename(tmp_path / "b.mp4")
    assert isinstance(load_media(tmp_path / "b.mp4"), ImageInput)


def test_bad_files_are_refused_in_words(tmp_path):
    good = video(tmp_path / "good.mp4", tenths(0, 2)).read_bytes()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "cut.mp4").write_bytes(good[:200])
    playlist = f"#EXTM3U\n#EXTINF:2,\n{tmp_path}/good.mp4\n#EXT-X-ENDLIST\n"
    (tmp_path / "text.mp4").write_text(playlist)
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 8000
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    for name in ("empty", "cut", "text", "sound", "absent"):
        with pytest.raises(UserError) as refused:
            load_clip(tmp_path / f"{name}.mp4")
        assert refused.value.field == "clip" and refused.value.expected


def test_a_clip_that_breaks_off_keeps_what_was_read(tmp_path):
    path = video(tmp_path / "a.mkv", tenths(0, 4), (320, 240))
    data = path.read_bytes()
    (tmp_path / "b.mkv").write_bytes(data[: len(data) * 2 // 3])
    clip = load_clip(tmp_path / "b.mkv")
    assert 1 <= len(clip.times_s) < 8


def test_views_of_a_comment_are_checked(tmp_path):
    """A stranger's file may carry our mark."""
    for told in ("{", json.dumps({"views": 3})):
        clip = load_clip(video(tmp_path / "a.mp4", [0.0, 0.5], comment=f"sightline {told}"))
        assert clip.views == (ClipView("road", 0, 64),)
    told = json.dumps({"views": [["road", 0, 10]]})
    with pytest.raises(UserError, match="do not cover"):
        load_clip(video(tmp_path / "a.mp4", [0.0, 0.5], comment=f"sightline {told}"))


@pytest.mark.skipif(not REAL.is_dir(), reason="no real clips here")
def test_real_clips():
    for path in sorted(REAL.glob("*.mp4")):
        clip = load_clip(path)
        assert clip.size_wh[0] <= 640 and len(clip.times_s) >= 2
        assert np.diff(clip.times_s) == pytest.approx(0.5)


# ---- through the model --------------------------------------------------------------------------


def make(frames: int = 4, wh: tuple[int, int] = (168, 196)) -> ClipInput:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (frames, wh[1], wh[0], 3), dtype=np.uint8)
    views = (ClipView("road", 0, 84), ClipView("driver", 84, wh[1]))
    return ClipInput(pixels, tuple(i / 2 for i in range(frames)), "0" * 64, "clip", views)


@pytest.fixture
def for_clips(monkeypatch):
    monkeypatch.setitem(TASK.__dict__, "media", "clip")


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_painted_cell_is_found_in_its_frame(family, zoo):
    backbone = zoo.predictor(family)._backbone
    clip = make(5)
    plain = np.full_like(clip.pixels, 60)
    before = backbone.preprocess(plain, clip.times_s)
    grid = before.grid
    temporal = 1 if family == "smolvlm" else 2
    assert (grid.frames, grid.temporal) == (-(-5 // temporal), temporal)
    assert len(before.times_s) == grid.frames
    features = _features(backbone.encode(before))
    assert len(features) == grid.n_tokens
    found = []
    for frame in range(5):
        for cell in (0, grid.cols, grid.rows * grid.cols - 1):
            x1, y1, x2, y2 = (round(v) for v in grid.cell_px(cell))
            painted = plain.copy()
            painted[frame, y1:y2, x1:x2] = 255 - painted[frame, y1:y2, x1:x2]
            change = _features(backbone.encode(backbone.preprocess(painted, clip.times_s)))
            moved = (change - features).norm(dim=-1).view(grid.frames, -1)
            assert int(moved.sum(1).argmax()) == frame // temporal
            found.append(int(moved[frame // temporal].argmax()) == cell)
    assert np.mean(found) > 0.7, "a random tower mixes a little, but never reorders"


def _features(out: Any) -> torch.Tensor:
    return torch.cat([part.flatten(0, -2) for part in out.pooler_output])


@pytest.mark.parametrize("family", FAMILIES)
def test_both_sides_as_if_alone(family, zoo, for_clips):
    """One mixed batch over one pass of the vision tower says what plain `generate` says."""
    predictor = zoo.predictor(family)
    clip = make()
    request = PairRequest(prompt=PROMPT, adapter="patch", max_new_tokens=6)
    pair = predictor.predict_pair(clip, request)
    assert pair.finetuned is not None
    for side in (pair.base, pair.finetuned):
        frames, rows, cols = side.trace.grid.shape
        assert side.trace.attention.shape[-1] == frames * rows * cols
        assert 0 < side.trace.attention.sum(-1).mean() < 1
    backbone = predictor._backbone
    media = backbone.preprocess(clip.pixels, clip.times_s)
    ids = torch.tensor([backbone.tokenize(media, PROMPT)])
    with predictor._adapters.bank.whole(None), torch.inference_mode():
        said = backbone.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            **backbone.token_types(ids),
            **media.pixel_inputs,
            **{k: v for k, v in media.context_inputs.items() if k not in media.pixel_inputs},
            max_new_tokens=6,
            do_sample=False,
            suppress_tokens=backbone.media_ids,
        )
    text = backbone.tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True).strip()
    assert pair.base.text == text
    assert any("single images" in note for note in pair.notes)


@pytest.mark.parametrize("family", FAMILIES)
def test_times_are_told(family, zoo):
    """In words (Qwen3-VL, SmolVLM) or in positions (Qwen2.5-VL: twice the gap, other positions)."""
    backbone = zoo.predictor(family)._backbone
    clip = make()
    some = [backbone.preprocess(clip.pixels, times) for times in ((0, 0.5, 1, 1.5), (0, 2, 4, 6))]
    texts = [backbone.tokenizer.decode(backbone.tokenize(m, PROMPT)) for m in some]
    if family == "qwen2_5_vl":
        assert [float(m.context_inputs["second_per_grid_ts"]) for m in some] == [1.0, 4.0]
    elif family == "qwen3_vl":
        assert "<0.2 seconds>" in texts[0] and "<5.0 seconds>" in texts[1]
    elif family == "smolvlm":
        assert "4 frames from a 0:00:06" in texts[1] and "Frame from 00:04:" in texts[1]


def test_the_other_media_is_refused(zoo, make_image):
    with pytest.raises(UserError) as refused:
        zoo.predictor("qwen2_vl").predict_pair(make(), PairRequest(prompt=PROMPT))
    assert (refused.value.expected, refused.value.got) == ("an image", "a clip")


def test_a_scorer_takes_frames(zoo, for_clips):
    predictor, clip = zoo.predictor("qwen2_vl"), make()
    request = PairRequest(prompt=PROMPT)
    score = predictor.scorer(clip, request, "base", predictor.encode_answer("brake"))
    assert score(clip.pixels) != score(255 - clip.pixels)
    with pytest.raises(UserError):
        score(clip.pixels[:2])
