"""FAD of log-mel statistics: a signal-level Fréchet distance that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.sound import LogMelWindows
from avbench_metrics._maths.frechet import frechet_distance

WINDOWS = LogMelWindows()


@dataclass(frozen=True)
class FadMel(SetMetric):
    """Fréchet distance of the pooled windows."""

    card: ClassVar[Card] = Card(
        title="FAD (log-mel, signal level)",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of 128-d window vectors",
        source="Kilgour et al., arXiv 1812.08466, on log-mel statistics instead of VGGish",
        version=2,
        protocol="16 kHz mono, 64 mel bands, windows of 0.96 s: mean and standard deviation of the natural log per band "
        "above a floor of -80 dBFS",
        notes="Not the FAD of any paper: no network, so it hears spectrum and level, not meaning. Biased upwards for few clips.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WINDOWS,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return frechet_distance(*(np.concatenate([s[WINDOWS] for s in side]) for side in (generated, reference)))


METRIC = FadMel()
