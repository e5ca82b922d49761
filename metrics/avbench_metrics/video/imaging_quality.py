"""Imaging quality: MUSIQ's mark for noise, blur and exposure of the frames (VBench)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.frame_quality import MusiqQuality

MARKS = MusiqQuality("spaq", longest=512)


@dataclass(frozen=True)
class ImagingQuality(ClipMetric):
    """VBench's dimension."""

    card: ClassVar[Card] = Card(
        title="imaging quality",
        better="higher",
        unit="1",
        range=(-1.0, 2.0),
        formula="mean over frames of MUSIQ's mark / 100",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/imaging_quality.py; Ke et al., arXiv 2108.05997",
        protocol="every frame; a longer side above 512 reduced to it (bilinear, no anti-aliasing, rounded to whole grey levels); "
        "MUSIQ, SPAQ",
        licence="weights: unknown",
        extra="clip",
        packages=("torch",),
        notes="VBench lists clips from 0 to 100 and the dimension from 0 to 1; both are from 0 to 1 here. The network may leave "
        "that range a little.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (MARKS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[MARKS].mean(dtype="float64")) / 100.0


METRIC = ImagingQuality()
PROTOCOLS = {"vbench": METRIC}
