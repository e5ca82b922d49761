"""MANIQA: no-reference picture quality from a vision transformer's middle layers, channel attention and shifted windows.

Source: Yang et al., arXiv 2204.08958; names and constants of github.com/IIGROUP/MANIQA, whose ckpt_koniq10k.pt Verse-Bench uses
with 20 random crops of each frame.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench.errors import Unscorable
from avbench.feature import Array
from avbench.rule import hashed

SIDE, PATCH, WINDOW = 224, 8, 4  # pixels, pixels, patches
GRID = SIDE // PATCH  # 28 patches a side
CROPS = 20
RESIDUAL = 0.8  # of a stage of windows beside its input (``scale``)


class Mlp(nn.Module):
    """Two layers with an exact GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to (..., width)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class Attention(nn.Module):
    """Self-attention with one matrix for query, key and value."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, tokens, width) to the same; ``bias`` is added to the products of query and key (B, heads, tokens, tokens)."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.proj(y.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A block of the vision transformer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, width) to the same."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """ViT-B/8 at 224. What follows the last block that is read (the rest, ``norm``, ``head``) is in the checkpoint only."""

    def __init__(self, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, GRID * GRID + 1, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, stride=PATCH)})
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 1000)

    def forward(self, pictures: Tensor, blocks: tuple[int, ...]) -> Tensor:
        """(B, 3, 224, 224) to the patches' outputs of ``blocks``, (B, 784, len(blocks) * width)."""
        tokens = self.patch_embed["proj"](pictures).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1) + self.pos_embed
        outputs = []
        for block in self.blocks[: max(blocks) + 1]:
            x = block(x)
            outputs.append(x[:, 1:])
        return torch.cat([outputs[index] for index in blocks], dim=-1)


