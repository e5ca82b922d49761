"""Align-then-Fuse: joint audio-video self-attention that text never enters, then attention to the context, in every block.

The first blocks (Hierarchical Alignment Layers) have projections, query-key norms and modulation tables of their own for each
modality; the later ones (Unified Fusion Layers) share them. Source: NAVA (arXiv 2605.30073), section 2 and its release.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from avbench_baselines._networks.attention import Projections, Rotation, context_answer, context_keys, joined, joint_answers, member
from avbench_baselines._networks.configuration import AlignThenFuse, Tower
from avbench_baselines._networks.context import Context, ContextEmbedding
from avbench_baselines._networks.ends import Ends
from avbench_baselines._networks.layers import FeedForward, TimeEmbedding, modulated, rows_of, start, table
from avbench_baselines._networks.masks import UNMASKED, Masks, bias_of, joint_allowed, keys_allowed


class Setting(NamedTuple):
    """What every block of one forward pass sees alike: the context, the level's modulation, places and who may see whom."""

    context: Tensor
    context_bias: Tensor | None
    modulation: Tensor
    turn: Rotation
    bias: Tensor | None


class JointBlock(nn.Module):
    """One layer; ``separate`` makes it an alignment layer, ``split`` gives that own norms and feed-forward layers as well."""

    def __init__(self, stream: Tower, separate: bool, split: bool) -> None:
        super().__init__()
        width, count = stream.width, 2 if separate else 1
        others = 2 if split else 1
        self.heads = stream.heads
        self.joint = nn.ModuleList(Projections(width) for _ in range(count))
        self.reading = nn.ModuleList(Projections(width) for _ in range(count))
        self.tables = nn.ParameterList(table(6, width) for _ in range(count))
        self.reading_norm = nn.ModuleList(nn.LayerNorm(width, eps=1e-6) for _ in range(others))
        self.feed_forward = nn.ModuleList(FeedForward(width, stream.hidden) for _ in range(others))

    def forward(self, streams: tuple[Tensor, Tensor], setting: Setting) -> tuple[Tensor, ...]:
        """Video and audio tokens, each (batch, tokens, width), alike."""
        rows = [rows_of(setting.modulation, member(self.tables, i)) for i in range(2)]
        entering = [modulated(x, r[0], r[1]) for x, r in zip(streams, rows, strict=True)]
        answers = joint_answers(self.joint, entering, (self.heads, self.heads), setting.turn, setting.bias)
        seen = [x + r[2] * member(self.joint, i).output(y) for i, (x, r, y) in enumerate(zip(streams, rows, answers, strict=True))]
        read = self._read(seen, setting)
        return tuple(self._feed(i, x, rows[i]) for i, x in enumerate(read))

    def _read(self, streams: list[Tensor], setting: Setting) -> list[Tensor]:
        known = [context_keys(p, setting.context, self.heads) for p in self.reading]  # once where both modalities share them
        answers = [
            context_answer(member(self.reading, i), member(self.reading_norm, i)(x), known[min(i, len(known) - 1)], self.heads,
                           setting.context_bias)
            for i, x in enumerate(streams)
        ]  # fmt: skip
        return [x + answer for x, answer in zip(streams, answers, strict=True)]

    def _feed(self, i: int, x: Tensor, rows: tuple[Tensor, ...]) -> Tensor:
        return x + rows[5] * member(self.feed_forward, i)(modulated(x, rows[3], rows[4]))


class AlignThenFuseNetwork(nn.Module):
    """See the module; ``configuration`` decides how many layers align and how many fuse."""

    cascaded = False

    def __init__(self, configuration: AlignThenFuse) -> None:
        super().__init__()
        self.configuration, stream = configuration, configuration.stream
        self.ends = Ends(configuration.sizes, stream.width, stream.width)
        self.time = TimeEmbedding(configuration.sizes.time_channels, stream.width, 6)
        self.context = ContextEmbedding(configuration.sizes, stream.width)
        self.blocks = nn.ModuleList(
            [JointBlock(stream, True, configuration.split_feed_forward) for _ in range(configuration.separate)]
            + [JointBlock(stream, False, False) for _ in range(configuration.shared)]
        )
        start(self)

    def forward(self, video: Tensor, audio: Tensor, t: Tensor, context: Context, masks: Masks = UNMASKED) -> tuple[Tensor, Tensor]:
        """What the network predicts for noisy latents.

        Args:
            video: (batch, tokens, channels), no token at all for audio alone.
            audio: (batch, tokens, channels), no token at all for video alone.
            t: noise level of both, (batch,), 0 ... 1.
            context: see ``Context``.
            masks: see ``Masks``.

        Returns:
            Predictions for video and audio in the shapes of their inputs.
        """
        lengths, stream = (video.shape[1], audio.shape[1]), self.configuration.stream
        read, valid = self.context(context, masks)
        e, modulation = self.time(t)
        allowed = joint_allowed(lengths, (masks.video_valid, masks.audio_valid), masks.alignment)
        turns = self.ends.rotations(lengths, stream.width // stream.heads, t.device)
        setting = Setting(read, bias_of(keys_allowed(valid), read.dtype), modulation, joined(turns), bias_of(allowed, read.dtype))
        streams = self.ends.enter(video, audio, masks)
        for block in self.blocks:
            streams = block(streams, setting)
        return self.ends.leave(streams, (e, e))
