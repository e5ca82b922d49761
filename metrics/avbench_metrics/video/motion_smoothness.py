"""Motion smoothness: how well every second frame follows from its neighbours (VBench)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.predicted_frames import PredictionErrors
from avbench_metrics._maths.motion_smoothness import smoothness

ERRORS = PredictionErrors()


@dataclass(frozen=True)
class MotionSmoothness(ClipMetric):
    """VBench's dimension."""

    card: ClassVar[Card] = Card(
        title="motion smoothness",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="(255 - mean |frame - AMT-S's middle of its two neighbours|) / 255 over frames 1, 3, 5 ...",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/motion_smoothness.py; AMT, arXiv 2304.09790",
        protocol="every frame at its own size, padded to multiples of 16; AMT-S",
        licence="weights: CC BY-NC 4.0",
        extra="clip",
        packages=("torch",),
        notes="A still picture reaches 1: read it beside dynamic_degree or motion. Only for pictures of 113 pixels and more.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ERRORS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return smoothness(sample[ERRORS])


METRIC = MotionSmoothness()
PROTOCOLS = {"vbench": METRIC}
