"""Clips: decoded by timestamps, sampled, two cameras stacked into one file that everything reads.

What the model is shown, what a person corrects and what a training learns from must be the same
frames. So uploads are sampled once into one small file (`make_clip`), and that file is what is
predicted on, kept and trained on (`load_clip`). Knows no model. PyAV does the decoding.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.errors import UserError
from inference.inputs import ClipInput, ClipView
from inference.media import is_image, load_image

MAX_BYTES = 500_000_000
MAX_PIXELS = 3840 * 2160  # a frame
MAX_RATE = 240  # decoded frames a second of clip; beyond it a file is not a dashcam's
MIN_SIDE = 16
TICKS = 1000  # of a second, in the files that we write
QUALITY = "16"  # x264's constant rate factor; 18 is called visually lossless
MARK = "sightline "  # what the comment of our own files begins with
NO_CLIP, CONTAINERS = "The file is not a clip that can be opened", "MP4, MOV, MKV, WebM or AVI"
SLACK_S = 0.001  # a frame that is due this much later counts as due

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Sampling:
    """fps: sampled frames a second, by time. max_frames: what comes later is left out. width_px:
    of a view, at most. offset_s: how much later the driver camera's clip starts than the road's.

    Source: 2 FPS and at most 128 frames as in the safe driving instruction paper
    (001_b632e340e95d1934.txt).
    """

    fps: float = 2.0
    max_frames: int = 128
    width_px: int = 640
    offset_s: float = 0.0

    def __post_init__(self) -> None:
        limits = {"fps": (0.1, 30), "max_frames": (1, 512), "width_px": (64, 1920)}
        for name, (least, most) in {**limits, "offset_s": (-3600, 3600)}.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise UserError(
                    "The clip cannot be sampled so",
                    expected=f"{least} to {most}",
                    got=str(value),
                    field=name,
                )


def load_clip(path: str | Path, sampling: Sampling | None = None) -> ClipInput:
    """Read a clip: one that `make_clip` wrote as it is, any other one sampled, as one view.

    Raises:
        UserError: (field "clip") it cannot be read, or a limit is broken.
    """
    path = Path(path)
    sampling = sampling or Sampling()
    with _opened(path) as container:
        comment = str(container.metadata.get("comment", ""))
        if comment.startswith(MARK):
            views = _views(comment.removeprefix(MARK))
            shown = [(t, _upright(f)) for t, f in _frames(container, MAX_RATE * TICKS)]
            times = tuple(round(t, 3) for t, _ in shown)
            frames = np.stack([frame for _, frame in shown])
        else:
            times, frames, views = *_sampled(container, sampling, 0.0), ()
    return ClipInput(frames, times, _sha256(path), path.name, views)


def make_clip(
    target: Path, road: Path, driver: Path | None = None, sampling: Sampling | None = None
) -> ClipInput:
    """Sample one or two uploads (clips or images) into one file, the road above the driver.

    Args:
        target: the file to write, ending in .mp4.

    Returns:
        What `load_clip` reads from it.

    Raises:
        UserError: (field "clip") an upload cannot be read, or the two do not overlap in time.
    """  # fmt: skip
    sampling = sampling or Sampling()
    start = max(0.0, sampling.offset_s) if driver is not None else 0.0
    views = [_view(road, sampling, start)]
    if driver is not None:
        views.append(_view(driver, sampling, start - sampling.offset_s))
    count = min((len(v) for _, v, still in views if not still), default=1)
    if count == 0:
        raise UserError(
            "The two clips do not overlap",
            expected="an offset within both clips' length",
            got=f"{sampling.offset_s:g} s",
            field="clip",
        )
    times = next((t for t, _, still in views if not still), (0.0,))[:count]
    width = views[0][1].shape[2]
    stacked, named, y = [], [], 0
    for name, (_, frames, still) in zip(("road", "driver"), views, strict=False):
        some = np.repeat(frames[:1], count, axis=0) if still else frames[:count]
        fitted = _fitted(some, width)
        stacked.append(fitted)
        named.append(ClipView(name, y, y + fitted.shape[1]))
        y += fitted.shape[1]
    write_clip(target, np.concatenate(stacked, axis=1), times, named)
    return load_clip(target)


def _view(path: Path, sampling: Sampling, start_s: float) -> tuple[tuple[float, ...], Pixels, bool]:
    """Times, frames, and whether it is a still that lasts as long as the other view."""
    if is_image(path):
        frame = _shrunk(Image.fromarray(load_image(path).pixels), sampling.width_px)
        return (0.0,), frame[None], True
    with _opened(path) as container:
        return *_sampled(container, sampling, start_s), False


def _sampled(
    container: Any, sampling: Sampling, start_s: float
) -> tuple[tuple[float, ...], Pixels]:
    """Each due time's frame: the last that is shown by then. Times count from start_s."""
    dues = [start_s + i / sampling.fps for i in range(sampling.max_frames)]
    taken: list[Any] = []
    shown, ended = None, 0.0
    for ended, frame in _frames(container, MAX_RATE * dues[-1] + 100):
        while shown is not None and len(taken) < len(dues) and dues[len(taken)] < ended - SLACK_S:
            taken.append(_upright(shown, sampling.width_px))
        shown = frame
        if len(taken) == len(dues):
            break
    while shown is not None and len(taken) < len(dues) and dues[len(taken)] <= ended + SLACK_S:
        taken.append(_upright(shown, sampling.width_px))
    times = tuple(due - start_s for due in dues[: len(taken)])
    return times, np.stack(taken) if taken else np.zeros((0, 1, 1, 3), np.uint8)


