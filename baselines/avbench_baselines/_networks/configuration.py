"""Sizes of the four paradigms as plain data; torch is not needed to read or print them.

Sources: NAVA (arXiv 2605.30073) and its released configuration, Ovi (arXiv 2510.01284), LTX-2 (arXiv 2601.03233),
daVinci-MagiHuman (arXiv 2603.21986).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Stem = Literal["linear", "convolution", "gated"]
Exchange = Literal["fused", "gated"]
Binding = Literal["add", "overwrite"]


@dataclass(frozen=True)
class Clock:
    """When tokens happen, in units of video latent frames, and how fast attention's rotations run.

    Args:
        video_rate: latent frames per second.
        audio_rate: audio tokens per second.
        theta: base of the rotary frequencies; the slowest pair turns by about 1 / theta per latent frame.
        centred: whether a token stands for the middle of its span, as in LTX-2, or for its begin, as in NAVA.
    """

    video_rate: float
    audio_rate: float
    theta: float = 10_000.0
    centred: bool = False

    @property
    def ratio(self) -> float:
        """Video latent frames per audio token; 0.24 in NAVA."""
        return self.video_rate / self.audio_rate

    def audio_time(self, index: int) -> float:
        """Where audio token ``index`` stands on the axis of the latent frames."""
        return self.ratio * index + (0.5 * self.ratio - 0.5 if self.centred else 0.0)


@dataclass(frozen=True)
class Sizes:
    """What goes in and comes out, alike for every paradigm.

    Args:
        video_channels: numbers per video token, patches unfolded.
        audio_channels: numbers per audio token.
        clock: the common time axis.
        grid: tokens per latent frame, rows and columns.
        vocabulary: entries of the own word table; 0 where words come as features of a frozen text encoder.
        text_channels: width of a word's embedding, or of those features.
        words: the longest context, in tokens.
        voice_channels: numbers of a speaker embedding.
        time_channels: sines and cosines of the noise level.
        audio_stem: a linear map; a convolution over three tokens before it; or NAVA's gated convolutions.
        audio_stem_hidden: inner channels of the gated stem.
        binding: whether a voice is added to the token in its place or overwrites it, as in NAVA's release. Attention to a context
            reads a set: an overwritten token no longer tells whose words it stands before, so two voices can be swapped unnoticed.
    """

    video_channels: int
    audio_channels: int
    clock: Clock
    grid: tuple[int, int] = (1, 1)
    vocabulary: int = 0
    text_channels: int = 64
    words: int = 40
    voice_channels: int = 64
    time_channels: int = 64
    audio_stem: Stem = "convolution"
    audio_stem_hidden: int = 0
    binding: Binding = "add"


@dataclass(frozen=True)
class Tower:
    """One transformer stream: its width, attention heads and the inner width of its feed-forward layers."""

    width: int
    heads: int
    hidden: int


@dataclass(frozen=True)
class AlignThenFuse:
    """NAVA: ``separate`` alignment layers, then ``shared`` fusion layers; either may be 0.

    ``split_feed_forward`` gives the alignment layers own norms and feed-forward layers for each modality too.
    """

    sizes: Sizes
    stream: Tower
    separate: int
    shared: int
    split_feed_forward: bool = False


@dataclass(frozen=True)
class DualTower:
    """Two streams of ``depth`` blocks that look at each other in every block.

    ``fused`` as in Ovi: text and the other tower answer the same queries and share the output projection. ``gated`` as in
    LTX-2: an attention of its own at the audio width, its output gated by the other stream's noise level.
    """

    sizes: Sizes
    video: Tower
    audio: Tower
    depth: int
    exchange: Exchange = "fused"


@dataclass(frozen=True)
class Unified:
    """One stream of video, audio and text: ``outer`` layers of own weights per modality on both sides of ``inner`` shared ones.

    ``timed`` modulates every layer by the noise level, as the other paradigms do; without it the network must see the level in
    the latents themselves, as daVinci-MagiHuman does. ``head_gate`` multiplies every head's answer by a sigmoid of the token.
    ``key_heads`` shares keys and values among query heads (0: none shared). ``swiglu`` replaces the feed-forward layers after the
    first ``outer`` ones by gated ones of two thirds the inner width.
    """

    sizes: Sizes
    stream: Tower
    outer: int
    inner: int
    timed: bool = True
    head_gate: bool = False
    key_heads: int = 0
    swiglu: bool = False


@dataclass(frozen=True)
class Cascade:
    """A video model, then an audio model that reads the finished video through ``condition`` channels per token."""

    sizes: Sizes
    video: Tower
    video_depth: int
    audio: Tower
    audio_depth: int
    condition: int


Configuration = AlignThenFuse | DualTower | Unified | Cascade


@dataclass(frozen=True)
class Lengths:
    """Tokens of one clip: ``video``, ``audio`` and ``text``."""

    video: int
    audio: int
    text: int


@dataclass(frozen=True)
class Preset:
    """A named configuration with the clip its costs are printed for, and a line on what it is."""

    name: str
    configuration: Configuration
    lengths: Lengths
    note: str = field(default="")
