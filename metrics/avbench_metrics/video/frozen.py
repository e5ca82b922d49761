"""Frozen: share of the clip in which the picture stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.picture import FrameDifference

DIFFERENCE = FrameDifference()
STILL = 0.04  # grey levels; chosen on stills and slow motion encoded by x264, see the notes


@dataclass(frozen=True)
class Frozen(ClipMetric):
    """Share of consecutive frame pairs with (almost) no difference."""

    card: ClassVar[Card] = Card(
        title="frozen",
        better="lower",
        unit="1",
        range=(0.0, 1.0),
        formula=f"share of consecutive frames with mean |difference| < {STILL} of 255 grey levels",
        source="avbench; the guard that MOVA and VBench's dynamic degree serve elsewhere",
        protocol="every frame at the file's own rate and size, RGB",
        version=2,
        notes="A scene that truly rests counts as frozen. Of stills of real clips encoded at crf 18 to 35, 99 % of the pairs count "
        "(94 % in the worst); of pans by 2 to 6 pixels and zooms by 1 % per second 1 % (25 % in the worst, a dark scene). "
        "Stills at a low fixed bit rate do not count while their picture is still being refined.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (DIFFERENCE,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float((sample[DIFFERENCE] < STILL).mean())


METRIC = Frozen()
