"""Every number that the embedded models are built with. Seeds of the three splits never meet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "examples" / "models"
ADAPTERS = ROOT / "examples" / "adapters"
MEDIA = ROOT / "examples" / "media"
BASE_MODEL = MODELS / "sightline-tiny"
WORK = ROOT / "build"  # resumable intermediate results, not in git
TRAIN = WORK / "train"  # checkpoints and logs of the stages
NEXT = MODELS / "next"  # weights of a stage under way, in git: a lost machine costs one session

TRAIN_SEED = 1_000_000
MEDIA_SEED = 7_000_000
HELDOUT_SEED = 9_000_000  # examples/world/heldout.py
UNSEEN_SLICES = frozenset({"debris", "animal"})  # kept from the hazard adapters' training

IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)  # CLIP's, as Qwen2-VL uses
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)
PATCH = 14
MERGE = 2
MAX_PIXELS = 70_000  # 16:9 becomes 336 x 196: 12 x 7 image tokens


@dataclass(frozen=True)
class Shape:
    """Sizes of the embedded Qwen2-VL. Head width is 32 in both towers."""

    vision_width: int = 160
    vision_depth: int = 6
    vision_heads: int = 5
    vision_mlp_ratio: int = 3
    width: int = 192
    depth: int = 4
    heads: int = 6
    kv_heads: int = 2
    mlp_width: int = 512
    rope_theta: float = 10_000.0
    mrope_section: tuple[int, int, int] = (4, 6, 6)


@dataclass(frozen=True)
class Plan:
    """How long and how hard each stage trains.

    A stage ends at `steps` or, when `minutes` is set, at that wall time if it comes first; the
    learning rate follows whichever is nearer its end, so that it always reaches zero.
    decay: the last share of the stage in which the learning rate falls; 1 is a plain cosine.
    """

    steps: int
    batch: int
    lr: float
    weight_decay: float = 0.02
    warmup: float = 0.03
    decay: float = 1.0
    minutes: float | None = None
    seed: int = 42


@dataclass(frozen=True)
class Recipe:
    """The whole build."""

    shape: Shape = Shape()
    scenes: int = 81_920
    shard: int = 128
    stored_wh: tuple[int, int] = (400, 225)
    grids: tuple[tuple[int, int], ...] = ((7, 12), (8, 10), (6, 13))
    grid_shares: tuple[float, ...] = (0.8, 0.1, 0.1)
    # The vision tower alone also learns the sizes that a clip's frames have.
    vision_grids: tuple[tuple[int, int], ...] = ((7, 12), (8, 10), (6, 13), (3, 6), (4, 6))
    vision_grid_shares: tuple[float, ...] = (0.7, 0.1, 0.08, 0.06, 0.06)
    questions: int = 4  # about one image in a training sequence
    feature_views: int = 1
    vision: Plan = Plan(24_000, 24, 1.2e-3, warmup=0.01, decay=0.3)
    language: Plan = Plan(6000, 12, 1.5e-3)
    adapter: Plan = Plan(433, 16, 2e-3, weight_decay=0.0, warmup=0.1)
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    lora_targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    lambda_text: float = 1.0
    lambda_coord: float = 0.1
    lambda_offset: float = 1.0  # not in the paper; the patch head alone
