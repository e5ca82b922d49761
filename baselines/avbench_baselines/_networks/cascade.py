"""Cascade: a video model, then an audio model that hears its text and sees the finished video on the common clock.

The audio model is trained on real video latents with a little noise, since in use it sees generated ones.
Sources: the family of MMAudio (arXiv 2412.15322), with the same blocks as the other paradigms here.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from avbench_baselines._networks.configuration import Cascade
from avbench_baselines._networks.context import Context, ContextEmbedding
from avbench_baselines._networks.ends import Ends
from avbench_baselines._networks.layers import TimeEmbedding, start, video_stem
from avbench_baselines._networks.masks import UNMASKED, Masks, bias_of, keys_allowed, source_open
from avbench_baselines._networks.tower import SourceSetting, TowerBlock, TowerSetting, start_fusion


class SeenVideo(NamedTuple):
    """The finished video's tokens (batch, tokens, condition) and how they are read."""

    tokens: Tensor
    setting: SourceSetting


class CascadeBlock(nn.Module):
    """One layer of either model; ``source`` is the width of the video that an audio layer reads, 0 in a video layer."""

    def __init__(self, tower: TowerBlock) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, streams: tuple[Tensor], setting: TowerSetting, seen: SeenVideo | None = None) -> tuple[Tensor]:
        """Tokens of one modality, (batch, tokens, width), alike."""
        x = self.tower.attend_alone(streams[0], setting)
        x = self.tower.read(x, setting) if seen is None else self.tower.read_both(x, setting, seen.tokens, seen.setting)
        return (self.tower.feed(x, setting),)


class CascadeNetwork(nn.Module):
    """Both models; a forward pass runs the one, the other or both, each only on what it is given."""

    cascaded = True

    def __init__(self, configuration: Cascade) -> None:
        super().__init__()
        self.configuration = configuration
        sizes, widths = configuration.sizes, (configuration.video.width, configuration.audio.width)
        self.ends = Ends(sizes, *widths)
        self.times = nn.ModuleList(TimeEmbedding(sizes.time_channels, width, 6) for width in widths)
        self.contexts = nn.ModuleList(ContextEmbedding(sizes, width) for width in widths)
        self.condition_stem = video_stem(sizes, configuration.condition)
        video = [CascadeBlock(TowerBlock(configuration.video)) for _ in range(configuration.video_depth)]
        audio = [CascadeBlock(TowerBlock(configuration.audio, configuration.condition)) for _ in range(configuration.audio_depth)]
        self.blocks = nn.ModuleList(video + audio)
        start(self)
        start_fusion(self)

    def forward(
        self, video: Tensor, audio: Tensor, t: Tensor, context: Context, masks: Masks = UNMASKED, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """See ``AlignThenFuseNetwork.forward``.

        ``condition`` is the finished video (batch, tokens, channels) that the audio model sees; with ``None`` it sees none.
        ``masks.video_valid`` holds for it as for ``video``; blocked alignment hides it.
        """
        lengths, valid = (video.shape[1], audio.shape[1]), (masks.video_valid, masks.audio_valid)
        seen = self._seen(video[:, :0] if condition is None else condition, masks)
        split = self.configuration.video_depth
        blocks = list(self.blocks[:split]), list(self.blocks[split:])
        entered = self.ends.enter(video, audio, masks if lengths[0] else Masks(audio_valid=masks.audio_valid))
        embeddings, left = [], []
        for i, tower in enumerate((self.configuration.video, self.configuration.audio)):
            read, words = self.contexts[i](context, masks)
            e, modulation = self.times[i](t)
            turn = self.ends.rotations(lengths, tower.width // tower.heads, t.device)[i]
            bias = bias_of(keys_allowed(valid[i] if lengths[i] else None), read.dtype)
            setting = TowerSetting(read, bias_of(keys_allowed(words), read.dtype), modulation, turn, bias)
            streams = (entered[i],)
            for block in blocks[i]:
                streams = block(streams, setting, seen) if i else block(streams, setting)
            embeddings.append(e)
            left.append(streams[0])
        return self.ends.leave((left[0], left[1]), (embeddings[0], embeddings[1]))

    def _seen(self, condition: Tensor, masks: Masks) -> SeenVideo:
        tower, count = self.configuration.audio, condition.shape[1]
        turn = self.ends.rotations((count, 0), tower.width // tower.heads, condition.device)[0]
        valid = masks.video_valid if count else None
        bias = bias_of(keys_allowed(valid), condition.dtype)
        return SeenVideo(self.condition_stem(condition), SourceSetting(turn, bias, source_open(condition, valid, masks.alignment)))
