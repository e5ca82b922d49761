"""Loudness: integrated, after BS.1770."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from avbench.errors import Unscorable
from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.sound import Levels

LEVELS = Levels()


@dataclass(frozen=True)
class Loudness(ClipMetric):
    """Integrated loudness of the mono mix."""

    card: ClassVar[Card] = Card(
        title="loudness",
        better="none",
        unit="LUFS",
        range=(-120.0, 20.0),
        formula="gated mean of K-weighted power",
        source="ITU-R BS.1770-4 (pyloudnorm)",
        protocol="mono mix at the file's rate",
        notes="Descriptive. Silence and sound under 0.4 s have no loudness.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (LEVELS,)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` for silence and for less than 0.4 s."""
        value = float(sample[LEVELS][0])
        if math.isnan(value):
            raise Unscorable("Silent, or shorter than 0.4 s: BS.1770 gives it no loudness.")
        return value


METRIC = Loudness()
