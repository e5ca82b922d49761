"""ImageBind: one embedding space for pictures, text, sound, depth, heat and motion (Girdhar et al. 2023, arXiv 2305.05665).

Written from the paper and from the names and shapes of the published checkpoint, for inference only: dropout and stochastic depth
of the training are left out. Each modality has its own pre-norm transformer over patches or words; the class token (for text the
token with the largest id, which is the end token) is projected, normalised and scaled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .imagebind_tokens import CONTEXT, SHAPES, one_clip_a_row, token_maker

LARGEST_SCALE = 100.0
SCALES = {"text": 1 / 0.07, "audio": 20.0, "depth": 5.0, "thermal": 10.0, "imu": 5.0}


@dataclass(frozen=True)
class Trunk:
    """Size of one transformer: width of a token, number of blocks, attention heads per block."""

    width: int
    blocks: int
    heads: int


HUGE = {
    "vision": Trunk(1280, 32, 16),
    "text": Trunk(1024, 24, 16),
    "audio": Trunk(768, 12, 12),
    "depth": Trunk(384, 12, 8),
    "thermal": Trunk(768, 12, 12),
    "imu": Trunk(512, 6, 8),
}
TINY = {
    "vision": Trunk(64, 3, 4),
    "text": Trunk(48, 3, 4),
    "audio": Trunk(48, 3, 4),
    "depth": Trunk(32, 2, 4),
    "thermal": Trunk(32, 2, 4),
    "imu": Trunk(32, 2, 4),
}


class FeedForward(nn.Module):
    """Two layers with an exact GELU between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, L, width) to the same."""
        return self.fc2(functional.gelu(self.fc1(tokens)))


class Block(nn.Module):
    """Pre-norm attention and feed-forward. ``bias_kv`` adds one learned key and value to each sequence."""

    def __init__(self, width: int, heads: int, bias_kv: bool) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, add_bias_kv=bias_kv, batch_first=True)
        self.norm_1 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = FeedForward(width)
        self.norm_2 = nn.LayerNorm(width, eps=1e-6)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """(B, L, width) to the same; ``mask`` (L, L) is added to the scores."""
        seen = self.norm_1(tokens)
        tokens = tokens + self.attn(seen, seen, seen, attn_mask=mask, need_weights=False)[0]
        return tokens + self.mlp(self.norm_2(tokens))


class Transformer(nn.Module):
    """The blocks of one modality; vision normalises its tokens before the first."""

    def __init__(self, size: Trunk, bias_kv: bool, normalise_first: bool) -> None:
        super().__init__()
        self.pre_transformer_layer = nn.Sequential()
        if normalise_first:
            self.pre_transformer_layer.append(nn.LayerNorm(size.width, eps=1e-6))
        self.blocks = nn.ModuleList(Block(size.width, size.heads, bias_kv) for _ in range(size.blocks))

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, L, width) to the same."""
        tokens = self.pre_transformer_layer(tokens)
        for block in self.blocks:
            tokens = block(tokens, mask)
        return tokens


class FirstToken(nn.Module):
    """(B, L, width) to (B, width)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """The class token."""
        return tokens[:, 0]


class TextHead(nn.Module):
    """Projection of the token with the largest id, the end token where it was not cut off."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.LayerNorm(width, eps=1e-6), nn.Linear(width, out, bias=False))

    def forward(self, tokens: Tensor, ids: Tensor) -> Tensor:
        """(B, L, width) and ids (B, L) to (B, out)."""
        return self.proj(tokens[torch.arange(len(tokens), device=tokens.device), ids.argmax(dim=-1)])


