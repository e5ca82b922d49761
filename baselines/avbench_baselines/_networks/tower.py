"""One tower's block: self-attention, attention to text and another tower through the same queries, feed-forward layer.

Sources: Ovi (arXiv 2510.01284) and its repository's fused cross-attention.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from avbench_baselines._networks.attention import (
    EPSILON,
    Projections,
    Rotation,
    attend,
    context_answer,
    context_keys,
    joint_answers,
    rotate,
    split_heads,
)  # fmt: skip
from avbench_baselines._networks.configuration import Tower
from avbench_baselines._networks.layers import FeedForward, modulated, rows_of, table

FUSION_START = 0.1  # of Xavier's scale, as in Ovi: a tower begins nearly alone


class TowerSetting(NamedTuple):
    """What every block of a tower sees alike in one forward pass."""

    context: Tensor
    context_bias: Tensor | None
    modulation: Tensor
    turn: Rotation
    bias: Tensor | None


class SourceSetting(NamedTuple):
    """How another stream is read: its places and padding, and bool (batch, 1, 1) whether it may be read at all."""

    turn: Rotation
    bias: Tensor | None
    is_open: Tensor | None


class TowerBlock(nn.Module):
    """The parts of one layer, to be called in the order in which they are written.

    ``source`` is the width of the stream that ``read`` may look at; 0 where there is none.
    """

    def __init__(self, stream: Tower, source: int = 0) -> None:
        super().__init__()
        width = stream.width
        self.heads = stream.heads
        self.table = table(6, width)
        self.alone = nn.ModuleList([Projections(width)])
        self.reading_norm = nn.LayerNorm(width, eps=EPSILON)
        self.reading = Projections(width)
        if source:
            self.source_norm = nn.LayerNorm(source, eps=EPSILON)
            self.source_key, self.source_value = nn.Linear(source, width), nn.Linear(source, width)
            self.source_key_norm = nn.RMSNorm(width, eps=EPSILON)
        self.feed_forward = FeedForward(width, stream.hidden)

    def attend_alone(self, x: Tensor, setting: TowerSetting) -> Tensor:
        """Self-attention within the tower: (batch, tokens, width) alike."""
        shift, scale, gate, *_ = rows_of(setting.modulation, self.table)
        heads = (self.heads, self.heads)
        (answer,) = joint_answers(self.alone, [modulated(x, shift, scale)], heads, setting.turn, setting.bias)
        return x + gate * self.alone[0].output(answer)

    def read(self, x: Tensor, setting: TowerSetting) -> Tensor:
        """Attention to the context alone."""
        known = context_keys(self.reading, setting.context, self.heads)
        return x + context_answer(self.reading, self.reading_norm(x), known, self.heads, setting.context_bias)

    def read_both(self, x: Tensor, setting: TowerSetting, source: Tensor, other: SourceSetting) -> Tensor:
        """Attention to the context and to ``source`` (batch, its tokens, its width): one query, two answers, one output."""
        p = self.reading
        q = split_heads(p.queries(self.reading_norm(x)), self.heads)
        told = attend(q, *context_keys(p, setting.context, self.heads), setting.context_bias)
        normed = self.source_norm(source)
        k, v = self.source_key_norm(self.source_key(normed)), self.source_value(normed)
        k, v = split_heads(k, self.heads), split_heads(v, self.heads)
        seen = attend(rotate(q, setting.turn), rotate(k, other.turn), v, other.bias)
        return x + p.output(told + (seen if other.is_open is None else seen * other.is_open))

    def feed(self, x: Tensor, setting: TowerSetting) -> Tensor:
        """The feed-forward layer."""
        *_, shift, scale, gate = rows_of(setting.modulation, self.table)
        return x + gate * self.feed_forward(modulated(x, shift, scale))


def start_fusion(network: nn.Module) -> None:
    """Shrink the maps through which towers see each other to a tenth of their initial scale."""
    for module in network.modules():
        if isinstance(module, TowerBlock) and hasattr(module, "source_key"):
            module.source_key.weight.data.mul_(FUSION_START)
            module.source_value.weight.data.mul_(FUSION_START)
