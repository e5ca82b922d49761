"""WavLM: speech representations of 16 kHz sound (Chen et al., arXiv 2110.13900), under UniSpeech's parameter names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

RATE = 16_000


@dataclass(frozen=True)
class Size:
    """What distinguishes the members of the family; the defaults are WavLM-Large's.

    Args:
        convolutions: (channels, kernel, stride) of each layer of the extractor.
        width: of the hidden states. feed_forward: of the layers between them.
        layers, heads: of the transformer.
        position_kernel, position_groups: of the convolution that tells positions.
        buckets, far: relative positions are told apart in ``buckets`` classes, logarithmic up to ``far`` frames.
        large_style: normalise the waveform, each layer of the extractor, and before each half of a layer of the transformer
            (Large); else one group norm in the extractor and norms after each half (Base and Base+).
    """

    convolutions: tuple[tuple[int, int, int], ...] = ((512, 10, 5), *((512, 3, 2),) * 4, *((512, 2, 2),) * 2)
    width: int = 1024
    feed_forward: int = 4096
    layers: int = 24
    heads: int = 16
    position_kernel: int = 128
    position_groups: int = 16
    buckets: int = 320
    far: int = 800
    large_style: bool = True


TINY = Size(
    convolutions=((32, 10, 5), *((32, 3, 2),) * 4, *((32, 2, 2),) * 2),
    width=48, feed_forward=96, layers=3, heads=4, position_kernel=16, position_groups=4,
)  # fmt: skip


class WavLM(nn.Module):
    """The trunk; ``forward`` returns every hidden state."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        channels = size.convolutions[-1][0]
        self.mask_emb = nn.Parameter(torch.rand(size.width))  # serves training alone; the checkpoint has it
        self.feature_extractor = _Extractor(size)
        self.post_extract_proj = nn.Linear(channels, size.width)
        self.encoder = _Encoder(size)
        self.layer_norm = nn.LayerNorm(channels)

    def forward(self, samples: Any, padding: Any = None, normalise_last: bool = True) -> list[Any]:
        """Hidden states of 16 kHz mono sound.

        Args:
            samples: float (batch, samples), at least 400 of them; the Large style expects ``normalised`` ones.
            padding: bool (batch, samples), True where a row has ended; None where all rows are full.
            normalise_last: pass the last state through the encoder's norm, as s3prl does; the Large style alone has one there.

        Returns:
            layers + 1 tensors (batch, frames, width), one frame per 320 samples: the input of each layer and the last output.
        """
        found = self.layer_norm(self.feature_extractor(samples).transpose(1, 2))
        frames = None if padding is None else frame_padding(padding, found.shape[1])
        states: list[Any] = self.encoder(self.post_extract_proj(found), frames)
        if self.size.large_style and normalise_last:
            states[-1] = self.encoder.layer_norm(states[-1])
        return states


def normalised(samples: Any) -> Any:
    """Zero mean and unit variance over the last axis (variance + 1e-5 under the root): the input of the Large style."""
    return functional.layer_norm(samples, samples.shape[-1:])


def frame_padding(padding: Any, frames: int) -> Any:
    """(batch, samples) to (batch, frames): a frame is padding where all samples of its equal share are; the rest is dropped."""
    share = padding.shape[1] // frames
    return padding[:, : share * frames].reshape(len(padding), frames, share).all(dim=-1)


class _TransposedNorm(nn.LayerNorm):
    """Layer norm over the channels of (batch, channels, time)."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class _Extractor(nn.Module):
    """Seven convolutions without bias: 320 samples to one frame."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.conv_layers, before = nn.ModuleList(), 1
        for index, (channels, kernel, stride) in enumerate(size.convolutions):
            parts = [nn.Conv1d(before, channels, kernel, stride, bias=False), nn.Identity()]
            if size.large_style:
                parts.append(nn.Sequential(nn.Identity(), _TransposedNorm(channels)))
            elif index == 0:
                parts.append(nn.GroupNorm(channels, channels))
            self.conv_layers.append(nn.Sequential(*parts, nn.GELU()))
            before = channels

    def forward(self, samples: Any) -> Any:
        x = samples.unsqueeze(1)
        for layer in self.conv_layers:
            x = layer(x)
        return x


class _PositionConvolution(nn.Module):
    """Grouped convolution along time whose kernel has its length and direction apart: g · v / |v|, per tap."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.groups = size.position_groups
        self.bias = nn.Parameter(torch.zeros(size.width))
        self.weight_g = nn.Parameter(torch.ones(1, 1, size.position_kernel))
        self.weight_v = nn.Parameter(torch.randn(size.width, size.width // size.position_groups, size.position_kernel))

    def forward(self, x: Any) -> Any:
        kernel = self.weight_v * (self.weight_g / self.weight_v.norm(dim=(0, 1), keepdim=True))
        taps = kernel.shape[-1]
        found = functional.conv1d(x, kernel, self.bias, padding=taps // 2, groups=self.groups)
        return found[..., : x.shape[-1]]  # an even kernel gives one frame too many


class _Encoder(nn.Module):
    """Position convolution and transformer; returns its input with positions and the output of each layer."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.large_style = size.large_style
        self.pos_conv = nn.Sequential(_PositionConvolution(size), nn.GELU())
        self.layers = nn.ModuleList(_Layer(size, first=index == 0) for index in range(size.layers))
        self.layer_norm = nn.LayerNorm(size.width)

    def forward(self, x: Any, padding: Any) -> list[Any]:
        if padding is not None:
            x = x.masked_fill(padding.unsqueeze(-1), 0.0)
        x = x + self.pos_conv(x.transpose(1, 2)).transpose(1, 2)
        states = [x if self.large_style else self.layer_norm(x)]
        bias = self.layers[0].self_attn.position_bias(x.shape[1])
        for layer in self.layers:
            states.append(layer(states[-1], bias, padding))
        return states


