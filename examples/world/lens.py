"""The camera: distortion, exposure, colour, blur, noise, overlay text, JPEG."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from examples.world.camera import between
from examples.world.plan import ScenePlan
from examples.world.scenery.banks import GRAIN_ZERO, grain

LEAST_CHROMA = 0.0008  # a quarter of a pixel at the edge of an image 640 wide: nobody sees less


@lru_cache(maxsize=32)
def _barrel(width: int, height: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Sampling maps of a barrel distortion of strength ``step`` / 100; corners stay in view."""
    k = step / 100
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    y = y * (9 / 16)
    r2 = x[None, :] ** 2 + y[:, None] ** 2
    scale = (1 + k * r2) / (1 + k * (1 + (9 / 16) ** 2))
    mx = (x[None, :] * scale + 1) / 2 * width - 0.5
    my = (y[:, None] * scale * (16 / 9) + 1) / 2 * height - 0.5
    return cv2.convertMaps(mx.astype(np.float32), my.astype(np.float32), cv2.CV_16SC2)


def distortion(plan: ScenePlan) -> int:
    """Strength of the barrel distortion in hundredths; 0 in most scenes."""
    rng = plan.rng("barrel")
    if rng.random() > (0.25 if plan.camera.hfov_deg < 75 else 0.6):
        return 0
    return int(rng.integers(1, 4)) * (4 if plan.camera.hfov_deg > 75 else 3)


def warp(image: np.ndarray, step: int, exact: bool) -> np.ndarray:
    """Distort an image (bilinear) or a map of labels (``exact``: nearest)."""
    if step == 0:
        return image
    maps = _barrel(image.shape[1], image.shape[0], step)
    mode = cv2.INTER_NEAREST if exact else cv2.INTER_LINEAR
    return cv2.remap(image, *maps, mode, borderMode=cv2.BORDER_REPLICATE)


def _tone(rng: np.random.Generator, dark: bool) -> np.ndarray:
    """3x256 look-up tables: contrast, gamma and white balance."""
    x = np.linspace(0, 1, 256)
    gamma = rng.uniform(0.8, 1.25)
    y = x**gamma
    contrast = rng.uniform(0.0, 0.6)
    y = y * (1 - contrast) + contrast * (3 * y * y - 2 * y**3)
    y = y + rng.uniform(-0.03, 0.05) * (1 - y) * (0.4 if dark else 1)
    warm, green = rng.normal(0, 0.05), rng.normal(0, 0.025)
    gains = np.array((1 + warm, 1 + green, 1 - warm))
    if rng.random() < 0.04:
        gains = gains * np.array((1.1, 0.88, 1.12))
    return np.clip(y * gains[:, None] * 255, 0, 255).astype(np.uint8)


@lru_cache(maxsize=8)
def _vignette(width: int, height: int) -> np.ndarray:
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return np.clip((x * x + y * y) / 2, 0, 1)


def _chroma(planes: list[np.ndarray], rng: np.random.Generator) -> None:
    """Lateral colour of a cheap lens: red a little larger than green, blue smaller."""
    h, w = planes[0].shape
    shift = rng.normal(0, 0.0012)
    if abs(shift) < LEAST_CHROMA:
        return
    for plane, s in ((0, 1 + shift), (2, 1 - shift)):
        matrix = np.array([[s, 0, (1 - s) * w / 2], [0, s, (1 - s) * h / 2]])
        planes[plane] = cv2.warpAffine(planes[plane], matrix, (w, h), flags=cv2.INTER_LINEAR,
                                       borderMode=cv2.BORDER_REPLICATE)  # fmt: skip


def _text(image: np.ndarray, rng: np.random.Generator) -> None:
    h, w = image.shape[:2]
    scale = w / 640 * rng.uniform(0.3, 0.5)
    words = f"20{rng.integers(14, 26)}/{rng.integers(1, 13):02d}/{rng.integers(1, 29):02d} " + (
        f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}:{rng.integers(0, 60):02d}"
    )
    if rng.random() < 0.4:
        words += f" {rng.integers(0, 110)}KM/H"
    if rng.random() < 0.3:
        words = ("DASHCAM ", "CAM1 ", "DRIVE ")[int(rng.integers(0, 3))] + words
    y = int(h * (0.97 if rng.random() < 0.7 else 0.06))
    x = int(w * rng.choice((0.02, 0.35, 0.6)))
    ink = ((255, 255, 255), (255, 230, 60), (255, 140, 40))[int(rng.integers(0, 3))]
    font = cv2.FONT_HERSHEY_SIMPLEX
    wide = max(1, round(scale * 1.6))
    cv2.putText(image, words, (x, y), font, scale, (0, 0, 0), wide + 1, cv2.LINE_AA)
    cv2.putText(image, words, (x, y), font, scale, ink, wide, cv2.LINE_AA)


