"""Random views of a stored scene (crop, mirror, colour) and the dense targets that belong to them.

Cropping and mirroring act on the image and on its truth alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from examples.build.scenes import StoredScene
from examples.build.settings import MERGE, PATCH
from examples.world import SEMANTICS

KINDS = (
    "none", "car", "van", "truck", "bus", "motorcycle", "cyclist", "pedestrian", "animal",
    "debris", "cone", "barrier",
)  # fmt: skip
COLOURS = (
    "white", "black", "silver", "grey", "red", "blue", "green", "yellow", "orange", "brown",
)  # fmt: skip
SWAP = {"left": "right", "right": "left"}
MOTIONS = ("away", "towards", "left", "right", "stopped", "parked")
NO_RISK_TARGET = frozenset({"debris", "animal"})  # the base learns to find these, not to fear them
CELL = 8  # map cells along one side of an image token
Box01 = tuple[float, float, float, float]
LOG_FAR = float(np.log(200.0))


@dataclass(frozen=True)
class AgentView:
    """An agent in a view. box01: visible xyxy in [0, 1]; the rest as in world.Agent."""

    index: int
    kind: str
    colour: str
    motion: str
    braking: bool
    indicating: str | None
    in_path: bool
    entering_path: bool
    depth_m: float
    risk: float
    box01: Box01

    @property
    def centre01(self) -> tuple[float, float]:
        x1, y1, x2, y2 = self.box01
        return (x1 + x2) / 2, (y1 + y2) / 2

    @property
    def area01(self) -> float:
        x1, y1, x2, y2 = self.box01
        return max(x2 - x1, 0.0) * max(y2 - y1, 0.0)


@dataclass(frozen=True)
class View:
    """image: (rows * 28, cols * 28, 3) uint8. maps: (rows * 8, cols * 8). hazard01: x, y or None
    where the crop lost the hazard."""

    image: NDArray[np.uint8]
    instances: NDArray[np.uint8]
    semantics: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    agents: tuple[AgentView, ...]
    hazard: AgentView | None
    rationale: str
    scene: StoredScene


def make_view(scene: StoredScene, grid: tuple[int, int], rng: np.random.Generator | None) -> View:
    """A view on a grid of (rows, cols) image tokens; without rng the whole image, untouched."""
    height, width = scene.image.shape[:2]
    box = (0.0, 0.0, 1.0, 1.0) if rng is None else _crop(rng, width, height, grid)
    mirrored = rng is not None and rng.random() < 0.5
    rows, cols = grid
    side = PATCH * MERGE
    image = _cut(scene.image, box)
    image = cv2.resize(image, (cols * side, rows * side), interpolation=cv2.INTER_AREA)
    maps = [
        cv2.resize(_cut(m, box), (cols * CELL, rows * CELL), interpolation=cv2.INTER_NEAREST)
        for m in (scene.instances, scene.semantics, scene.depth_m.astype(np.float32))
    ]
    if mirrored:
        image = image[:, ::-1]
        maps = [m[:, ::-1] for m in maps]
    if rng is not None:
        image = _recolour(image, rng)
    agents = _agents(scene, box, mirrored)
    hazard = next((a for a in agents if a.index == scene.truth["hazard_index"]), None)
    rationale = scene.truth["rationale"]
    if mirrored:
        rationale = re.sub(r"\b(left|right)\b", lambda m: SWAP[m[0]], rationale)
    return View(
        np.ascontiguousarray(image), maps[0], maps[1], maps[2], agents, hazard, rationale, scene
    )


def _crop(rng: np.random.Generator, width: int, height: int, grid: tuple[int, int]) -> Box01:
    """x1, y1, x2, y2 in [0, 1] of a random crop with about the grid's shape."""
    aspect = grid[1] / grid[0] * np.exp(rng.normal(0, 0.06)) * height / width
    size = 1.0 if rng.random() < 0.35 else rng.uniform(0.5, 1.0)
    w, h = (size, size / aspect) if aspect > 1 else (size * aspect, size)
    w, h = min(w, 1.0), min(h, 1.0)
    x, y = rng.uniform(0, 1 - w), rng.uniform(0, 1 - h)
    return x, y, x + w, y + h


