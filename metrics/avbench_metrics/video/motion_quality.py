"""Motion quality: VideoReward's reward for how steady, natural and lively the motion is (JavisBench's MQ)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.video import _video_reward as common

TITLE = "motion quality (MQ)"
FORMULA = "VideoReward's head at the mark <|MQ_reward|>, after the frames and the question"


@dataclass(frozen=True)
class MotionQualityJavisBench(common.RewardMetric):
    """The reward itself, as JavisBench reports it."""

    index: ClassVar[int] = 1
    card: ClassVar[Card] = common.card(
        TITLE, FORMULA, f"{common.SOURCE}; github.com/JavisVerse/JavisDiT, eval/javisbench", common.RAW
    )


@dataclass(frozen=True)
class MotionQualityVideoAlign(common.RewardMetric):
    """The reward on the scale of its authors."""

    index: ClassVar[int] = 1
    mean: ClassVar[float] = 1.1646
    deviation: ClassVar[float] = 1.3811
    card: ClassVar[Card] = common.card(TITLE, f"(r - 1.1646) / 1.3811, r: {FORMULA}", common.SOURCE, common.NORMALISED)


METRIC = MotionQualityJavisBench()
PROTOCOLS = {"javisbench": METRIC, "videoalign": MotionQualityVideoAlign()}
