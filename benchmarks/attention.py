"""Row capture against plain SDPA and against eager attention that returns every matrix.

One teacher-forced pass of a random Qwen2-VL language model: an image's tokens, then a question and
an answer, of which the answer's rows are kept. Times come from one process, turn by turn; peaks
from a process each. Weights are random: time and memory do not depend on what they are.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLTextConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLTextModel

from benchmarks.measure import in_child, interleaved, medians, peak_mb, ratio, seconds
from inference.backbones.rows import IMPLEMENTATION, RowCapture

WAYS = ("sdpa", "rows", "eager")
Size = dict[str, int]
# Heads are 128 wide and the inner layer is wide, as in Qwen2-VL, so that the rows' share of the
# work is the real one or more. `tokens` are all: the image's, the question's and the answer's.
FULL = {"layers": 12, "heads": 6, "hidden": 768, "tokens": 1_600, "image_tokens": 1_440,
        "answer_tokens": 64, "repetitions": 7}  # fmt: skip
SMOKE = {"layers": 2, "heads": 2, "hidden": 64, "tokens": 96, "image_tokens": 64,
         "answer_tokens": 8, "repetitions": 2}  # fmt: skip
SHARPER = 2.4  # factor on the weights of q and k


def build(size: Size) -> Qwen2VLTextModel:
    """A random language model of that size, grouped-query attention as in Qwen2-VL."""
    torch.manual_seed(0)
    width = size["hidden"] // size["heads"]
    section = [width // 8, width * 3 // 16, width * 3 // 16]
    config = Qwen2VLTextConfig(
        vocab_size=1_000, hidden_size=size["hidden"], intermediate_size=size["hidden"] * 4,
        num_hidden_layers=size["layers"], num_attention_heads=size["heads"],
        num_key_value_heads=max(1, size["heads"] // 6), bos_token_id=None, eos_token_id=None,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": section},
    )  # fmt: skip
    model = Qwen2VLTextModel(config).eval()
    with torch.no_grad():
        # Flat attention would make any two ways agree: sharpen it, until a row's largest weight is
        # about a half. Much sharper, and rounding alone sets SDPA's and eager's layers apart.
        for layer in model.layers:
            layer.self_attn.q_proj.weight.mul_(SHARPER)
            layer.self_attn.k_proj.weight.mul_(SHARPER)
    return model


def inputs(size: Size) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids (1, tokens), rows that predict the answer, columns of the image."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 1_000, (1, size["tokens"]), generator=generator)
    rows = torch.arange(size["tokens"] - size["answer_tokens"] - 1, size["tokens"] - 1)
    return ids, rows, torch.arange(8, 8 + size["image_tokens"])


@torch.inference_mode()
def forward(model: Qwen2VLTextModel, size: Size, way: str) -> Any:
    """One pass; what it found: the rows (rows), all matrices (eager) or nothing (sdpa)."""
    ids, rows, columns = inputs(size)
    model.set_attn_implementation(IMPLEMENTATION if way == "rows" else way)
    if way == "rows":
        capture = RowCapture(rows=rows, columns=columns)
        model(input_ids=ids, use_cache=False, row_capture=capture)
        return capture
    out = model(input_ids=ids, use_cache=False, output_attentions=way == "eager")
    return out.attentions if way == "eager" else None


def difference(model: Qwen2VLTextModel, size: Size) -> float:
    """Largest difference between captured rows and the same rows of the full matrices."""
    _, rows, columns = inputs(size)
    captured, matrices = (forward(model, size, way) for way in ("rows", "eager"))
    if len(captured.layers) != size["layers"]:
        raise RuntimeError(f"captured {len(captured.layers)} of {size['layers']} layers")
    full = {n: matrices[n][:, :, rows][..., columns].transpose(1, 2) for n in captured.layers}
    return max((found - full[n]).abs().max().item() for n, found in captured.layers.items())


def time_all(size: Size) -> dict[str, Any]:
    """Ratios and median seconds, turn by turn, and the largest difference. Runs in a child.

    Rows are timed twice: beside SDPA, and beside eager. All three in one round would not be fair,
    for whoever follows eager pays for the gigabyte that eager hands back.
    """
    model = build(size)
    worst = difference(model, size)
    calls = {way: lambda way=way: seconds(lambda: forward(model, size, way)) for way in WAYS}
    beside_sdpa = {way: calls[way] for way in ("sdpa", "rows")}
    beside_eager = {way: calls[way] for way in ("rows", "eager")}
    interleaved(beside_sdpa, 1)  # warm up
    sdpa = interleaved(beside_sdpa, 2 * size["repetitions"])
    eager = interleaved(beside_eager, max(2, size["repetitions"] // 2))
    return {
        "time_vs_sdpa": ratio(sdpa, "rows", "sdpa"),
        "time_vs_eager": ratio(eager, "rows", "eager"),
        "max_abs_diff": worst,
        "seconds": {**medians(eager), **medians(sdpa)},
    }


def peak_of(way: str, size: Size) -> float:
    """Peak memory in MB of a process that does one pass. Runs in a child."""
    model = build(size)
    forward(model, size, way)
    return peak_mb()


def run(smoke: bool) -> dict[str, Any]:
    size, entry = SMOKE if smoke else FULL, "benchmarks.attention"
    timed = in_child(f"{entry}:time_all", {"size": size})
    peaks = {way: in_child(f"{entry}:peak_of", {"way": way, "size": size}) for way in WAYS}
    extra = (peaks["rows"] - peaks["sdpa"]) / (peaks["eager"] - peaks["sdpa"])
    return {**timed, "extra_memory_vs_eager": extra, "peak_mb": peaks, "size": size}
