"""CLIP score: whether the frames show what the prompt says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.openai_clip import ClipFrames, ClipText
from avbench_metrics._maths.cosine import cosine

FRAMES = "ViT-B/32 of OpenAI in single precision; 48 frames from first to last, short side 224 (Pillow's bicubic), centre; "
TEXT = "; text of at most 75 byte pairs, cut before the end token"


@dataclass(frozen=True)
class ClipScore(ClipMetric):
    """Mean over frames of the cosine with the text."""

    card: ClassVar[Card] = Card(
        title="CLIP score",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="mean over 48 frames of the cosine of CLIP's embeddings of the frame and of the prompt's text",
        source="Radford et al., arXiv 2103.00020; github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol=FRAMES + "RGB" + TEXT,
        licence="MIT (OpenAI's code and weights)",
        extra="clip",
        packages=("torch", "open_clip", "PIL"),
        needs=("text",),
        notes="A plain cosine: not times 100 or 2.5, not cut at 0; typical values .2 to .35. What lies beyond 75 byte pairs is not "
        "read.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClipText(), ClipFrames(48, swapped=False))

    def score(self, sample: Sample) -> float:
        """See the card."""
        text, frames = self.uses
        return float(np.mean([cosine(frame, sample[text]) for frame in sample[frames]]))


@dataclass(frozen=True)
class ClipScoreJavisBench(ClipScore):
    """As JavisBench's code computes it."""

    card: ClassVar[Card] = replace(
        ClipScore.card,
        protocol=FRAMES + "BGR" + TEXT,
        notes="Red and blue are exchanged twice on the way, so CLIP sees wrong colours. On a GPU the official code computes in "
        "half precision: its fourth digit differs. For comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClipText(), ClipFrames(48, swapped=True))


METRIC = ClipScore()
PROTOCOLS = {"fixed": METRIC, "javisbench": ClipScoreJavisBench()}
