"""Silence: share of the clip without sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.sound import Levels

LEVELS = Levels()


@dataclass(frozen=True)
class Silence(ClipMetric):
    """Share of 50 ms windows below -60 dBFS."""

    card: ClassVar[Card] = Card(
        title="silence",
        better="lower",
        unit="1",
        range=(0.0, 1.0),
        formula="share of 50 ms windows with RMS < -60 dBFS",
        source="avbench; cf. MOVA's audio_amplitude guard",
        protocol="mono mix at the file's rate",
        notes="A guard, not a quality: a scene may be quiet for a reason.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (LEVELS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[LEVELS][1])


METRIC = Silence()
