"""VideoReward's judgement of a clip's pictures: the rewards for visual and for motion quality, by one run of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Frames, Read
from avbench_metrics._features.clock import frame_rate
from avbench_metrics._features.openai_clip import spread

if TYPE_CHECKING:
    from avbench_metrics._features.networks.video_reward_input import HashedWords, Tokenizer

NAME, TOKENIZER = "video_reward", "video_reward_tokenizer"


@dataclass(frozen=True)
class VideoReward(Feature):
    """Rewards for visual and for motion quality as the network gives them, float32 (2,)."""

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    batch_size: ClassVar[int] = 4

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is; the prompt is not asked for."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The network's and the tokenizer's."""
        return (NAME, TOKENIZER)

    def prepare(self, clip: Clip) -> Array:
        """Two frames per second from the first to the last, uint8 (even number, h, w, 3), h and w multiples of 28.

        Raises ``Unscorable`` for a single frame and for pictures over 200 times as wide as high, or as high as wide.
        """
        from avbench_metrics._features.networks import video_reward_input as given

        frames, seconds = clip.frames(Frames())
        count = given.frame_count(len(frames), frame_rate(seconds))
        return given.resized(frames[spread(len(frames), count)])

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """Clip by clip, in single precision."""
        import torch

        from avbench_metrics._features.networks import video_reward
        from avbench_metrics._features.networks import video_reward_input as given

        network = weights.network(NAME, video_reward.build, video_reward.tiny, device, video_reward.converted)
        tokenizer = _tokenizer()
        ids = tokenizer(given.question())
        marks = [tokenizer(mark)[0] for mark in (given.VISUAL, given.MOTION)]

        def judge(frames: Array) -> Array:
            patches, grid = given.patches(frames)
            with torch.inference_mode():
                asked = given.spread_out(ids, tokenizer.video, grid).to(device)
                return np.asarray(network(asked, patches.to(device), grid, marks).cpu().numpy())

        return lambda batch: [judge(frames) for frames in batch]


def _tokenizer() -> Tokenizer | HashedWords:
    from avbench_metrics._features.networks import video_reward_input as given

    if weights.stands_in(TOKENIZER):
        return given.HashedWords()

    def read() -> Tokenizer:
        return given.Tokenizer(weights.paths(TOKENIZER)["tokenizer.json"])

    found: Tokenizer = weights.shared((TOKENIZER,), TOKENIZER, read)
    return found
