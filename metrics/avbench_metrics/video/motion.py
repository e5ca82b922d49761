"""Motion: how fast the picture moves on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.flow import FlowMagnitude

FLOW = FlowMagnitude()


@dataclass(frozen=True)
class Motion(ClipMetric):
    """Mean optical flow in picture heights per second."""

    card: ClassVar[Card] = Card(
        title="motion",
        better="none",
        unit="heights/s",
        range=(0.0, float("inf")),
        formula="sum of mean flow magnitudes / rows of the picture / duration",
        source="Farneback, SCIA 2003 (OpenCV); cf. VBench's dynamic degree",
        protocol="luma of 144 rows at the file's own rate, Farneback(0.5, 3, 15, 3, 5, 1.2, 0)",
        notes="Descriptive: neither much nor little motion is good by itself. Under 144 rows the window of the flow "
        "is wide for the picture: compare only clips of like size there.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FLOW,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        seconds, pixels, rows = sample[FLOW]
        step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else float(seconds[0])
        return float(pixels.mean()) / float(rows[0]) / max(step, 1e-3)


METRIC = Motion()
