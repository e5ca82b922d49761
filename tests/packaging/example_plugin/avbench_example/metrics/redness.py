"""Redness: share of red in the picture."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.feature import Array, Feature, Frames, Read, Sample
from avbench.metric import Card, ClipMetric


@dataclass(frozen=True)
class MeanColour(Feature):
    """Mean RGB over the clip, float64 (3,)."""

    @property
    def reads(self) -> tuple[Read, ...]:
        return (Frames(fps=2.0, height=32),)

    def prepare(self, clip: Clip) -> Array:
        return np.asarray(clip.frames(Frames(fps=2.0, height=32))[0].mean(axis=(0, 1, 2)))


COLOUR = MeanColour()


@dataclass(frozen=True)
class Redness(ClipMetric):
    """Red over the sum of the three."""

    card: ClassVar[Card] = Card(
        title="redness", better="higher", unit="1", range=(0.0, 1.0), formula="R / (R + G + B)", source="an example"
    )
    uses: ClassVar[tuple[Feature, ...]] = (COLOUR,)

    def score(self, sample: Sample) -> float:
        return float(sample[COLOUR][0] / max(float(sample[COLOUR].sum()), 1e-9))


METRIC = Redness()
