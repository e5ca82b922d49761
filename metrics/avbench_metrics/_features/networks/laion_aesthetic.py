"""Heads that turn a picture's embedding into a mark for its looks.

Sources: github.com/LAION-AI/aesthetic-predictor (one layer on CLIP ViT-L/14, VBench's aesthetic quality),
github.com/christophschuhmann/improved-aesthetic-predictor (five layers on the same), and
github.com/discus0434/aesthetic-predictor-v2-5 (five layers on SigLIP so400m-patch14-384, Verse-Bench's AS).
All take the embedding at length 1; none has anything between its layers outside training, so each is one linear map of it.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

CLIP_SIZE, SIGLIP_SIZE = 768, 1152


def _five_layers(size: int) -> nn.Sequential:
    """The odd places of the checkpoint's list, except the last, are dropout."""
    widths = (size, 1024, 128, 64, 16)
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        layers += [nn.Linear(wide, narrow), nn.Dropout(0.2)]
    return nn.Sequential(*layers)


class LinearHead(nn.Linear):
    """``sa_0_4_vit_l_14_linear.pth``: names ``weight`` and ``bias``."""

    def __init__(self) -> None:
        super().__init__(CLIP_SIZE, 1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """CLIP embeddings (B, 768) of any length to marks (B,), about 1 ... 10; VBench divides them by 10."""
        return super().forward(functional.normalize(embeddings, dim=-1))[..., 0]


class LayeredHead(nn.Module):
    """``sac+logos+ava1-l14-linearMSE.pth``: names ``layers.0``, ``.2``, ``.4``, ``.6`` and ``.7``."""

    def __init__(self) -> None:
        super().__init__()
        stack = list(_five_layers(CLIP_SIZE))[:-1]
        self.layers = nn.Sequential(*stack, nn.Linear(16, 1))

    def forward(self, embeddings: Tensor) -> Tensor:
        """CLIP embeddings (B, 768) of any length to marks (B,), about 1 ... 10."""
        return self.layers(functional.normalize(embeddings, dim=-1))[..., 0]


class SiglipHead(nn.Module):
    """``aesthetic_predictor_v2_5.pth``: names ``scoring_head.0``, ``.2``, ``.4``, ``.6`` and ``.8``."""

    def __init__(self) -> None:
        super().__init__()
        self.scoring_head = nn.Sequential(*_five_layers(SIGLIP_SIZE), nn.Linear(16, 1))

    def forward(self, embeddings: Tensor) -> Tensor:
        """SigLIP's pooled embeddings (B, 1152) of any length to marks (B,), about 1 ... 10; Verse-Bench divides them by 10."""
        return self.scoring_head(functional.normalize(embeddings, dim=-1))[..., 0]


def build(kind: str = "linear") -> nn.Module:
    """``linear``, ``layered`` or ``siglip``; raises ``KeyError`` for other words."""
    heads: dict[str, type[nn.Module]] = {"linear": LinearHead, "layered": LayeredHead, "siglip": SiglipHead}
    network = heads[kind]()
    network.eval()
    return network


def tiny(kind: str = "linear") -> nn.Module:
    """As ``build``: the heads are small as they are."""
    return build(kind)
