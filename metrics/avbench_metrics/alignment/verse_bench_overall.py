"""Verse-Bench's overall score of twelve metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card, Total
from avbench_metrics._maths import verse_bench_overall as sums

OFFICIAL = {
    "aesthetic_score@verse_bench": "AS",
    "identity_consistency@verse_bench": "ID",
    "fd_clap@verse_bench": "FD",
    "kl_passt@verse_bench": "KL",
    "clap_score@verse_bench": "CS",
    "content_enjoyment@verse_bench": "CE",
    "content_usefulness@verse_bench": "CU",
    "production_complexity@verse_bench": "PC",
    "production_quality@verse_bench": "PQ",
    "word_error_rate@verse_bench": "WER",
    "lse_c@verse_bench": "LSE-C",
    "desync@verse_bench": "AV-A",
}
FIXED = {f"{name.partition('@')[0]}@fixed": label for name, label in OFFICIAL.items()}
FORMULA = "0.5 harmonic mean(CS, AV-A) + 0.2 mean(AS, ID) + 0.2 mean(FD, KL, CS, CE, CU, PC, PQ) + 0.1 mean(WER, LSE-C), by bounds"
SOURCE = "UniVerse-1, arXiv 2509.06155; github.com/Dorniwang/Verse-Bench, calculate_metrics.py"


def labelled(values: Mapping[str, float | None], labels: Mapping[str, str]) -> dict[str, float]:
    """Values by the benchmark's own labels; a metric without a value is left out."""
    return {label: value for name, label in labels.items() if (value := values.get(name)) is not None}


@dataclass(frozen=True)
class VerseBenchOverallOfficial(Total):
    """The published sum, in which what is missing counts as best where lower is better."""

    card: ClassVar[Card] = Card(
        title="Verse-Bench overall",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula=FORMULA,
        source=SOURCE,
        version=2,
        protocol="parts under the protocol verse_bench; a metric without a score counts as -999, a signed AV-A below 0 as best; "
        "LSE-C bound 10",
        notes="Missing data can raise it: with nothing scored it is 0.1357. For comparison with published figures alone.",
    )
    parts: ClassVar[tuple[str, ...]] = tuple(OFFICIAL)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card."""
        return sums.official(labelled(values, OFFICIAL)).overall


@dataclass(frozen=True)
class VerseBenchOverall(Total):
    """The same sum of the corrected metrics, where all twelve have a score."""

    card: ClassVar[Card] = Card(
        title="Verse-Bench overall",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula=FORMULA,
        source=SOURCE,
        version=2,
        protocol="all twelve must have a score, each under the protocol fixed (AV-A: desync@fixed, a mean of sizes; FD: "
        "fd_clap@fixed, of the two sets); the official bounds, LSE-C's 10",
        notes="No published number compares with it. Half of it is a harmonic mean of a raw CLAP cosine and the offset: no "
        "headline, read the parts. Each part's mean is over the prompts that verse_bench asks it of; CS and AV-A of the same ones.",
    )
    parts: ClassVar[tuple[str, ...]] = tuple(FIXED)

    def score(self, values: Mapping[str, float | None]) -> float:
        """See the card; raises ``Unscorable`` with the names of what has no score."""
        return sums.fixed(labelled(values, FIXED)).overall


METRIC = VerseBenchOverall()
PROTOCOLS = {"fixed": METRIC, "official": VerseBenchOverallOfficial()}
