"""DINO's ViT-B/16 for pictures of any size: the class token is the picture's embedding.

Source: Caron et al., arXiv 2104.14294; names of dino_vitbase16_pretrain.pth, with which VBench judges subject consistency.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench_metrics._features.networks.maniqa import Block

PATCH, GRID = 16, 14  # pixels; patches a side of the pictures it was trained on
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Dino(nn.Module):
    """The network."""

    def __init__(self, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, GRID * GRID + 1, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, stride=PATCH)})
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB (B, 3, H, W), normalised by ``MEAN`` and ``DEVIATION``, to class tokens (B, width); rests of patches are not seen."""
        tokens = self.patch_embed["proj"](pictures)
        places = self.places(*tokens.shape[-2:], *pictures.shape[-2:])
        x = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens.flatten(2).transpose(1, 2)], dim=1) + places
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]

    def places(self, rows: int, columns: int, height: int, width: int) -> Tensor:
        """Vectors of the class token and the patches (1, 1 + rows * columns, width), bicubic between the trained ones.

        The authors keep the table for any square picture of as many patches, and add 0.1 to the sizes that fix the scale.
        """
        if (rows, columns) == (GRID, GRID) and height == width:
            return self.pos_embed
        table = self.pos_embed[:, 1:].unflatten(1, (GRID, GRID)).permute(0, 3, 1, 2)
        scale = ((rows + 0.1) / GRID, (columns + 0.1) / GRID)
        resized = functional.interpolate(table, scale_factor=scale, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)


def build() -> Dino:
    """The official size: 150 tensors, 85,798,656 parameters."""
    network = Dino(768, 12, 12)
    network.eval()
    return network


def tiny() -> Dino:
    """The same class with one block of 32 channels; embeddings of 32."""
    network = Dino(32, 2, 1)
    network.eval()
    return network
