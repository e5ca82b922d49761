"""Sharpness: energy of fine detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.picture import Gradient

GRADIENT = Gradient()


@dataclass(frozen=True)
class Sharpness(ClipMetric):
    """Logarithm of the median variance of the Laplacian."""

    card: ClassVar[Card] = Card(
        title="sharpness",
        better="higher",
        unit="dB",
        range=(-1e-9, 60.0),
        formula="10 log10(1 + median over frames of var(Laplacian of luma))",
        source="Pech-Pacheco et al., ICPR 2000 (variance of Laplacian)",
        protocol="luma, at most 256 rows, 4 frames per second",
        notes="Noise counts as detail; compare only clips of like content and size.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (GRADIENT,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(10 * np.log10(1 + np.median(sample[GRADIENT])))


METRIC = Sharpness()
