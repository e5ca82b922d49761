"""SigLIP's picture tower (so400m, patches of 14, 384 pixels), from transformers: what aesthetic-predictor-v2-5 stands on.

Source: Zhai et al., arXiv 2303.15343; names of the ``vision_model.`` half of google/siglip-so400m-patch14-384.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from avbench.compat import mend_torch

SIDE, SIZE = 384, 1152  # pixels; of the embedding
MEAN = DEVIATION = (0.5, 0.5, 0.5)


class Siglip(nn.Module):
    """Pictures to pooled embeddings."""

    def __init__(self, width: int, depth: int, heads: int, hidden: int, patch: int) -> None:
        super().__init__()
        mend_torch()
        from transformers import SiglipVisionConfig, SiglipVisionModel

        config = SiglipVisionConfig(hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, intermediate_size=hidden,
                                    image_size=SIDE, patch_size=patch)  # fmt: skip
        self.network = SiglipVisionModel(config)

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB (B, 3, 384, 384) in -1 ... 1 to embeddings (B, width) of any length, those of the attention's pooling."""
        return self.network(pictures).pooler_output


def converted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The picture tower's tensors of the hub's file under this module's names, which are those of the installed transformers."""
    with torch.device("meta"):  # for its names alone
        known = tiny().state_dict()
    nested = any(name.startswith("network.vision_model.") for name in known)
    prefix = "network.vision_model." if nested else "network."  # older versions of transformers keep the tower one level deeper
    return {prefix + name.removeprefix("vision_model."): x for name, x in state.items() if name.startswith("vision_model.")}


def build() -> Siglip:
    """The official size."""
    network = Siglip(SIZE, 27, 16, 4304, 14)
    network.eval()
    return network


def tiny() -> Siglip:
    """One block of the official width, as the head takes no other, with patches of 32."""
    network = Siglip(SIZE, 1, 16, 32, 32)
    network.eval()
    return network
