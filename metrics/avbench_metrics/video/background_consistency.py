"""Background consistency: how much frames resemble each other under CLIP (VBench)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.clip_frames import ClipFrames
from avbench_metrics._maths.frame_consistency import consistency

FRAMES = ClipFrames("ViT-B/32")


@dataclass(frozen=True)
class BackgroundConsistency(ClipMetric):
    """VBench's dimension."""

    averaged: ClassVar[str] = "frames"
    card: ClassVar[Card] = Card(
        title="background consistency",
        better="higher",
        unit="1",
        range=(0.0, 1.0 + 1e-9),
        formula="mean over frames i >= 1 of (cos+(f_i, f_i-1) + cos+(f_i, f_0)) / 2, f CLIP's embedding, cos+ = max(0, cosine)",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/background_consistency.py",
        version=2,
        protocol="every frame, short side to 224 (bicubic, no anti-aliasing, rounded to whole grey levels), centre crop; CLIP "
        "ViT-B/32 in float32, as VBench on a CPU (half precision on a GPU); clips weighted by their frames but the first",
        licence="weights: MIT",
        extra="clip",
        packages=("torch",),
        notes="A still picture reaches 1: read it beside dynamic_degree or motion. A long clip counts more than a short one.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FRAMES,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return consistency(sample[FRAMES])

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Frames that were compared."""
        return {"frames": float(len(sample[FRAMES]) - 1)}


METRIC = BackgroundConsistency()
PROTOCOLS = {"vbench": METRIC}