class Normalise(nn.Module):
    """Vectors of length 1."""

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, D) to the same."""
        return functional.normalize(vectors, dim=-1)


class Scale(nn.Module):
    """Multiply by a stored factor, at most 100. Only the factor of text was trained."""

    log_logit_scale: Tensor

    def __init__(self, factor: float, trained: bool) -> None:
        super().__init__()
        value = torch.full((), math.log(factor))
        if trained:
            self.log_logit_scale = nn.Parameter(value)
        else:
            self.register_buffer("log_logit_scale", value)

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, D) to the same."""
        return vectors * self.log_logit_scale.exp().clamp(max=LARGEST_SCALE)


class ImageBind(nn.Module):
    """Six trunks into one space.

    Args:
        trunks: size of the transformer of each modality in ``SHAPES``.
        out: length of an embedding.
    """

    def __init__(self, trunks: Mapping[str, Trunk], out: int) -> None:
        super().__init__()
        self.modality_preprocessors = nn.ModuleDict({name: token_maker(name, trunks[name].width) for name in SHAPES})
        self.modality_trunks = nn.ModuleDict(
            {name: Transformer(trunks[name], name not in ("vision", "text"), name == "vision") for name in SHAPES}
        )
        self.modality_heads = nn.ModuleDict({name: _head(name, trunks[name].width, out) for name in SHAPES})
        self.modality_postprocessors = nn.ModuleDict({name: nn.Sequential(Normalise()) for name in SHAPES})
        for name, factor in SCALES.items():
            self.modality_postprocessors[name].append(Scale(factor, trained=name == "text"))

    def tokens(self, modality: str, inputs: Tensor) -> Tensor:
        """What the transformer starts from, (B * clips, L, width), of an input as ``embed`` takes it."""
        return self.modality_preprocessors[modality](one_clip_a_row(modality, inputs))

    def project(self, modality: str, inputs: Tensor) -> Tensor:
        """Embeddings before normalisation and scale, (B * clips, out), of an input as ``embed`` takes it."""
        trunk, head, tokens = self.modality_trunks[modality], self.modality_heads[modality], self.tokens(modality, inputs)
        if modality == "text":
            mask = self.modality_preprocessors["text"].mask
            return head(trunk(tokens, mask), inputs.reshape(-1, CONTEXT))
        return head(trunk(tokens))

    def embed(self, modality: str, inputs: Tensor) -> Tensor:
        """Embeddings (B, out) of one modality.

        Each clip's embedding has the length of the modality's scale (vision 1, text 1 / 0.07 before training, audio 20, thermal 10,
        depth and IMU 5). The mean over clips is not normalised again and is therefore shorter.

        Args:
            modality: a key of ``SHAPES``.
            inputs: (B, *shape) or (B, clips, *shape) with the shape in ``SHAPES``; text is int64 (B, 77). Vision also takes
                pictures (B, 3, 224, 224). A batch of single videos still needs its axis of clips: with five axes the second
                is read as clips of pictures.

        Raises:
            ValueError: another shape.
        """
        vectors = self.modality_postprocessors[modality](self.project(modality, inputs))
        return vectors.unflatten(0, (len(inputs), -1)).mean(dim=1)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``embed`` of each modality given."""
        return {modality: self.embed(modality, values) for modality, values in inputs.items()}


def _head(modality: str, width: int, out: int) -> nn.Module:
    if modality == "text":
        return TextHead(width, out)
    head = nn.Sequential(nn.LayerNorm(width, eps=1e-6), FirstToken())
    if modality == "imu":  # the checkpoint counts a dropout here
        head.append(nn.Identity())
    return head.append(nn.Linear(width, out, bias=False))


def build() -> ImageBind:
    """imagebind_huge, 1,200,781,057 parameters (4.8 GB), embeddings of 1024 numbers; on the meta device where that is current."""
    network = ImageBind(HUGE, 1024)
    network.eval()
    return network


def empty() -> ImageBind:
    """``build`` without memory, on the meta device, to be given a checkpoint's own tensors."""
    with torch.device("meta"):
        return build()


def tiny() -> ImageBind:
    """The same network small enough for tests, embeddings of 40 numbers."""
    network = ImageBind(TINY, 40)
    network.eval()
    return network
