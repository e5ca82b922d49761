"""Common ground of visual and motion quality: two rewards of one network, raw or on the scale of its authors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.video_reward import VideoReward

REWARD = VideoReward()
SOURCE = "VideoAlign, Liu et al., arXiv 2501.13918; github.com/KwaiVGI/VideoAlign"
PROTOCOL = (
    "whole clip; 2 frames per second, an even number, 4 to 768, from the first to the last; sides to multiples of 28 with 100,352 "
    "to 200,704 pixels (bicubic, anti-aliased); template detailed_special up to the mark of motion quality; VideoReward "
    "(Qwen2-VL-2B, adapters merged) in float32 (bfloat16 with flash attention there)"
)
NOTES = (
    "The prompt's words stand behind both marks, so they do not count. Two frames of each second are seen: what flickers between "
    "them is not. Trained on people's choices between generated clips, so real ones are no upper end. Models tuned on this reward "
    "score well under it; VA-Judger found it near chance (VQ 51.7, MQ 53.7 %) at people's choices of clips with sound. "
    "2.2 billion parameters: 9.5 GB in memory, 80 s on one core for 4 s of 240p, so a GPU is advisable. "
)
RAW = "As the network gives it; some papers report it normalised (protocol videoalign): never compare the two."
NORMALISED = "Mean and deviation are the published ones. JavisBench reports the raw reward (protocol javisbench)."


@dataclass(frozen=True)
class RewardMetric(ClipMetric):
    """``(reward[index] - mean) / deviation``."""

    index: ClassVar[int]
    mean: ClassVar[float] = 0.0
    deviation: ClassVar[float] = 1.0
    uses: ClassVar[tuple[Feature, ...]] = (REWARD,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return (float(sample[REWARD][self.index]) - self.mean) / self.deviation


def card(title: str, formula: str, source: str, notes: str) -> Card:
    """The card of one protocol."""
    return Card(
        title=title,
        better="higher",
        unit="1",
        range=(-math.inf, math.inf),
        formula=formula,
        source=source,
        protocol=PROTOCOL,
        licence="weights: Apache-2.0; code and template: MIT",
        extra="clip",
        packages=("torch", "torchvision", "transformers", "tokenizers"),
        notes=NOTES + notes,
    )
