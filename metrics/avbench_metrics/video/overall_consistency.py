"""Overall consistency: how well the clip fits its prompt under ViCLIP (VBench)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.viclip_pair import ViClipPair

PAIR = ViClipPair()


@dataclass(frozen=True)
class OverallConsistency(ClipMetric):
    """VBench's dimension, and temporal style, which is the same number for other prompts."""

    card: ClassVar[Card] = Card(
        title="overall consistency",
        better="higher",
        unit="1",
        range=(-1.0 - 1e-6, 1.0 + 1e-6),
        formula="cosine of ViCLIP's embeddings of the clip and of the prompt",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/overall_consistency.py; ViCLIP, arXiv 2307.06942",
        protocol="8 frames from the middles of eighths of the clip; short side to 224 (bicubic, no anti-aliasing), centre crop; "
        "prompt cut to 32 tokens with its end kept; ViCLIP ViT-L/14 (InternVid-10M-FLT)",
        licence="weights: unknown",
        extra="clip",
        packages=("torch", "open_clip"),
        needs=("text",),
        notes="In practice 0.1 to 0.3; the leaderboard takes 0.364 for the best. Words past about 30 tokens are not read.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (PAIR,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        seen, read = sample[PAIR].astype(np.float64)
        return float(seen @ read / np.linalg.norm(seen) / np.linalg.norm(read))


METRIC = OverallConsistency()
PROTOCOLS = {"vbench": METRIC}
