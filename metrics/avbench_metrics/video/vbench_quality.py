"""VBench's quality score: seven dimensions that need no prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card, Total
from avbench_metrics._maths import vbench_total as sums
from avbench_metrics.video.vbench_total import MEANS, SOURCE, measured, parts_of

FORMULA = "weighted mean of (score - low) / (high - low) over seven dimensions, dynamic degree with half the weight of the others"
NOTES = (
    "subject and background consistency, temporal flickering, motion smoothness, aesthetic and imaging quality, dynamic degree. "
    "Five of the seven are highest for a still picture."
)


@dataclass(frozen=True)
class VBenchQualityOfficial(Total):
    """The leaderboard's sum."""

    card: ClassVar[Card] = Card(
        title="VBench quality",
        better="higher",
        unit="1",
        range=(-5.0, 5.0),
        formula=FORMULA,
        source=SOURCE,
        version=2,
        protocol=f"{MEANS}; what is not measured counts as 0 before it is normalised, down to -2.42",
        notes=NOTES,
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.QUALITY)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card."""
        return sums.official(measured(values)).quality


@dataclass(frozen=True)
class VBenchQuality(Total):
    """The same where all seven have a score."""

    card: ClassVar[Card] = Card(
        title="VBench quality",
        better="higher",
        unit="1",
        range=(-5.0, 5.0),
        formula=FORMULA,
        source=SOURCE,
        version=2,
        protocol=f"{MEANS}; all seven must be measured",
        notes=NOTES,
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.QUALITY)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card; raises ``Unscorable`` with the names of what is not measured."""
        return sums.fixed_quality(measured(values))


METRIC = VBenchQuality()
PROTOCOLS = {"fixed": METRIC, "official": VBenchQualityOfficial()}