def _blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Defocus, motion and a mild over-sharpening as cheap cameras do."""
    unit = image.shape[1] / 640
    draw = rng.random()
    if draw < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.35, 1.3) * unit + 0.05)
    if draw < 0.62:
        n = max(2, int(rng.uniform(2, 6) * unit))
        size = (n, 1) if rng.random() < 0.6 else (1, n)
        return cv2.blur(image, size)
    if draw < 0.8:
        soft = cv2.GaussianBlur(image, (0, 0), 1.1 * unit)
        return cv2.addWeighted(image, 1.5, soft, -0.5, 0)
    return image


def _metered(image: np.ndarray, time: str, rng: np.random.Generator) -> float:
    """Exposure of a camera that aims at a mean brightness, and does so only in part."""
    mean = float(np.minimum(image[4::8, 4::8], 1.2).mean())
    if time == "night":
        goal, trust = float(np.exp(rng.uniform(np.log(0.09), np.log(0.3)))), 0.75
    else:
        goal, trust = rng.uniform(0.3, 0.6) * (0.75 if time == "dusk" else 1.0), 0.8
    return between((goal / max(mean, 1e-3)) ** trust, 0.3, 4.0)


def _shoulder(image: np.ndarray, gain: float, white: float = 2.2) -> np.ndarray:
    """Reinhard's curve: what is brighter than white is compressed, not cut."""
    lit = image * np.float32(gain)
    bright = cv2.multiply(lit, lit + np.float32(white**2))
    lit += 1
    return cv2.divide(bright, lit, bright, scale=1.35 / white**2)


def expose(image: np.ndarray, plan: ScenePlan) -> np.ndarray:
    """uint8 RGB image as the camera's file shows it, from float32 light (1 = white)."""
    rng = plan.rng("lens")
    h, w = image.shape[:2]
    night = plan.look.time_of_day == "night"
    gain = _metered(image, plan.look.time_of_day, rng)
    if night:
        image = _shoulder(image, gain)
        gain = 1.0
    if rng.random() < 0.7:
        edge = gain - _vignette(w, h) * np.float32(rng.uniform(0.1, 0.6) * gain)
        out = cv2.multiply(image, cv2.merge([edge] * 3), scale=255, dtype=cv2.CV_8U)
    else:
        out = cv2.convertScaleAbs(image, alpha=255 * gain)
    grey = rng.uniform(-0.25, 0.55)
    if abs(grey) > 0.05:
        mono = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        out = cv2.addWeighted(out, 1 - grey, mono, grey, 0)
    planes = [cv2.LUT(p, t) for p, t in zip(cv2.split(out), _tone(rng, night), strict=True)]
    if rng.random() < 0.5:
        _chroma(planes, rng)
    out = _blur(cv2.merge(planes), rng)
    out = _noise(out, rng, night)
    if rng.random() < 0.2:
        _text(out, rng)
    quality = int(rng.integers(30, 96))
    coded = cv2.imencode(".jpg", cv2.cvtColor(out, cv2.COLOR_RGB2BGR),
                         [cv2.IMWRITE_JPEG_QUALITY, quality])[1]  # fmt: skip
    return cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB)


def _noise(image: np.ndarray, rng: np.random.Generator, night: bool) -> np.ndarray:
    h, w = image.shape[:2]
    level = rng.uniform(0, 0.35) ** 1.3 if not night else rng.uniform(0.05, 0.4)
    y, x = int(rng.integers(0, 400)), int(rng.integers(0, 100))
    if level < 0.04 or h > 1000 or w > 1300:
        return image
    part = grain(71)[y : y + h, x : x + w]
    return cv2.addWeighted(image, 1.0, part, float(level), -GRAIN_ZERO * float(level))
