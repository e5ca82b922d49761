"""Identity consistency: how much the frames resemble the prompt's picture under DINOv3 (Verse-Bench's ID)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.dinov3_tokens import Dinov3Tokens

TOKENS = Dinov3Tokens()
SOURCE = "UniVerse-1, arXiv 2509.06155; github.com/Dorniwang/Verse-Bench, dino/dinov3_inferencer.py; DINOv3, arXiv 2508.10104"
PICTURES = (
    "every frame and the prompt's picture squashed to 224 x 224 (bilinear, anti-aliased, rounded to whole grey levels); "
    "DINOv3 ViT-L/16"
)


def mean_cosine(tokens: Array) -> float:
    """Mean cosine of the first row (that of the prompt's picture) and each of the others, -1 ... 1.

    Args:
        tokens: (1 + frames, D).

    Raises:
        Unscorable: a row of length 0 or not finite.
    """
    vectors = np.asarray(tokens, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise Unscorable("A picture's embedding is zero or not finite.", "not_finite")
    unit = vectors / lengths
    return float(np.clip(unit[1:] @ unit[0], -1.0, 1.0).mean())


@dataclass(frozen=True)
class IdentityConsistencyOfficial(ClipMetric):
    """Verse-Bench's ID: of one patch."""

    card: ClassVar[Card] = Card(
        title="identity consistency (ID)",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="mean over frames of the cosine to the prompt's picture, of the last but one of DINOv3's tokens",
        source=SOURCE,
        protocol=PICTURES,
        licence="weights: DINOv3 License",
        extra="clip",
        packages=("torch", "torchvision", "transformers", "PIL"),
        needs=("image",),
        notes="That token is neither the class nor a mean but the patch of rows 208 to 223 and columns 192 to 207: half a percent "
        "of the picture, near its lower right corner. A still picture is best. Kept for the sake of published figures.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (TOKENS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return mean_cosine(sample[TOKENS][:, 1])


@dataclass(frozen=True)
class IdentityConsistency(ClipMetric):
    """The same of the whole picture."""

    card: ClassVar[Card] = Card(
        title="identity consistency",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="mean over frames of the cosine to the prompt's picture, of DINOv3's class tokens",
        source="avbench, after " + SOURCE,
        protocol=PICTURES,
        licence="weights: DINOv3 License",
        extra="clip",
        packages=("torch", "torchvision", "transformers", "PIL"),
        needs=("image",),
        notes="A still picture is best: read it beside motion.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (TOKENS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return mean_cosine(sample[TOKENS][:, 0])


METRIC = IdentityConsistency()
PROTOCOLS = {"fixed": METRIC, "verse_bench": IdentityConsistencyOfficial()}
