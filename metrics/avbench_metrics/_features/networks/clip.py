"""CLIP's picture tower (ViT-B/32 and ViT-L/14), and the blocks of which ViCLIP is made too.

Source: Radford et al., arXiv 2103.00020; names of the ``visual.`` half of OpenAI's files ``ViT-B-32.pt`` and ``ViT-L-14.pt``, which
are TorchScript archives in half precision. All is computed in float32 here; OpenAI's code does so on a CPU alone.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from avbench.tensors import script_tensors

SIDE = 224  # pixels
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
# patch in pixels, width, blocks, heads, embedding
VARIANTS = {"ViT-B/32": (32, 768, 12, 12, 512), "ViT-L/14": (14, 1024, 24, 16, 768)}


class QuickGelu(nn.Module):
    """x * sigmoid(1.702 x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """Residual attention block, normalised first (eps 1e-5)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", QuickGelu())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, tokens, width) to the same; ``mask`` (tokens, tokens) is added to the products of query and key."""
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Blocks(nn.Module):
    """A stack of blocks under the name ``resblocks``."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """As ``Block``."""
        for block in self.resblocks:
            x = block(x, mask)
        return x


class PictureTower(nn.Module):
    """Pictures to embeddings.

    Args:
        patch: side of a patch in pixels.
        width: of a token.
        depth: blocks.
        heads: of attention.
        size: of the embedding.
    """

    def __init__(self, patch: int, width: int, depth: int, heads: int, size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros((SIDE // patch) ** 2 + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Blocks(width, depth, heads)
        self.proj = nn.Parameter(torch.zeros(width, size))

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB (B, 3, 224, 224), normalised by ``MEAN`` and ``DEVIATION``, to embeddings (B, size) of any length."""
        patches = self.conv1(pictures).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(patches), 1, -1)
        x = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        return self.ln_post(self.transformer(x)[:, 0]) @ self.proj


def read_archive(path: Path) -> dict[str, Tensor]:
    """The picture tower's tensors, float32 and without ``visual.``, of OpenAI's file.

    Raises ``AvbenchError`` where it is no TorchScript archive.
    """
    found = script_tensors(path)
    return {name.removeprefix("visual."): x.float() for name, x in found.items() if name.startswith("visual.")}


def build(variant: str = "ViT-B/32") -> PictureTower:
    """The official size of a variant (152 tensors of ViT-B/32, 296 of ViT-L/14); raises ``KeyError`` for other words."""
    network = PictureTower(*VARIANTS[variant])
    network.eval()
    return network


def tiny(variant: str = "ViT-B/32") -> PictureTower:
    """The same class with one block of 32 channels and patches of 32; same input and size of embedding."""
    network = PictureTower(32, 32, 1, 2, VARIANTS[variant][-1])
    network.eval()
    return network
