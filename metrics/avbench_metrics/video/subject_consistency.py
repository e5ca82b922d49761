"""Subject consistency: how much frames resemble each other under DINO (VBench)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.dino_frames import DinoFrames
from avbench_metrics._maths.frame_consistency import consistency

FRAMES = DinoFrames()


@dataclass(frozen=True)
class SubjectConsistency(ClipMetric):
    """VBench's dimension."""

    averaged: ClassVar[str] = "frames"
    card: ClassVar[Card] = Card(
        title="subject consistency",
        better="higher",
        unit="1",
        range=(0.0, 1.0 + 1e-9),
        formula="mean over frames i >= 1 of (cos+(f_i, f_i-1) + cos+(f_i, f_0)) / 2, f DINO's class token, cos+ = max(0, cosine)",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/subject_consistency.py",
        version=2,
        protocol="every frame, short side to 224 (bilinear, no anti-aliasing, rounded to whole grey levels), no crop; DINO "
        "ViT-B/16; clips weighted by their frames but the first",
        licence="weights: Apache-2.0",
        extra="clip",
        packages=("torch",),
        notes="A still picture reaches 1: read it beside dynamic_degree or motion. The value is that of VBench on one GPU, a mean "
        "over all frames of all clips; on several it takes the mean over clips (the same for clips of one length).",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FRAMES,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return consistency(sample[FRAMES])

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Frames that were compared."""
        return {"frames": float(len(sample[FRAMES]) - 1)}


METRIC = SubjectConsistency()
PROTOCOLS = {"vbench": METRIC}
