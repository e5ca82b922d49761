"""Temporal flickering: how little consecutive frames differ (VBench)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.picture import FrameDifference

DIFFERENCE = FrameDifference()


@dataclass(frozen=True)
class TemporalFlickering(ClipMetric):
    """(255 - mean absolute difference) / 255."""

    card: ClassVar[Card] = Card(
        title="temporal flickering",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="(255 - mean |frame[t+1] - frame[t]|) / 255 over all pixels, channels and pairs",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/temporal_flickering.py",
        protocol="every frame at the file's own rate and size, RGB",
        notes="VBench applies it to static scenes only. Real motion lowers it and a frozen picture reaches 1: read it beside "
        "frozen and motion.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (DIFFERENCE,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return (255.0 - float(sample[DIFFERENCE].mean())) / 255.0


METRIC = TemporalFlickering()
PROTOCOLS = {"vbench": METRIC}
