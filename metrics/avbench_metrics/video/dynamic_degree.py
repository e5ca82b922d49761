"""Dynamic degree: share of clips that move (VBench)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.raft_flow import RaftFlow
from avbench_metrics._maths.flow_statistics import is_dynamic, is_dynamic_official

FLOW = RaftFlow("vbench")
SOURCE = "VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/dynamic_degree.py; RAFT, arXiv 2003.12039"
PROTOCOL = "every round(fps / 8)-th frame at its own size, padded to multiples of 8; RAFT (things), 20 iterations"


@dataclass(frozen=True)
class DynamicDegreeOfficial(ClipMetric):
    """VBench's dimension."""

    card: ClassVar[Card] = Card(
        title="dynamic degree",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="1 where at least round(frames / 4) pairs have a mean of the longest 5 % of flow above 6 min(H, W) / 256 pixels, "
        "else 0",
        source=SOURCE,
        protocol=PROTOCOL,
        licence="weights: BSD-3-Clause",
        extra="clip",
        packages=("torch", "torchvision"),
        notes="The pairs are not an eighth of a second apart unless the rate is a multiple of 8, and a clip of two frames always "
        "moves. Only for pictures of 121 pixels and more. Neither much nor little motion is good by itself.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FLOW,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        flow = sample[FLOW]
        return float(is_dynamic_official(flow[0], int(flow[4, 0])))


@dataclass(frozen=True)
class DynamicDegree(ClipMetric):
    """The same without its dependence on rate and rounding."""

    card: ClassVar[Card] = Card(
        title="dynamic degree",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="1 where a quarter of the pairs, and at least one, move faster than 6 / 256 of the shorter side in an eighth of a "
        "second (mean of the longest 5 % of flow), else 0",
        source="avbench, after " + SOURCE,
        protocol=PROTOCOL + "; lengths divided by the time between the two frames",
        licence="weights: BSD-3-Clause",
        extra="clip",
        packages=("torch", "torchvision"),
        notes="Only for pictures of 121 pixels and more. Neither much nor little motion is good by itself.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FLOW,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        flow = sample[FLOW]
        return float(is_dynamic(flow[0], int(flow[4, 0]), times(flow)))


def times(flow: Array) -> Array:
    """Seconds of the frames, from 0, of what ``RaftFlow`` keeps: one more than pairs."""
    return np.concatenate([[0.0], np.cumsum(flow[3])])


METRIC = DynamicDegree()
PROTOCOLS = {"fixed": METRIC, "vbench": DynamicDegreeOfficial()}
