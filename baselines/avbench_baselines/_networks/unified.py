"""Unified: video, audio and text in one sequence that attends to itself, with no cross-attention.

Layers of own weights per modality lie on both sides of shared ones. Source: daVinci-MagiHuman (arXiv 2603.21986); the modulation by
the noise level, which that model lacks, is there so that the paradigms differ in nothing else, and can be switched off.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench_baselines._networks.attention import EPSILON, Projections, Rotation, joined, joint_answers, member, rotation
from avbench_baselines._networks.configuration import Unified
from avbench_baselines._networks.context import Context, ContextEmbedding
from avbench_baselines._networks.ends import Ends
from avbench_baselines._networks.layers import FeedForward, TimeEmbedding, modulated, rows_of, start, table
from avbench_baselines._networks.masks import UNMASKED, Masks, bias_of, joint_allowed

STREAMS = 3


class Setting(NamedTuple):
    """What every block of one forward pass sees alike: modulation, if the network is timed, places, and who may see whom."""

    modulation: Tensor | None
    turn: Rotation
    bias: Tensor | None


class Entrance(nn.Module):
    """Norms before the two halves of an untimed layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = nn.RMSNorm(width, eps=EPSILON)
        self.feed_forward = nn.RMSNorm(width, eps=EPSILON)


class TrimodalBlock(nn.Module):
    """One layer; ``separate`` gives every modality weights of its own, ``gated`` a gated feed-forward layer."""

    def __init__(self, configuration: Unified, separate: bool, gated: bool) -> None:
        super().__init__()
        stream, count = configuration.stream, STREAMS if separate else 1
        width, hidden = stream.width, stream.hidden * 2 // 3 if gated else stream.hidden
        self.heads = stream.heads, configuration.key_heads or stream.heads
        keys = width // stream.heads * self.heads[1]
        self.joint = nn.ModuleList(Projections(width, keys=keys) for _ in range(count))
        self.head_gates = nn.ModuleList(nn.Linear(width, stream.heads) for _ in range(count) if configuration.head_gate)
        self.tables = nn.ParameterList(table(6, width) for _ in range(count) if configuration.timed)
        self.entrances = nn.ModuleList(Entrance(width) for _ in range(count) if not configuration.timed)
        self.feed_forward = nn.ModuleList(FeedForward(width, hidden, gated) for _ in range(count))

    def forward(self, streams: tuple[Tensor, ...], setting: Setting) -> tuple[Tensor, ...]:
        """Video, audio and text tokens, each (batch, tokens, width), alike."""
        rows = [self._rows(i, setting) for i in range(STREAMS)]
        entering = [self._enter(i, "attention", x, rows[i][:2]) for i, x in enumerate(streams)]
        answers = joint_answers(self.joint, entering, self.heads, setting.turn, setting.bias)
        return tuple(self._finish(i, x, entering[i], answers[i], rows[i]) for i, x in enumerate(streams))

    def _rows(self, i: int, setting: Setting) -> tuple[Tensor, ...]:
        return () if setting.modulation is None else rows_of(setting.modulation, member(self.tables, i))

    def _enter(self, i: int, half: str, x: Tensor, rows: tuple[Tensor, ...]) -> Tensor:
        return modulated(x, *rows) if rows else getattr(member(self.entrances, i), half)(x)

    def _finish(self, i: int, x: Tensor, entered: Tensor, answer: Tensor, rows: tuple[Tensor, ...]) -> Tensor:
        if len(self.head_gates):
            opening = torch.sigmoid(member(self.head_gates, i)(entered))
            answer = (answer.unflatten(-1, (self.heads[0], -1)) * opening[..., None]).flatten(-2)
        gates = (rows[2], rows[5]) if rows else (1.0, 1.0)
        x = x + gates[0] * member(self.joint, i).output(answer)
        return x + gates[1] * member(self.feed_forward, i)(self._enter(i, "feed_forward", x, rows[3:5]))


class UnifiedNetwork(nn.Module):
    """See the module. Text states evolve with depth and are thrown away at the end."""

    cascaded = False

    def __init__(self, configuration: Unified) -> None:
        super().__init__()
        self.configuration, sizes, width = configuration, configuration.sizes, configuration.stream.width
        self.ends = Ends(sizes, width, width)
        self.time = TimeEmbedding(sizes.time_channels, width, 6) if configuration.timed else None
        self.context = ContextEmbedding(sizes, width)
        outer, depth = configuration.outer, 2 * configuration.outer + configuration.inner
        self.blocks = nn.ModuleList(
            TrimodalBlock(configuration, not outer <= i < depth - outer, configuration.swiglu and i >= outer) for i in range(depth)
        )
        start(self)

    def forward(self, video: Tensor, audio: Tensor, t: Tensor, context: Context, masks: Masks = UNMASKED) -> tuple[Tensor, Tensor]:
        """See ``AlignThenFuseNetwork.forward``.

        Blocked alignment hides video and audio from each other in every layer; both still exchange with the text, so something of
        one reaches the other through the text's states from the second layer on.
        """
        text, valid = self.context(context, masks)
        e, modulation = (None, None) if self.time is None else self.time(t)
        lengths = video.shape[1], audio.shape[1], text.shape[1]
        allowed = joint_allowed(lengths, (masks.video_valid, masks.audio_valid, valid), masks.alignment)
        setting = Setting(modulation, self._turn(lengths, t.device), bias_of(allowed, text.dtype))
        streams = (*self.ends.enter(video, audio, masks), text)
        for block in self.blocks:
            streams = block(streams, setting)
        return self.ends.leave(streams, (e, e))

    def _turn(self, lengths: tuple[int, int, int], device: torch.device) -> Rotation:
        """Text stands before the clip, at times -longest ... -1, so that a word's place depends on no other sample's length."""
        sizes, stream = self.configuration.sizes, self.configuration.stream
        channels = stream.width // stream.heads
        places = functional.pad(torch.arange(lengths[2], device=device)[:, None].float() - sizes.words, (0, 2))
        text = rotation(places, channels, sizes.clock.theta, sizes.grid == (1, 1))
        return joined([*self.ends.rotations(lengths[:2], channels, device), text])
