"""KVD: kernel distance between two sets of videos, unbiased where FVD is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.video_embedding import I3dLogits
from avbench_metrics._maths.frechet_official import javisbench_kvd
from avbench_metrics._maths.kernel import polynomial_mmd2

JAVISBENCH, FIXED = I3dLogits("javisbench"), I3dLogits("fixed")
FORMULA = "unbiased MMD^2 with (x.y / 400 + 1)^3 of the 400 logits of I3D, one vector per clip"
PAPER = "Binkowski et al., arXiv 1801.01401; Unterthiner et al., arXiv 1812.01717"


@dataclass(frozen=True)
class Kvd(SetMetric):
    """KVD of the logits as they are."""

    card: ClassVar[Card] = Card(
        title="KVD (I3D)",
        better="lower",
        unit="1",
        range=(-1e12, 1e12),
        formula=FORMULA,
        source=PAPER,
        protocol="the first 24 pictures at 12 per second; longer side to 224 (bilinear, anti-aliased), black bars; pixels in -1 "
        "... 1; float64, all clips at once, no factor",
        licence="weights: unknown",
        extra="clip",
        packages=("torch",),
        notes="Slightly negative where the sets agree. Clips under 2 s are left out.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FIXED,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return polynomial_mmd2(*(np.concatenate([s[FIXED] for s in side]) for side in (generated, reference)))


@dataclass(frozen=True)
class KvdJavisBench(SetMetric):
    """KVD as JavisBench's code computes it: of logits centred set by set."""

    card: ClassVar[Card] = Card(
        title="KVD (JavisBench)",
        better="lower",
        unit="1",
        range=(-1e12, 1e12),
        formula=FORMULA + ", each set's mean taken out before",
        source=f"{PAPER}; github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol="pictures as fvd@javisbench; the first min(n, m) clips of both sets; kernel in float64, there float32",
        licence="weights: unknown",
        extra="clip",
        packages=("torch",),
        notes="JavisBench's FVD routine runs before and centres its arguments in place, so that a difference between the sets' "
        "means, most of what a distance should see, is invisible. Kept for the sake of published figures.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (JAVISBENCH,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return javisbench_kvd(*(np.concatenate([s[JAVISBENCH] for s in side]) for side in (generated, reference)))


METRIC = Kvd()
PROTOCOLS = {"fixed": METRIC, "javisbench": KvdJavisBench()}
