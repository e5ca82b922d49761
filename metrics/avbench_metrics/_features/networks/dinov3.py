"""DINOv3 ViT-L/16, from transformers: what Verse-Bench's identity consistency compares pictures by.

Source: Simeoni et al., arXiv 2508.10104; names of facebook/dinov3-vitl16-pretrain-lvd1689m.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from avbench.compat import mend_torch

SIDE, SIZE = 224, 1024  # pixels; of a token
REGISTERS = 4
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Dinov3(nn.Module):
    """Pictures to tokens."""

    def __init__(self, width: int, depth: int, heads: int, hidden: int, patch: int) -> None:
        super().__init__()
        mend_torch()
        from transformers import DINOv3ViTConfig, DINOv3ViTModel

        config = DINOv3ViTConfig(hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, intermediate_size=hidden,
                                 image_size=SIDE, patch_size=patch, num_register_tokens=REGISTERS)  # fmt: skip
        self.network = DINOv3ViTModel(config)

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB (B, 3, 224, 224), normalised by ``MEAN`` and ``DEVIATION``, to tokens (B, 201, width).

        Order: class, 4 registers, 14 x 14 patches row by row; normalised.
        """
        return self.network(pictures).last_hidden_state


def converted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The hub's names (``layer.0.norm1.weight`` ...) as this module bears them under the installed transformers."""
    with torch.device("meta"):  # for its names alone
        known = tiny().state_dict()
    nested = any(name.startswith("network.model.layer.") for name in known)
    prefix = "network.model." if nested else "network."  # newer versions of transformers keep the blocks one level deeper
    return {(prefix if name.startswith("layer.") else "network.") + name: x for name, x in state.items()}


def build() -> Dinov3:
    """The official size."""
    network = Dinov3(SIZE, 24, 16, 4096, 16)
    network.eval()
    return network


def tiny() -> Dinov3:
    """The same class with one block of 32 channels; tokens of 32."""
    network = Dinov3(32, 1, 2, 32, 16)
    network.eval()
    return network
