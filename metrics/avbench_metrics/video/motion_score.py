"""Motion score: mean optical flow by RAFT (Verse-Bench's MS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.raft_flow import RaftFlow
from avbench_metrics._maths.flow_statistics import motion_score, motion_score_official
from avbench_metrics.video.dynamic_degree import times

FLOW = RaftFlow("verse_bench")
SOURCE = "UniVerse-1, arXiv 2509.06155; github.com/Dorniwang/Verse-Bench, raft/raft_inferencer.py; RAFT, arXiv 2003.12039"
PROTOCOL = (
    "every frame, both sides halved (bilinear) until neither exceeds 640, padded to multiples of 8; RAFT (things), 20 iterations"
)


@dataclass(frozen=True)
class MotionScoreOfficial(ClipMetric):
    """Verse-Bench's MS."""

    card: ClassVar[Card] = Card(
        title="motion score (MS)",
        better="higher",
        unit="pixels",
        range=(0.0, float("inf")),
        formula="mean over pairs of frames of the mean size of a component of flow, in pixels per frame",
        source=SOURCE,
        protocol=PROTOCOL,
        licence="weights: BSD-3-Clause",
        extra="clip",
        packages=("torch", "torchvision"),
        notes="Twice the rate halves it, and a picture 641 wide has half the score of one 640 wide. Verse-Bench's released script "
        "never computes it; papers report it. Neither much nor little motion is good by itself.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FLOW,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return motion_score_official(sample[FLOW][1])


@dataclass(frozen=True)
class MotionScore(ClipMetric):
    """The same, free of the picture's size and rate."""

    card: ClassVar[Card] = Card(
        title="motion score",
        better="none",
        unit="sides/s",
        range=(0.0, float("inf")),
        formula="mean over time of the mean length of flow, in shorter sides of the picture per second",
        source="avbench, after " + SOURCE,
        protocol=PROTOCOL,
        licence="weights: BSD-3-Clause",
        extra="clip",
        packages=("torch", "torchvision"),
        notes="Descriptive: neither much nor little motion is good by itself.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FLOW,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        flow = sample[FLOW]
        return motion_score(flow[2], int(flow[4, 0]), times(flow))


METRIC = MotionScore()
PROTOCOLS = {"fixed": METRIC, "verse_bench": MotionScoreOfficial()}
