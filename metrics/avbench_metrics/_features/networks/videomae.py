"""VideoMAE V2, ViT-g/14 fine-tuned on Something-Something V2: the features of content-debiased FVD.

Source: Wang et al., arXiv 2303.16727, and Ge et al., arXiv 2404.12391 (github.com/songweige/content-debiased-fvd); names of
vit_g_hybrid_pt_1200e_ssv2_ft.pth (its entry ``module``). Places are a fixed table of sines and not in the file.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench_metrics._features.networks.maniqa import Mlp

SIDE, PATCH = 224, 14  # pixels
FRAMES, TUBE = 16, 2
SIZE = 1408
CLASSES = 174


def sine_table(positions: int, width: int) -> Tensor:
    """Sines (even columns) and cosines (odd) of position / 10000^(2 floor(column / 2) / width), float32 (1, positions, width)."""
    columns = np.arange(width)
    angles = np.arange(positions)[:, None] / np.power(10_000.0, 2 * (columns // 2) / width)
    table = np.where(columns % 2 == 0, np.sin(angles), np.cos(angles))
    return torch.from_numpy(table.astype(np.float32))[None]


class Attention(nn.Module):
    """Self-attention whose keys have no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, width) to the same."""
        bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        parts = functional.linear(x, self.qkv.weight, bias).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(*parts)
        return self.proj(y.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A transformer's block, normalised first."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, width) to the same."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VideoMae(nn.Module):
    """The network. ``head`` (174 classes) is in the checkpoint only.

    Args:
        width: of a token and of the feature.
        depth: blocks.
        heads: of attention.
        hidden: width within a block.
        patch: side of a patch in pixels.
    """

    def __init__(self, width: int = SIZE, depth: int = 40, heads: int = 16, hidden: int = 6144, patch: int = PATCH) -> None:
        super().__init__()
        cube = (TUBE, patch, patch)
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv3d(3, width, cube, stride=cube)})
        self.blocks = nn.ModuleList([Block(width, heads, hidden) for _ in range(depth)])
        self.fc_norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, CLASSES)
        places = sine_table(FRAMES // TUBE * (SIDE // patch) ** 2, width)
        self.register_buffer("places", places, persistent=False)

    def forward(self, videos: Tensor) -> Tensor:
        """RGB (B, 3, 16, 224, 224) in 0 ... 1 to features (B, width): the normalised mean of the tokens."""
        x = self.patch_embed["proj"](videos).flatten(2).transpose(1, 2) + self.get_buffer("places")
        for block in self.blocks:
            x = block(x)
        return self.fc_norm(x.mean(dim=1))


def unwrapped(content: dict[str, Tensor | dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of a file, which lie in its entry ``model`` or ``module`` where it has one."""
    for entry in ("model", "module"):
        inner = content.get(entry)
        if isinstance(inner, dict):
            return inner
    return {name: x for name, x in content.items() if isinstance(x, Tensor)}


def build() -> VideoMae:
    """The official size: about 1.01e9 parameters, 4 GB."""
    network = VideoMae()
    network.eval()
    return network


def tiny() -> VideoMae:
    """The same class with one block of 16 channels and patches of 32; features of 16."""
    network = VideoMae(16, 1, 2, 32, 32)
    network.eval()
    return network
