"""Visual quality: VideoReward's reward for how good single pictures look (JavisBench's VQ)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.video import _video_reward as common

TITLE = "visual quality (VQ)"
FORMULA = "VideoReward's head at the mark <|VQ_reward|>, after the frames and the question"


@dataclass(frozen=True)
class VisualQualityJavisBench(common.RewardMetric):
    """The reward itself, as JavisBench reports it."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = common.card(
        TITLE, FORMULA, f"{common.SOURCE}; github.com/JavisVerse/JavisDiT, eval/javisbench", common.RAW
    )


@dataclass(frozen=True)
class VisualQualityVideoAlign(common.RewardMetric):
    """The reward on the scale of its authors."""

    index: ClassVar[int] = 0
    mean: ClassVar[float] = 3.6757
    deviation: ClassVar[float] = 2.2476
    card: ClassVar[Card] = common.card(TITLE, f"(r - 3.6757) / 2.2476, r: {FORMULA}", common.SOURCE, common.NORMALISED)


METRIC = VisualQualityJavisBench()
PROTOCOLS = {"javisbench": METRIC, "videoalign": VisualQualityVideoAlign()}
