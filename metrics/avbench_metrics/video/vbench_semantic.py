"""VBench's semantic score: nine dimensions of what the prompt asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card, Total
from avbench_metrics._maths import vbench_total as sums
from avbench_metrics.video.vbench_total import LACKING, MEANS, MEASURED, SOURCE, measured, parts_of

FORMULA = "mean of (score - low) / (high - low) over nine dimensions"
SEMANTIC = tuple(name for name in MEASURED if name in sums.SEMANTIC)


@dataclass(frozen=True)
class VBenchSemanticOfficial(Total):
    """The leaderboard's sum."""

    card: ClassVar[Card] = Card(
        title="VBench semantic",
        better="higher",
        unit="1",
        range=(-5.0, 5.0),
        formula=FORMULA,
        source=SOURCE,
        version=2,
        protocol=f"{MEANS}; what is not measured counts as 0 before it is normalised",
        notes=f"{LACKING} They count as 0, so that this is no semantic score of the leaderboard.",
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.SEMANTIC)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card."""
        return sums.official(measured(values)).semantic


@dataclass(frozen=True)
class VBenchSemantic(Total):
    """The same of the two dimensions that are measured here."""

    card: ClassVar[Card] = Card(
        title="VBench semantic (2 of 9 dimensions)",
        better="higher",
        unit="1",
        range=(-5.0, 5.0),
        formula="mean of (score - low) / (high - low) over temporal style and overall consistency",
        source="avbench, after " + SOURCE,
        protocol=f"{MEANS}; both must be measured",
        notes=f"{LACKING} They are left out of the mean, so that this is no semantic score of the leaderboard.",
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.SEMANTIC)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card; raises ``Unscorable`` with the names of what is not measured."""
        return sums.fixed_semantic(measured(values), SEMANTIC)


METRIC = VBenchSemantic()
PROTOCOLS = {"measured": METRIC, "official": VBenchSemanticOfficial()}
