"""Stems, heads, modulation by the noise level and feed-forward layers, alike for every paradigm.

Sources: NAVA (arXiv 2605.30073) and Wan 2.x for the modulation and the stems; DiT (arXiv 2212.09748) for adaptive norms.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench_baselines._networks.configuration import Sizes

GATED_KERNEL = 7


def plain_norm(x: Tensor) -> Tensor:
    """Layer norm over the last axis with no weights."""
    return functional.layer_norm(x, x.shape[-1:], eps=1e-6)


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """The plain norm of (batch, tokens, width), scaled and shifted by (batch, 1, width)."""
    return plain_norm(x) * (1 + scale) + shift


def table(rows: int, width: int) -> nn.Parameter:
    """A block's own part of the modulation, (rows, width)."""
    return nn.Parameter(torch.randn(rows, width) / math.sqrt(width))


class TimeEmbedding(nn.Module):
    """Noise levels to ``rows`` rows of modulation."""

    def __init__(self, channels: int, width: int, rows: int) -> None:
        super().__init__()
        self.channels, self.rows = channels, rows
        self.embed = nn.Sequential(nn.Linear(channels, width), nn.SiLU(), nn.Linear(width, width))
        self.project = nn.Linear(width, rows * width)

    def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Levels (batch,) in 0 ... 1 to an embedding (batch, width) and modulation (batch, rows, width)."""
        half = self.channels // 2
        rates = torch.exp(-math.log(10_000.0) * torch.arange(half, device=t.device) / half)
        angles = 1000.0 * t[:, None] * rates
        e = self.embed(torch.cat([angles.cos(), angles.sin()], dim=1).to(self.project.weight.dtype))
        return e, self.project(functional.silu(e)).unflatten(-1, (self.rows, -1))


def rows_of(modulation: Tensor, own: Tensor) -> tuple[Tensor, ...]:
    """Every row of modulation (batch, rows, width) plus a block's table (rows, width), as (batch, 1, width)."""
    return tuple((modulation + own)[:, :, None].unbind(1))


class FeedForward(nn.Module):
    """Two linear maps around a GELU (its tanh form); or, ``gated``, three around a SiLU gate."""

    def __init__(self, width: int, hidden: int, gated: bool = False) -> None:
        super().__init__()
        self.enter = nn.Linear(width, hidden)
        self.gate = nn.Linear(width, hidden) if gated else None
        self.leave = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) alike."""
        if self.gate is not None:
            return self.leave(functional.silu(self.gate(x)) * self.enter(x))
        return self.leave(functional.gelu(self.enter(x), approximate="tanh"))


def along_tokens(convolution: nn.Conv1d, x: Tensor, valid: Tensor | None = None) -> Tensor:
    """A convolution that keeps the number of tokens, also when there are none: (batch, tokens, in) to (batch, tokens, out).

    Tokens that are not ``valid`` (batch, tokens) count as the zeros beyond the end.
    """
    side = convolution.kernel_size[0] // 2
    heard = x if valid is None else x * valid[..., None]
    padded = functional.pad(heard.transpose(1, 2), (side, side + 1))
    return convolution(padded)[..., : x.shape[1]].transpose(1, 2)


class GatedConvolutions(nn.Module):
    """NAVA's audio stem, taken over from Ovi: a convolution, SiLU, and a gated pair of convolutions back to the width."""

    def __init__(self, channels: int, width: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, width, GATED_KERNEL)
        self.gate = nn.Conv1d(width, hidden, GATED_KERNEL, bias=False)
        self.enter = nn.Conv1d(width, hidden, GATED_KERNEL, bias=False)
        self.leave = nn.Conv1d(hidden, width, GATED_KERNEL, bias=False)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(batch, tokens, channels) to (batch, tokens, width)."""
        x = functional.silu(along_tokens(self.first, x, valid))
        inner = functional.silu(along_tokens(self.gate, x, valid)) * along_tokens(self.enter, x, valid)
        return along_tokens(self.leave, inner, valid)


class ConvolutionStem(nn.Module):
    """Three neighbouring tokens to the width, SiLU, and a linear map."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.neighbours = nn.Conv1d(channels, width, 3)
        self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(batch, tokens, channels) to (batch, tokens, width)."""
        return self.leave(functional.silu(along_tokens(self.neighbours, x, valid)))


class LinearStem(nn.Linear):
    """A linear map, the same whatever is padding."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(batch, tokens, channels) to (batch, tokens, width)."""
        return super().forward(x)


def video_stem(sizes: Sizes, width: int) -> nn.Module:
    """Video tokens (batch, tokens, channels) to the width."""
    return LinearStem(sizes.video_channels, width)


def audio_stem(sizes: Sizes, width: int) -> nn.Module:
    """Audio tokens (batch, tokens, channels) to the width, as ``sizes.audio_stem`` says."""
    if sizes.audio_stem == "gated":
        return GatedConvolutions(sizes.audio_channels, width, sizes.audio_stem_hidden)
    if sizes.audio_stem == "convolution":
        return ConvolutionStem(sizes.audio_channels, width)
    return LinearStem(sizes.audio_channels, width)


class Head(nn.Module):
    """Tokens back to channels, the norm before it modulated by the noise level; its weights start at zero."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.table = table(2, width)
        self.leave = nn.Linear(width, channels)

    def forward(self, x: Tensor, e: Tensor | None) -> Tensor:
        """(batch, tokens, width) and the level's embedding (batch, width), if any, to (batch, tokens, channels)."""
        own = self.table if e is None else e[:, None] + self.table
        shift, scale = own.unsqueeze(-2).unbind(-3)
        return self.leave(modulated(x, shift, scale))


def start(network: nn.Module) -> None:
    """Initial weights: Xavier for linear maps, normal of deviation 0.02 for the embedding of levels, zero for heads."""
    if next(network.parameters()).is_meta:  # nothing to fill, and pretending takes seconds
        return
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, TimeEmbedding):
            for layer in (module.embed[0], module.embed[2]):
                nn.init.normal_(layer.weight, std=0.02)
        elif isinstance(module, Head):
            nn.init.zeros_(module.leave.weight)