def _frames(container: Any, most: float) -> Iterator[tuple[float, Any]]:
    """(seconds from the first frame, frame as decoded) of each, in order of time.

    A damaged frame ends the clip; before the first one that is an error.
    """
    first: float | None = None
    before = -1.0
    try:
        for number, frame in enumerate(container.decode(video=0)):
            if number > most:
                raise _refused("The clip has too many frames", f"at most {MAX_RATE} a second")
            if frame.width * frame.height > MAX_PIXELS:
                raise _refused("The clip's frames are too large", "at most 3840 x 2160 pixels")
            time = float(frame.time) if frame.time is not None else before + 1 / 30
            first = time if first is None else first
            if time - first <= before:  # a stamp that does not rise adds nothing
                continue
            before = time - first
            yield before, frame
    except av.error.FFmpegError as error:
        if first is None:
            raise _refused("The clip cannot be decoded", "a clip with a video stream") from error
    if first is None:
        raise _refused("The clip has no frames", "at least one")


def _upright(frame: Any, width_px: int | None = None) -> Pixels:
    """RGB of one decoded frame, turned as its side data say, at most width_px wide."""
    quarter = round(frame.rotation / 90) % 4
    if width_px is not None:
        across = frame.width if quarter % 2 == 0 else frame.height
        scale = min(1.0, width_px / across)
        frame = frame.reformat(_even(frame.width * scale), _even(frame.height * scale), "rgb24")
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), quarter))


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _shrunk(image: Image.Image, width_px: int) -> Pixels:
    scale = min(1.0, width_px / image.width)
    size = _even(image.width * scale), _even(image.height * scale)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def _fitted(frames: Pixels, width: int) -> Pixels:
    """The frames at exactly that width, of even height."""
    if frames.shape[2] == width:
        return frames
    height = _even(frames.shape[1] * width / frames.shape[2])
    images = [Image.fromarray(f).resize((width, height), Image.Resampling.LANCZOS) for f in frames]
    return np.stack([np.asarray(image) for image in images])


def write_clip(
    target: Path, frames: Pixels, times: Sequence[float], views: Sequence[ClipView]
) -> None:
    """A file for `load_clip`: H.264 in MP4, which browsers play, times to the millisecond. It is
    nearly lossless; what was read from it is what counts."""
    told = {"views": [[v.name, v.y1, v.y2] for v in views]}
    base = Fraction(1, TICKS)
    with av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as out:
        out.metadata["comment"] = MARK + json.dumps(told, separators=(",", ":"))
        stream = out.add_stream("libx264", rate=Fraction(2), options={"crf": QUALITY, "bf": "0"})
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt, stream.time_base = "yuv420p", base
        stream.codec_context.time_base = base
        for time, pixels in zip(times, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(time * TICKS), base
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


def _views(told: str) -> tuple[ClipView, ...]:
    """The views of a file that we wrote; a comment that was tampered with has none."""
    try:
        return tuple(ClipView(str(n), int(a), int(b)) for n, a, b in json.loads(told)["views"])
    except (ValueError, KeyError, TypeError):
        return ()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The container, checked. What does not begin as a clip is not opened: a playlist would name
    other files of the server."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _refused("The file cannot be read", "a file", path.name) from error
    if not 0 < size <= MAX_BYTES:
        got = f"{size / 1e6:.0f} MB" if size else "an empty file"
        raise _refused("The clip's file is too large or empty", "at most 500 MB", got)
    if is_image(path):
        raise _refused(NO_CLIP, CONTAINERS, path.name)
    try:
        container = av.open(str(path), options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError) as error:
        raise _refused(NO_CLIP, CONTAINERS, path.name) from error
    with container:
        if not container.streams.video:
            raise _refused("The clip has no video", "a video stream", path.name)
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MAX_PIXELS or 0 < min(width, height) < MIN_SIDE:
            raise _refused(
                "The clip's frames have a wrong size",
                f"{MIN_SIDE} pixels a side to 3840 x 2160",
                f"{width} x {height}",
            )
        yield container


def _refused(message: str, expected: str, got: str | None = None) -> UserError:
    return UserError(message, expected=expected, got=got, field="clip")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
