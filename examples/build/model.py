"""The embedded Qwen2-VL: its configuration, its first weights, and a fast pass of its vision tower."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from examples.build.settings import IMAGE_MEAN, IMAGE_STD, MERGE, PATCH, Shape


def make_config(shape: Shape, tokens: dict[str, int], vocab_size: int) -> Qwen2VLConfig:
    """tokens: ids of the special tokens by their text."""
    rope = {"rope_type": "default", "rope_theta": shape.rope_theta,
            "mrope_section": list(shape.mrope_section)}  # fmt: skip
    return Qwen2VLConfig(
        text_config={
            "vocab_size": vocab_size, "hidden_size": shape.width,
            "intermediate_size": shape.mlp_width, "num_hidden_layers": shape.depth,
            "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
            "max_position_embeddings": 4096, "rope_parameters": rope,
            "bos_token_id": tokens["<|endoftext|>"], "eos_token_id": tokens["<|im_end|>"],
            "pad_token_id": tokens["<|endoftext|>"],
        },
        vision_config={
            "depth": shape.vision_depth, "embed_dim": shape.vision_width,
            "hidden_size": shape.width, "num_heads": shape.vision_heads,
            "mlp_ratio": shape.vision_mlp_ratio, "patch_size": PATCH, "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
        },
        image_token_id=tokens["<|image_pad|>"],
        video_token_id=tokens["<|video_pad|>"],
        vision_start_token_id=tokens["<|vision_start|>"],
        vision_end_token_id=tokens["<|vision_end|>"],
        tie_word_embeddings=True,
    )  # fmt: skip


def new_model(config: Qwen2VLConfig, seed: int) -> Qwen2VLForConditionalGeneration:
    """A model with fresh weights; the vision tower starts out attending to its neighbourhood."""
    torch.manual_seed(seed)
    model = Qwen2VLForConditionalGeneration(config).float()
    for module in model.model.visual.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=module.in_features**-0.5)
    _start_with_cosines(model.model.visual.patch_embed.proj)
    for block in model.model.visual.blocks:
        _start_local(block.attn)
        for out in (block.attn.proj, block.mlp.fc2):
            out.weight.data.mul_(0.5)
    return model


def _start_with_cosines(conv: nn.Conv3d) -> None:
    """Two thirds of the patch filters start as low 2-D cosines on brightness and colour, so that
    the first layers see edges and blobs from step one."""
    width, _, frames, size, _ = conv.weight.shape
    grid = (np.arange(size) + 0.5) * math.pi / size
    order = sorted(((u, v) for u in range(8) for v in range(8)), key=lambda f: f[0] + f[1])
    colours = {"light": (1, 1, 1), "warm": (1, 0, -1), "green": (-0.5, 1, -0.5)}
    counts = {"light": width * 2 // 5, "warm": width // 8, "green": width // 8}
    filters = []
    for name, count in counts.items():
        for u, v in order[:count]:
            wave = np.outer(np.cos(u * grid), np.cos(v * grid))
            kernel = np.array(colours[name])[:, None, None] * wave
            filters.append(kernel / np.linalg.norm(kernel))
    start = torch.tensor(np.stack(filters), dtype=torch.float32) / frames
    nn.init.trunc_normal_(conv.weight, std=0.02)
    conv.weight.data[: len(start)] = start[:, :, None].expand(-1, -1, frames, -1, -1)


def _start_local(attention: nn.Module) -> None:
    """Equal query and key biases under rotary positions make a head attend where the rotation says:
    each head starts on the patch itself or on one of its neighbours; the last one starts global."""
    dim, heads = attention.dim, attention.num_heads
    head = dim // heads
    quarter = head // 4
    frequency = 10_000.0 ** (-torch.arange(quarter) / quarter)
    steps = [(0, 0), (0, 2), (2, 0), (0, -2), (-2, 0)]
    query, key, _ = attention.qkv.bias.data.view(3, heads, head).unbind(0)
    attention.qkv.weight.data[: 2 * dim].mul_(0.5)
    query.zero_()
    key.zero_()
    for i, (dy, dx) in enumerate(steps[: heads - 1]):
        strength = math.sqrt(14.0)
        gain = torch.where(frequency > 0.05, strength, 0.0)
        angle = torch.cat([frequency * dy, frequency * dx])
        gain = torch.cat([gain, gain])
        query[i] = torch.cat([gain, torch.zeros_like(gain)])
        key[i] = torch.cat([gain * angle.cos(), gain * -angle.sin()])


def patches_of(images: Tensor) -> Tensor:
    """(B, H, W, 3) uint8 -> (B, patches, 3 * 14 * 14) normalised, in Qwen's order: the four
    patches of an image token stand together."""
    x = images.float() / 255
    mean = torch.tensor(IMAGE_MEAN, device=x.device)
    std = torch.tensor(IMAGE_STD, device=x.device)
    x = ((x - mean) / std).permute(0, 3, 1, 2)
    b, c, h, w = x.shape
    rows, cols = h // (PATCH * MERGE), w // (PATCH * MERGE)
    x = x.reshape(b, c, rows, MERGE, PATCH, cols, MERGE, PATCH)
    return x.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(b, rows * cols * MERGE**2, -1)


def vision_angles(rows: int, cols: int, head: int, device: torch.device | str) -> Tensor:
    """(patches, head / 2) rotary angles for a grid of image tokens, in Qwen's patch order."""
    y, x = torch.meshgrid(torch.arange(rows * MERGE), torch.arange(cols * MERGE), indexing="ij")
    quarter = head // 4
    frequency = 10_000.0 ** (-torch.arange(quarter).float() / quarter)

    def ordered(p: Tensor) -> Tensor:
        return p.reshape(rows, MERGE, cols, MERGE).permute(0, 2, 1, 3).reshape(-1).float()

    angles = [ordered(p)[:, None] * frequency for p in (y, x)]
    return torch.cat(angles, dim=1).to(device)


def encode(visual: nn.Module, patches: Tensor, angles: Tensor) -> Tensor:
    """The vision tower over a batch of equally large images: (B, patches, 588) -> (B, tokens, d).

    The same weights and arithmetic as transformers' Qwen2VisionTransformer, which walks over the
    images one by one; tested to agree with it. A still fills both temporal slots of a patch, so
    the two halves of the kernel add up.
    """
    kernel = visual.patch_embed.proj.weight.sum(2).flatten(1)
    x = patches @ kernel.T
    cos, sin = angles.cos(), angles.sin()
    cos, sin = torch.cat([cos, cos], -1), torch.cat([sin, sin], -1)
    for block in visual.blocks:
        x = x + _attend(block.attn, block.norm1(x), cos, sin)
        x = x + block.mlp(block.norm2(x))
    merged: Tensor = visual.merger.ln_q(x).reshape(x.shape[0], x.shape[1] // MERGE**2, -1)
    return visual.merger.mlp(merged)


def _attend(attention: nn.Module, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    b, n, dim = x.shape
    q, k, v = attention.qkv(x).view(b, n, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    q, k = q * cos + _rotate(q) * sin, k * cos + _rotate(k) * sin
    out = F.scaled_dot_product_attention(q, k, v)
    return attention.proj(out.transpose(1, 2).reshape(b, n, dim))


def _rotate(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat([-b, a], -1)
