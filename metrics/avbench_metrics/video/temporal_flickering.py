"""Temporal flickering: how little consecutive frames differ (VBench)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.picture import FrameDifference
from avbench_metrics._maths.vbench_prompts import check_dimension

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


@dataclass(frozen=True)
class TemporalFlickeringVBench(TemporalFlickering):
    """The same number, of VBench's own prompts alone."""

    card: ClassVar[Card] = replace(
        TemporalFlickering.card,
        protocol=TemporalFlickering.card.protocol + "; of VBench's prompts those of this dimension",
        notes=TemporalFlickering.card.notes + " VBench's filter, which drops clips that move (RAFT), is not applied.",
    )

    def score(self, sample: Sample) -> float:
        """See the card."""
        check_dimension(sample.prompt, "temporal_flickering")
        return super().score(sample)


METRIC = TemporalFlickering()
PROTOCOLS = {"default": METRIC, "vbench": TemporalFlickeringVBench()}
