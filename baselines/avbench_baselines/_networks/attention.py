"""Attention with rotary time: projections, joint attention over streams, attention to a context.

Sources: NAVA (arXiv 2605.30073), section 2; RoFormer (arXiv 2104.09864); query-key norms as in Wan 2.x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench_baselines._networks.configuration import Clock

EPSILON = 1e-6


class Rotation(NamedTuple):
    """Cosines and sines of every pair of a head's channels, each (tokens, channels / 2)."""

    cosines: Tensor
    sines: Tensor


def video_positions(tokens: int, grid: tuple[int, int], device: torch.device) -> Tensor:
    """Time, row and column of every video token, (tokens, 3); a latent frame is one unit of time.

    Raises:
        ValueError: ``tokens`` do not fill whole latent frames of the grid.
    """
    rows, columns = grid
    if tokens % (rows * columns):
        raise ValueError(f"{tokens} video tokens are no whole number of latent frames of {rows} x {columns}.")
    index = torch.arange(tokens, device=device)
    place = index % (rows * columns)
    return torch.stack([index // (rows * columns), place // columns, place % columns], dim=1).float()


def audio_positions(tokens: int, clock: Clock, device: torch.device) -> Tensor:
    """Time, row 0 and column 0 of every audio token on the video's clock, (tokens, 3)."""
    times = clock.ratio * torch.arange(tokens, device=device) + clock.audio_time(0)
    return torch.stack([times, torch.zeros_like(times), torch.zeros_like(times)], dim=1)


def rotation(positions: Tensor, channels: int, theta: float, time_only: bool) -> Rotation:
    """How a head of ``channels`` channels turns at ``positions`` (tokens, 3).

    Rows and columns take 2 * (channels // 6) channels each and time the rest; with ``time_only`` time takes all.
    """
    space = 0 if time_only else 2 * (channels // 6)
    shares = (channels - 2 * space, space, space)
    angles = [positions[:, axis, None] * _frequencies(share, theta, positions.device) for axis, share in enumerate(shares)]
    turned = torch.cat(angles, dim=1)
    return Rotation(turned.cos(), turned.sin())


def _frequencies(channels: int, theta: float, device: torch.device) -> Tensor:
    exponents = torch.arange(0, channels, 2, device=device) / max(channels, 1)
    return torch.as_tensor(theta, device=device) ** -exponents


def joined(rotations: Sequence[Rotation]) -> Rotation:
    """The rotation of streams laid end to end."""
    return Rotation(torch.cat([r.cosines for r in rotations]), torch.cat([r.sines for r in rotations]))


def rotate(x: Tensor, turn: Rotation) -> Tensor:
    """Turn channel i of every head against channel i + half: (batch, heads, tokens, channels) alike."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * turn.cosines - second * turn.sines, first * turn.sines + second * turn.cosines], dim=-1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(batch, tokens, heads * channels) to (batch, heads, tokens, channels)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Softmax attention of (batch, heads, tokens, channels) to (batch, tokens, heads * channels).

    ``bias`` is added to the scores; no key at all, or none allowed, gives a finite answer that the caller discards.
    """
    if k.shape[1] != q.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)


class Projections(nn.Module):
    """Queries, keys, values and output of one attention, with root-mean-square norms over the whole width of queries and keys.

    Args:
        width: channels of the tokens that ask and get the answer.
        inner: channels of queries and of the answer before the output projection; ``width`` if not given.
        source: channels of the tokens that are asked; ``width`` if not given.
        keys: channels of keys and values; ``inner`` if not given.
    """

    def __init__(self, width: int, inner: int = 0, source: int = 0, keys: int = 0) -> None:
        super().__init__()
        inner, source = inner or width, source or width
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(source, keys or inner)
        self.value = nn.Linear(source, keys or inner)
        self.output = nn.Linear(inner, width)
        self.query_norm = nn.RMSNorm(inner, eps=EPSILON)
        self.key_norm = nn.RMSNorm(keys or inner, eps=EPSILON)

    def queries(self, x: Tensor) -> Tensor:
        """Normed queries (batch, tokens, inner)."""
        return self.query_norm(self.query(x))

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normed keys and values, each (batch, tokens, keys)."""
        return self.key_norm(self.key(x)), self.value(x)


def member(modules: nn.ModuleList | nn.ParameterList, stream: int) -> nn.Module | nn.Parameter:
    """The module of a stream: its own where every stream has one, the only one where all share it."""
    return modules[min(stream, len(modules) - 1)]


def joint_answers(
    projections: nn.ModuleList, streams: Sequence[Tensor], heads: tuple[int, int], turn: Rotation, bias: Tensor | None
) -> list[Tensor]:
    """One softmax over all streams laid end to end, before the output projection; one (batch, tokens, width) per stream.

    Every stream passes its own matrix products even where weights are shared, so that tied and shared layers agree bit for bit.
    ``heads`` counts those of queries and those of keys.
    """
    parts = [(p.queries(x), *p.keys_values(x)) for p, x in ((member(projections, i), x) for i, x in enumerate(streams))]
    q, k, v = (torch.cat(group, dim=1) for group in zip(*parts, strict=True))
    q, k, v = split_heads(q, heads[0]), split_heads(k, heads[1]), split_heads(v, heads[1])
    answer = attend(rotate(q, turn), rotate(k, turn), v, bias)
    return list(answer.split([x.shape[1] for x in streams], dim=1))


def context_keys(p: Projections, context: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Keys and values of the context (batch, words, width), each (batch, heads, words, channels)."""
    k, v = p.keys_values(context)
    return split_heads(k, heads), split_heads(v, heads)


def context_answer(p: Projections, x: Tensor, known: tuple[Tensor, Tensor], heads: int, bias: Tensor | None) -> Tensor:
    """What ``x`` (batch, tokens, width) reads in the context of these keys and values, output projection included."""
    return p.output(attend(split_heads(p.queries(x), heads), *known, bias))