class _Layer(nn.Module):
    """Attention and feed-forward, each added to its input; the norm stands before (Large) or after (Base)."""

    def __init__(self, size: Size, first: bool) -> None:
        super().__init__()
        self.large_style = size.large_style
        self.self_attn = _Attention(size, first)
        self.self_attn_layer_norm = nn.LayerNorm(size.width)
        self.fc1, self.fc2 = nn.Linear(size.width, size.feed_forward), nn.Linear(size.feed_forward, size.width)
        self.final_layer_norm = nn.LayerNorm(size.width)

    def forward(self, x: Any, bias: Any, padding: Any) -> Any:
        if self.large_style:
            x = x + self.self_attn(self.self_attn_layer_norm(x), bias, padding)
            return x + self._feed_forward(self.final_layer_norm(x))
        x = self.self_attn_layer_norm(x + self.self_attn(x, bias, padding))
        return self.final_layer_norm(x + self._feed_forward(x))

    def _feed_forward(self, x: Any) -> Any:
        return self.fc2(functional.gelu(self.fc1(x)))


class _Attention(nn.Module):
    """Self-attention with gated relative position bias (the paper's section 3.1).

    Each layer scales the first layer's bias by a gate per head and frame, g_u (g_r · a − 1) + 2, where g_u and g_r are sigmoids of
    two sums of four linear outputs of the head's part of the input.
    """

    def __init__(self, size: Size, first: bool) -> None:
        super().__init__()
        self.heads, self.buckets, self.far = size.heads, size.buckets, size.far
        self.grep_a = nn.Parameter(torch.ones(1, size.heads, 1, 1))
        if first:
            self.relative_attention_bias = nn.Embedding(size.buckets, size.heads)
        self.k_proj, self.v_proj = nn.Linear(size.width, size.width), nn.Linear(size.width, size.width)
        self.q_proj, self.out_proj = nn.Linear(size.width, size.width), nn.Linear(size.width, size.width)
        self.grep_linear = nn.Linear(size.width // size.heads, 8)

    def forward(self, x: Any, bias: Any, padding: Any) -> Any:
        parts = self._by_head(x)
        update, reset = torch.sigmoid(self.grep_linear(parts).unflatten(-1, (2, 4)).sum(dim=-1)).chunk(2, dim=-1)
        bias = (update * (reset * self.grep_a - 1.0) + 2.0) * bias
        if padding is not None:
            bias = bias.masked_fill(padding[:, None, None, :], -torch.inf)
        query, key, value = (self._by_head(projection(x)) for projection in (self.q_proj, self.k_proj, self.v_proj))
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.out_proj(found.transpose(1, 2).flatten(start_dim=2))

    def position_bias(self, frames: int) -> Any:
        """The first layer's bias (heads, frames, frames) of a query (rows) for a key (columns)."""
        weight = self.relative_attention_bias.weight
        place = torch.arange(frames, device=weight.device)
        bucket = position_bucket(place[None, :] - place[:, None], self.buckets, self.far)
        return self.relative_attention_bias(bucket).permute(2, 0, 1)

    def _by_head(self, x: Any) -> Any:
        """(batch, frames, width) to (batch, heads, frames, width / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def position_bucket(distance: Any, buckets: int, far: int) -> Any:
    """Class of a signed distance in frames (T5's rule, arXiv 1910.10683): exact up to buckets / 4, then logarithmic up to ``far``.

    Forward distances take the upper half of the classes.
    """
    half, exact = buckets // 2, buckets // 4
    size = distance.abs()
    ratio = torch.log(size.clamp(min=1).float() / exact) / math.log(far / exact)
    coarse = (exact + (ratio * (half - exact)).long()).clamp(max=half - 1)
    return torch.where(size < exact, size, coarse) + (distance > 0).long() * half


def build(size: Size | None = None) -> WavLM:
    """WavLM-Large (315,453,120 parameters) with random parameters, or another size, in eval mode.

    The 488 names are those of ``WavLM-Large.pt`` under its key ``model`` (repository microsoft/unilm, folder wavlm).
    """
    network = WavLM(size or Size())
    network.eval()
    return network


def tiny() -> WavLM:
    """The same class with 3 layers of width 48: a stand-in that says nothing about speech."""
    return build(TINY)
