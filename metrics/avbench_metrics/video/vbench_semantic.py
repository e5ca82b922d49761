"""VBench's semantic score: nine dimensions of what the prompt asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.errors import Unscorable
from avbench.metric import Card, Total
from avbench_metrics._maths import vbench_total as sums
from avbench_metrics.video.vbench_total import LACKING, MEANS, SOURCE, measured, parts_of

FORMULA = "mean of (score - low) / (high - low) over nine dimensions"


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
        protocol=f"{MEANS}; what is not measured counts as 0 before it is normalised",
        notes=f"{LACKING} They count as 0, so that this is no semantic score of the leaderboard.",
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.SEMANTIC)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card."""
        return sums.official(measured(values)).semantic


@dataclass(frozen=True)
class VBenchSemantic(Total):
    """The same where all nine have a score."""

    card: ClassVar[Card] = Card(
        title="VBench semantic",
        better="higher",
        unit="1",
        range=(-5.0, 5.0),
        formula=FORMULA,
        source=SOURCE,
        protocol=f"{MEANS}; all nine must be measured",
        notes=f"{LACKING} Until they are, there is no semantic score.",
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.SEMANTIC)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card; raises ``Unscorable`` with the names of what is not measured."""
        scores = measured(values)
        absent = [name for name in sums.SEMANTIC if name not in scores]
        if absent:
            raise Unscorable(f"No score for {', '.join(absent)}: the sum needs all {len(sums.SEMANTIC)} dimensions.", "missing")
        return sums.official(scores).semantic


METRIC = VBenchSemantic()
PROTOCOLS = {"fixed": METRIC, "official": VBenchSemanticOfficial()}
