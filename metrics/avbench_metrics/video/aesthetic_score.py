"""Aesthetic score: looks and technical quality of the frames by three networks (Verse-Bench's AS)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.frame_quality import ManiqaQuality, MusiqQuality, SiglipAesthetic

SOURCE = (
    "UniVerse-1, arXiv 2509.06155; github.com/Dorniwang/Verse-Bench; github.com/discus0434/aesthetic-predictor-v2-5; MUSIQ, arXiv "
    "2108.05997; MANIQA, arXiv 2204.08958"
)
FORMULA = "(A / 10 + M / 100 + Q) / 3, each the mean over frames: aesthetic-predictor-v2-5, MUSIQ, MANIQA"
FRAMES = 16


@dataclass(frozen=True)
class AestheticScoreOfficial(ClipMetric):
    """Verse-Bench's AS, of every frame."""

    uses: ClassVar[tuple[Feature, ...]] = (SiglipAesthetic(), MusiqQuality("koniq"), ManiqaQuality())
    card: ClassVar[Card] = Card(
        title="aesthetic score (AS)",
        better="higher",
        unit="1",
        range=(-1.0, 2.0),
        formula=FORMULA,
        source=SOURCE,
        protocol="every frame; A squashed to 384 (bicubic, anti-aliased), SigLIP so400m in float32 (bfloat16 there); M "
        "(KonIQ-10k) at the file's own size; Q (KonIQ-10k) the mean of 20 crops of 224 pixels, drawn by the clip's bytes (at "
        "random there)",
        licence="weights: Apache-2.0 (SigLIP), unknown (the others)",
        extra="clip",
        packages=("torch", "torchvision", "transformers", "PIL"),
        notes="Pictures with a side of 224 and less have no score, as the published code has no crop of them. 20 runs of a "
        "ViT-B/8 for every frame: minutes per clip on a GPU, hours without; see the protocol fixed. In practice from 0 to 1.",
    )

    def score(self, sample: Sample) -> float:
        """See the card."""
        looks, musiq, maniqa = self._means(sample)
        return (looks / 10.0 + musiq / 100.0 + maniqa) / 3.0

    def details(self, sample: Sample) -> Mapping[str, float]:
        """The three terms on their own scales."""
        return dict(zip(("aesthetic", "musiq", "maniqa"), self._means(sample), strict=True))

    def _means(self, sample: Sample) -> tuple[float, ...]:
        return tuple(float(sample[feature].mean(dtype="float64")) for feature in self.uses)


@dataclass(frozen=True)
class AestheticScore(AestheticScoreOfficial):
    """The same of 16 frames, at a cost that does not grow with the clip."""

    uses: ClassVar[tuple[Feature, ...]] = (
        SiglipAesthetic(FRAMES),
        MusiqQuality("koniq", frames=FRAMES),
        ManiqaQuality(FRAMES),
    )
    card: ClassVar[Card] = Card(
        title="aesthetic score",
        better="higher",
        unit="1",
        range=(-1.0, 2.0),
        formula=FORMULA,
        source="avbench, after " + SOURCE,
        protocol=f"{FRAMES} frames from the middles of equal parts of the clip (all of a shorter one); else as verse_bench, the "
        "crops of MANIQA fixed by the clip's bytes",
        licence="weights: Apache-2.0 (SigLIP), unknown (the others)",
        extra="clip",
        packages=("torch", "torchvision", "transformers", "PIL"),
        notes="Neighbouring frames say nearly the same; sixteen do what hundreds did, and the same clip always gets the same "
        "score. Pictures with a side of 224 and less have no score. In practice from 0 to 1.",
    )


METRIC = AestheticScore()
PROTOCOLS = {"fixed": METRIC, "verse_bench": AestheticScoreOfficial()}
