"""How ImageBind turns pictures, words, spectrograms and motion into the tokens that its transformers take (arXiv 2305.05665)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

CONTEXT, VOCABULARY = 77, 49_408
# what one clip of each modality looks like; vision also takes single pictures (3, 224, 224)
SHAPES = {
    "vision": (3, 2, 224, 224),
    "text": (CONTEXT,),
    "audio": (1, 128, 204),
    "depth": (1, 224, 224),
    "thermal": (1, 224, 224),
    "imu": (6, 2000),
}


class Stem(nn.Module):
    """Patches to vectors: any input to (B, patches, width), normalised where the modality is not vision."""

    def __init__(self, proj: nn.Module, width: int, normalise: bool = True) -> None:
        super().__init__()
        self.proj = proj
        self.norm_layer = nn.LayerNorm(width) if normalise else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """One vector per patch, in the order time, row, column."""
        vectors = self.proj(inputs)
        if vectors.ndim > 3:  # a convolution answers (B, width, ...)
            vectors = vectors.flatten(2).transpose(1, 2)
        return self.norm_layer(vectors)


class Positions(nn.Module):
    """Holder of one learned vector per token."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, tokens, width))


class Patches(nn.Module):
    """Class token and patches of a picture or spectrogram: (B, 1 + patches, width)."""

    def __init__(self, stem_name: str, stem: Stem, patches: int, width: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.stem_name = stem_name
        self.add_module(stem_name, stem)
        self.pos_embedding_helper = Positions(patches + 1, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """Tokens that the transformer starts from."""
        vectors = self.get_submodule(self.stem_name)(inputs)
        return torch.cat([self.cls_token.expand(len(vectors), -1, -1), vectors], dim=1) + self.pos_embedding_helper.pos_embed


class Motion(nn.Module):
    """Class token and 250 pieces of 8 steps of an inertial recording (B, 6, 2000): (B, 251, width)."""

    STEPS = 8

    def __init__(self, width: int) -> None:
        super().__init__()
        channels, length = SHAPES["imu"]
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.imu_stem = Stem(nn.Linear(channels * self.STEPS, width, bias=False), width)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, length // self.STEPS + 1, width))

    def forward(self, inputs: Tensor) -> Tensor:
        """Tokens that the transformer starts from."""
        pieces = inputs.unflatten(2, (-1, self.STEPS)).transpose(1, 2).flatten(2)  # channels outside, steps inside
        vectors = self.imu_stem(pieces)
        return torch.cat([self.cls_token.expand(len(vectors), -1, -1), vectors], dim=1) + self.pos_embed


class Words(nn.Module):
    """Embedded token ids (B, 77): (B, 77, width). ``mask`` keeps a token from looking ahead."""

    mask: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(0.01 * torch.randn(1, CONTEXT, width))
        self.register_buffer("mask", torch.full((CONTEXT, CONTEXT), -math.inf).triu(1))
        self.token_embedding = nn.Embedding(VOCABULARY, width)

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens that the transformer starts from."""
        return self.token_embedding(ids) + self.pos_embed


def token_maker(modality: str, width: int) -> nn.Module:
    """The first stage of one modality: a batch of single clips as in ``SHAPES`` to (B, L, width)."""
    if modality == "text":
        return Words(width)
    if modality == "imu":
        return Motion(width)
    if modality == "vision":  # the checkpoint counts the copying of single pictures as layer 0
        convolution = nn.Conv3d(3, width, (2, 14, 14), stride=(2, 14, 14), bias=False)
        return Patches("rgbt_stem", Stem(nn.Sequential(nn.Identity(), convolution), width, normalise=False), 16 * 16, width)
    stride = 10 if modality == "audio" else 16
    _, rows, columns = SHAPES[modality]
    patches = ((rows - 16) // stride + 1) * ((columns - 16) // stride + 1)
    stem = Stem(nn.Conv2d(1, width, 16, stride=stride, bias=False), width)
    return Patches("depth_stem" if modality == "depth" else "rgbt_stem", stem, patches, width)


def one_clip_a_row(modality: str, inputs: Tensor) -> Tensor:
    """(B, clips, ...) to (B * clips, ...), checked; a picture becomes a video of two equal frames."""
    axes = len(SHAPES[modality]) + 1
    clips = inputs.ndim > axes or (modality == "vision" and inputs.ndim == axes)  # five axes are clips of pictures, as published
    flat = inputs.flatten(0, 1) if clips else inputs
    if modality == "vision" and flat.ndim == 4:
        flat = flat.unsqueeze(2).expand(-1, -1, 2, -1, -1)
    if tuple(flat.shape[1:]) != SHAPES[modality]:
        raise ValueError(
            f"{modality} takes (batch, clips, *{SHAPES[modality]}), the clips optional except for video; not {tuple(inputs.shape)}."
        )
    return flat
