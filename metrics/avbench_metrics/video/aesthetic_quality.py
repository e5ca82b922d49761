"""Aesthetic quality: LAION's mark for the looks of the frames (VBench)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avbench import weights
from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.clip_frames import ClipFrames, picture_tower
from avbench_metrics._features.resized import through

HEAD = "laion_aesthetic_linear"


@dataclass(frozen=True)
class LaionMarks(ClipFrames):
    """LAION's linear marks of every frame's CLIP ViT-L/14 embedding, about 1 ... 10, float32 (frames,)."""

    variant: str = "ViT-L/14"

    @property
    def weights(self) -> tuple[str, ...]:
        """CLIP's and the head's file."""
        return (*super().weights, HEAD)

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Frame by frame, clip by clip."""
        from avbench_metrics._features.networks import clip, laion_aesthetic

        tower = picture_tower(self.variant, device)
        head = weights.network(HEAD, laion_aesthetic.build, laion_aesthetic.tiny, device)

        def mark(pictures: Any) -> Any:
            return head(tower(pictures))

        return lambda batch: [through(mark, frames, clip.MEAN, clip.DEVIATION, device) for frames in batch]


MARKS = LaionMarks()


@dataclass(frozen=True)
class AestheticQuality(ClipMetric):
    """VBench's dimension."""

    card: ClassVar[Card] = Card(
        title="aesthetic quality",
        better="higher",
        unit="1",
        range=(-1.0, 2.0),
        formula="mean over frames of (w . f / |f| + b) / 10, f CLIP's embedding, w and b LAION's linear head",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/aesthetic_quality.py; github.com/LAION-AI/aesthetic-"
        "predictor",
        protocol="every frame, short side to 224 (bicubic, no anti-aliasing, rounded to whole grey levels), centre crop; CLIP "
        "ViT-L/14 in float32, as VBench on a CPU (half precision on a GPU)",
        licence="weights: MIT (CLIP), unknown (head)",
        extra="clip",
        packages=("torch",),
        notes="A linear head: not bounded, in practice 0.3 to 0.7. Not comparable with Verse-Bench's AS, which is another "
        "predictor.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (MARKS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[MARKS].mean(dtype="float64")) / 10.0


METRIC = AestheticQuality()
PROTOCOLS = {"vbench": METRIC}
