"""Both ends of every paradigm: latents to tokens on the common clock, and tokens back to predictions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avbench_baselines._networks.attention import Rotation, audio_positions, rotation, video_positions
from avbench_baselines._networks.configuration import Sizes
from avbench_baselines._networks.layers import Head, audio_stem, video_stem
from avbench_baselines._networks.masks import Masks


class Ends(nn.Module):
    """Stems and heads of video and audio at their widths."""

    def __init__(self, sizes: Sizes, video_width: int, audio_width: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.video_stem, self.audio_stem = video_stem(sizes, video_width), audio_stem(sizes, audio_width)
        self.video_head, self.audio_head = Head(video_width, sizes.video_channels), Head(audio_width, sizes.audio_channels)

    def enter(self, video: Tensor, audio: Tensor, masks: Masks) -> tuple[Tensor, Tensor]:
        """Latents (batch, tokens, channels) to tokens (batch, tokens, width)."""
        return self.video_stem(video, masks.video_valid), self.audio_stem(audio, masks.audio_valid)

    def leave(self, streams: tuple[Tensor, ...], embeddings: tuple[Tensor | None, Tensor | None]) -> tuple[Tensor, Tensor]:
        """Tokens (batch, tokens, width) and the embeddings of the levels, if any, to predictions (batch, tokens, channels)."""
        return self.video_head(streams[0], embeddings[0]), self.audio_head(streams[1], embeddings[1])

    def rotations(
        self, lengths: tuple[int, int], channels: int, device: torch.device, time_only: bool = False
    ) -> tuple[Rotation, Rotation]:
        """How heads of ``channels`` channels turn at the places of video and audio; in time alone where a frame is one token."""
        clock, alone = self.sizes.clock, time_only or self.sizes.grid == (1, 1)
        places = video_positions(lengths[0], self.sizes.grid, device), audio_positions(lengths[1], clock, device)
        video, audio = (rotation(place, channels, clock.theta, alone) for place in places)
        return video, audio
