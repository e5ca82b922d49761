"""Clipping: share of samples cut at full scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.sound import Levels

LEVELS = Levels()


@dataclass(frozen=True)
class Clipping(ClipMetric):
    """Share of samples that lie at full scale in runs of three or more."""

    card: ClassVar[Card] = Card(
        title="clipping",
        better="lower",
        unit="1",
        range=(0.0, 1.0),
        formula="share of samples with |x| >= 0.999 in runs of 3 or more",
        source="avbench",
        protocol="mono mix at the file's rate; lossy codecs decode slightly past full scale, which counts",
        notes="Clipping before a later gain reduction is not seen.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (LEVELS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[LEVELS][2])


METRIC = Clipping()