def _cut(array: NDArray[np.generic], box: Box01) -> NDArray[np.generic]:
    height, width = array.shape[:2]
    x1, x2 = round(box[0] * width), max(round(box[2] * width), round(box[0] * width) + 1)
    y1, y2 = round(box[1] * height), max(round(box[3] * height), round(box[1] * height) + 1)
    return array[y1:y2, x1:x2]


def _recolour(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Texture, light, exposure, contrast, white balance, saturation, blur, noise and JPEG beyond
    what the world has."""
    x = np.divide(image, 255, dtype=np.float32)
    if rng.random() < 0.3:
        x = _random_convolution(x, rng)
    if rng.random() < 0.3:
        x = x * _uneven_light(x.shape[:2], rng)
    if rng.random() < 0.8:
        x = x ** np.float32(np.exp(rng.normal(0, 0.25)))
        x *= np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.06, 3)).astype(np.float32)
        grey = x.mean(2, keepdims=True)
        x = grey + (x - grey) * np.float32(rng.uniform(0.2, 1.6))
        mean = np.float32(x.mean())
        x = mean + (x - mean) * np.float32(rng.uniform(0.65, 1.35))
    if rng.random() < 0.2:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.3, 1.2))
    if rng.random() < 0.4:
        x = x + rng.standard_normal(x.shape, np.float32) * np.float32(rng.uniform(0.005, 0.04))
    out = (np.clip(x, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.25:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))]
        out = cv2.imdecode(cv2.imencode(".jpg", out, quality)[1], cv2.IMREAD_COLOR)
    return out


def _random_convolution(x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Mixed with its convolution by a random 3 x 3 kernel over all channels: new textures on the
    same shapes (Xu et al. 2021, "Robust and generalizable visual representation learning via
    random convolutions")."""
    kernels = rng.normal(0, 1 / np.sqrt(27), (3, 3, 3, 3)).astype(np.float32)
    mixed = np.stack(
        [sum(cv2.filter2D(x[..., c], -1, kernel[c]) for c in range(3)) for kernel in kernels], -1
    )
    (mean, spread), (own, wide) = ((float(s.mean()) for s in cv2.meanStdDev(a)) for a in (x, mixed))
    mixed = (mixed - own) * np.float32(spread / max(wide, 1e-4)) + np.float32(mean)
    share = np.float32(rng.uniform(0.2, 0.6))
    blend: NDArray[np.float32] = np.clip((1 - share) * x + share * mixed, 0, 1)
    return blend


def _uneven_light(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 1) a smooth field of brightness: shade, glare, a dark corner."""
    coarse = np.exp(rng.normal(0, 0.25, (3, 4))).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)[..., None]


def _agents(scene: StoredScene, box: Box01, mirrored: bool) -> tuple[AgentView, ...]:
    width, height = scene.truth["size_wh"]
    x1, y1, x2, y2 = box
    out = []
    for a in scene.truth["agents"]:
        bx = a["box_px"]
        u1, u2 = ((v / width - x1) / (x2 - x1) for v in (bx[0], bx[2]))
        v1, v2 = ((v / height - y1) / (y2 - y1) for v in (bx[1], bx[3]))
        kept = (min(u2, 1) - max(u1, 0)) * (min(v2, 1) - max(v1, 0))
        full = max((u2 - u1) * (v2 - v1), 1e-9)
        if min(u2, v2) <= 0 or max(u1, v1) >= 1 or kept / full < 0.5:
            continue
        if mirrored:
            u1, u2 = 1 - u2, 1 - u1
        turned = SWAP if mirrored else {}
        view = AgentView(
            a["index"], a["kind"], a["colour"], turned.get(a["motion"], a["motion"]), a["braking"],
            turned.get(a["indicating"], a["indicating"]), a["in_path"], a["entering_path"],
            a["depth_m"], a["risk"], (max(u1, 0.0), max(v1, 0.0), min(u2, 1.0), min(v2, 1.0)),
        )  # fmt: skip
        out.append(view)
    return tuple(out)


def dense_targets(view: View) -> dict[str, NDArray[np.generic]]:
    """What each image token should know, (tokens, ...) arrays in raster order.

    semantics: (N, 4, 15) shares in the token's four patches; log_depth: (N,); agent: (N,) bool;
    kind, colour, motion: (N,) int; flags: (N, 3) braking, in path, entering; offset: (N, 2) from
    the token to its agent's centre, in tokens; log_size: (N, 2); agent_log_depth: (N,);
    risk: (N,) and has_risk: (N,) bool; weight: (N,) so that big agents do not drown small ones.
    """
    rows, cols = view.semantics.shape[0] // CELL, view.semantics.shape[1] // CELL
    n = rows * cols
    one_hot = np.eye(len(SEMANTICS), dtype=np.float32)[view.semantics]
    half = CELL // 2
    shares = one_hot.reshape(rows, 2, half, cols, 2, half, -1).mean((2, 5))
    semantics = shares.transpose(0, 2, 1, 3, 4).reshape(n, 4, -1)
    log_depth = np.log(np.clip(view.depth_m, 1, 200)).reshape(rows, CELL, cols, CELL)
    owner = _owner(view, rows, cols)
    return {
        "semantics": semantics,
        "log_depth": (log_depth.mean((1, 3)).reshape(n) / LOG_FAR).astype(np.float32),
        **_agent_targets(view, owner, rows, cols),
    }


def _owner(view: View, rows: int, cols: int) -> NDArray[np.int64]:
    """(N,) index into view.agents of the agent that a token shows, or -1."""
    n = rows * cols
    cells = view.instances.reshape(rows, CELL, cols, CELL).transpose(0, 2, 1, 3).reshape(n, -1)
    owner = np.full(n, -1, np.int64)
    best = np.full(n, 2, np.int64)  # at least 3 of 64 cells
    for i, agent in enumerate(view.agents):
        count = (cells == agent.index).sum(1)
        better = count > best
        owner[better], best[better] = i, count[better]
    for i, agent in enumerate(view.agents):  # an agent smaller than a token keeps its centre
        if not (owner == i).any():
            x, y = agent.centre01
            token = min(int(y * rows), rows - 1) * cols + min(int(x * cols), cols - 1)
            if owner[token] < 0:
                owner[token] = i
    return owner


def _agent_targets(
    view: View, owner: NDArray[np.int64], rows: int, cols: int
) -> dict[str, NDArray[np.generic]]:
    n = rows * cols
    table = np.zeros((len(view.agents) + 1, 14), np.float32)  # last row: no agent
    for i, a in enumerate(view.agents):
        x1, y1, x2, y2 = a.box01
        cx, cy = a.centre01
        colour = COLOURS.index(a.colour) if a.colour in COLOURS else 0
        table[i] = (
            KINDS.index(a.kind), colour, MOTIONS.index(a.motion), a.braking, a.in_path,
            a.entering_path, cx * cols, cy * rows, np.log(max(x2 - x1, 0.005)),
            np.log(max(y2 - y1, 0.005)), np.log(np.clip(a.depth_m, 1, 200)) / LOG_FAR, a.risk,
            a.kind not in NO_RISK_TARGET, 1 / np.sqrt(max((owner == i).sum(), 1)),
        )  # fmt: skip
    t = table[owner]
    row, col = np.divmod(np.arange(n), cols)
    centre = np.stack([col, row], 1) + 0.5
    return {
        "agent": owner >= 0,
        "kind": t[:, 0].astype(np.int64),
        "colour": t[:, 1].astype(np.int64),
        "motion": t[:, 2].astype(np.int64),
        "flags": t[:, 3:6],
        "offset": (t[:, 6:8] - centre).astype(np.float32),
        "log_size": t[:, 8:10],
        "agent_log_depth": t[:, 10],
        "risk": t[:, 11],
        "has_risk": t[:, 12] > 0,
        "weight": t[:, 13],
    }
