"""VBench's total score: four parts quality, one part semantics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card, Total
from avbench_metrics._maths import vbench_total as sums

# dimension, and why nothing here measures it
ABSENT = (
    ("object_class", "GRiT's detector"),
    ("multiple_objects", "GRiT's detector"),
    ("color", "GRiT's captions of regions"),
    ("spatial_relationship", "GRiT's detector"),
    ("human_action", "UMT's 400 actions"),
    ("scene", "Tag2Text's captions"),
    ("appearance_style", "the style's words, which stand in VBench's auxiliary_info and not in the prompt"),
)
MEASURED = tuple(name for name in sums.DIMENSIONS if name not in dict(ABSENT))
LACKING = "Not measured here: " + "; ".join(f"{name} (needs {what})" for name, what in ABSENT) + "."


def parts_of(dimensions: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the metrics behind dimensions, those that exist."""
    absent = {name for name, _ in ABSENT}
    return tuple(f"{name}@vbench" for name in dimensions if name not in absent)


def measured(values: Mapping[str, float | None]) -> dict[str, float]:
    """Scores by dimension; what has none is left out."""
    return {name.partition("@")[0]: value for name, value in values.items() if value is not None}


SOURCE = "VBench, arXiv 2311.17982; github.com/Vchitect/VBench, scripts/cal_final_score.py"
FORMULA = "(4 quality + semantic) / 5, each a weighted mean of (score - low) / (high - low)"
MEANS = "dimensions as VBench gives them on one GPU"


@dataclass(frozen=True)
class VBenchTotalOfficial(Total):
    """The leaderboard's sum."""

    card: ClassVar[Card] = Card(
        title="VBench total",
        better="higher",
        unit="1",
        range=(-5.0, 5.0),
        formula=FORMULA,
        source=SOURCE,
        version=2,
        protocol=f"{MEANS}; what is not measured counts as 0 before it is normalised",
        notes=f"{LACKING} They count as 0, so that this is no total of the leaderboard: it compares models judged here alike, "
        "no more.",
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.DIMENSIONS)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card."""
        return sums.official(measured(values)).total


@dataclass(frozen=True)
class VBenchTotal(Total):
    """The same of the nine dimensions that are measured here."""

    card: ClassVar[Card] = Card(
        title="VBench total (9 of 16 dimensions)",
        better="higher",
        unit="1",
        range=(-5.0, 5.0),
        formula=FORMULA,
        source="avbench, after " + SOURCE,
        protocol=f"{MEANS}; over {', '.join(MEASURED)}, all of which must be measured",
        notes=f"{LACKING} They are left out of the means, so that this is no total of the leaderboard: it compares models judged "
        "here alike, no more.",
    )
    parts: ClassVar[tuple[str, ...]] = parts_of(sums.DIMENSIONS)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card; raises ``Unscorable`` with the names of what is not measured."""
        return sums.fixed(measured(values), MEASURED).total


METRIC = VBenchTotal()
PROTOCOLS = {"measured": METRIC, "official": VBenchTotalOfficial()}