class ChannelAttention(nn.Module):
    """The transposed attention block: channels attend to each other over the 784 places."""

    def __init__(self) -> None:
        super().__init__()
        places = GRID * GRID
        self.c_q, self.c_k, self.c_v = (nn.Linear(places, places) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, 784) to the same."""
        products = self.c_q(x) @ self.c_k(x).transpose(1, 2) * x.shape[-1] ** -0.5
        y = products.softmax(dim=-1) @ self.c_v(x)
        # The published code turns the matrix and reads its numbers row by row, so places and channels mix; so were weights trained.
        return x + y.transpose(1, 2).reshape(x.shape)


class WindowAttention(Attention):
    """Attention within 4 x 4 patches, with a bias for each offset of two patches."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        span = 2 * WINDOW - 1
        self.relative_position_bias_table = nn.Parameter(torch.zeros(span * span, heads))
        place = torch.stack(torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")).flatten(1)
        offset = place[:, :, None] - place[:, None, :] + WINDOW - 1
        self.register_buffer("relative_position_index", offset[0] * span + offset[1])

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Windows (B * windows, 16, width) to the same; ``mask`` (windows, 16, 16) is added where the picture was rolled."""
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        if mask is None:
            return super().forward(x, bias.expand(len(x), -1, -1, -1))
        return super().forward(x, (bias + mask[:, None]).repeat(len(x) // len(mask), 1, 1, 1))


class WindowBlock(nn.Module):
    """A block of windows, every second one rolled by half a window."""

    attn_mask: Tensor | None

    def __init__(self, width: int, heads: int, hidden: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.norm1, self.attn = nn.LayerNorm(width), WindowAttention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), Mlp(width, hidden)
        self.register_buffer("attn_mask", _rolled_mask(shift) if shift else None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 28, 28, width) to the same."""
        rolled = self.norm1(x).roll((-self.shift, -self.shift), dims=(1, 2))
        y = _joined(self.attn(_windows(rolled), self.attn_mask))
        x = x + y.roll((self.shift, self.shift), dims=(1, 2))
        return x + self.mlp(self.norm2(x))


def _windows(x: Tensor) -> Tensor:
    """(B, 28, 28, C) to (B * 49, 16, C)."""
    return x.unflatten(1, (-1, WINDOW)).unflatten(3, (-1, WINDOW)).transpose(2, 3).flatten(0, 2).flatten(1, 2)


def _joined(x: Tensor) -> Tensor:
    """(B * 49, 16, C) to (B, 28, 28, C)."""
    side = GRID // WINDOW
    return x.unflatten(0, (-1, side, side)).unflatten(3, (WINDOW, WINDOW)).transpose(2, 3).flatten(1, 2).flatten(2, 3)


def _rolled_mask(shift: int) -> Tensor:
    """(49, 16, 16): -100 between patches that only rolling has made neighbours, 0 elsewhere."""
    part = torch.zeros(GRID)
    part[-WINDOW:-shift], part[-shift:] = 1, 2
    parts = _windows((3 * part[:, None] + part)[None, :, :, None])[..., 0]
    return torch.where(parts[:, :, None] == parts[:, None, :], 0.0, -100.0)


class WindowLayer(nn.Module):
    """Two blocks of windows and a convolution."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList([WindowBlock(width, heads, hidden, shift) for shift in (0, WINDOW // 2)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, 28, 28) to the same."""
        y = x.permute(0, 2, 3, 1)
        for block in self.blocks:
            y = block(y)
        return functional.relu(self.conv(y.permute(0, 3, 1, 2)))


class WindowStage(nn.Module):
    """Two layers of windows, each beside its input. ``downsample`` is in the checkpoint and never used."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.downsample = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList([WindowLayer(width, heads, hidden) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, 28, 28) to the same."""
        for layer in self.layers:
            x = x + RESIDUAL * layer(x)
        return x


class Trace(NamedTuple):
    """What the network passes through: ``stage1`` (B, 768, 28, 28) enters the first stage of windows, ``swin1`` and ``swin2``
    (B, 384, 28, 28) leave them; ``scores`` >= 0 and ``weights`` in 0 ... 1 of the patches (B, 784)."""

    stage1: Tensor
    swin1: Tensor
    swin2: Tensor
    scores: Tensor
    weights: Tensor

    def mean(self) -> Tensor:
        """The pictures' scores (B,): the patches' weighted mean."""
        return (self.scores * self.weights).sum(dim=1) / self.weights.sum(dim=1)


class Maniqa(nn.Module):
    """The network.

    Args:
        width: of the vision transformer and the first stage.
        heads: of the vision transformer; the windows have 4.
        depth: blocks of the vision transformer.
        blocks: the four whose outputs are read, from 0.
    """

    def __init__(self, width: int = 768, heads: int = 12, depth: int = 12, blocks: tuple[int, ...] = (6, 7, 8, 9)) -> None:
        super().__init__()
        self.blocks = blocks
        self.vit = VisionTransformer(width, heads, depth)
        self.tablock1, self.tablock2 = (nn.ModuleList([ChannelAttention() for _ in range(2)]) for _ in range(2))
        half = width // 2
        self.conv1, self.swintransformer1 = nn.Conv2d(len(blocks) * width, width, 1), WindowStage(width, 4, width)
        self.conv2, self.swintransformer2 = nn.Conv2d(width, half, 1), WindowStage(half, 4, width)
        self.fc_score = nn.Sequential(nn.Linear(half, half), nn.ReLU(), nn.Dropout(0.1), nn.Linear(half, 1), nn.ReLU())
        self.fc_weight = nn.Sequential(nn.Linear(half, half), nn.ReLU(), nn.Dropout(0.1), nn.Linear(half, 1), nn.Sigmoid())

    def trace(self, pictures: Tensor) -> Trace:
        """As ``forward``, with what lies between."""
        x = self.vit(pictures, self.blocks).transpose(1, 2)
        for block in self.tablock1:
            x = block(x)
        stage1 = self.conv1(x.unflatten(-1, (GRID, GRID)))
        swin1 = self.swintransformer1(stage1)
        x = swin1.flatten(2)
        for block in self.tablock2:
            x = block(x)
        swin2 = self.swintransformer2(self.conv2(x.unflatten(-1, (GRID, GRID))))
        tokens = swin2.flatten(2).transpose(1, 2)
        return Trace(stage1, swin1, swin2, self.fc_score(tokens)[..., 0], self.fc_weight(tokens)[..., 0])

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB crops (B, 3, 224, 224) in -1 ... 1 to scores (B,), about 0 ... 1."""
        return self.trace(pictures).mean()


def official_corners(height: int, width: int, generator: np.random.RandomState) -> Array:
    """Top and left of 20 crops, int (20, 2), as the official code draws them from numpy's global generator (never seeded there).

    The last possible row and column are never drawn. Raises ``Unscorable`` for sides of 224 and less.
    """
    _check_size(height, width)
    return np.asarray([(generator.randint(0, height - SIDE), generator.randint(0, width - SIDE)) for _ in range(CROPS)])


def corners(height: int, width: int, seed: str) -> Array:
    """The same distribution as ``official_corners``, but one and the same for one ``seed``, which should name the content."""
    _check_size(height, width)
    share = (hashed(f"maniqa:{seed}", 2 * CROPS).reshape(CROPS, 2) + 1.0) / 2.0
    return np.asarray(share * (height - SIDE, width - SIDE)).astype(np.int64)


def _check_size(height: int, width: int) -> None:
    if min(height, width) <= SIDE:
        raise Unscorable(f"A picture of {width}x{height} is too small: crops of {SIDE} need sides of {SIDE + 1}.", "too_small")


def crops(picture: Array, places: Array) -> Array:
    """uint8 RGB (H, W, 3) and corners (N, 2) to float32 (N, 3, 224, 224) in -1 ... 1."""
    pieces = np.stack([picture[top : top + SIDE, left : left + SIDE] for top, left in places])
    scaled = (pieces.astype(np.float32) / 255 - 0.5) / 0.5
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def build() -> Maniqa:
    """The official size: 316 tensors, 135,747,530 parameters."""
    network = Maniqa()
    network.eval()
    return network


def tiny() -> Maniqa:
    """The same class with 32 in place of 768 channels and four blocks; same input and output."""
    network = Maniqa(width=32, heads=4, depth=4, blocks=(0, 1, 2, 3))
    network.eval()
    return network
