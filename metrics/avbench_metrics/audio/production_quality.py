"""Production quality: Audiobox Aesthetics' PQ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.audio.content_enjoyment import ContentEnjoyment, ContentEnjoymentVerseBench, silence_too


@dataclass(frozen=True)
class ProductionQuality(ContentEnjoyment):
    """The fourth of the four ratings; silence has none."""

    card: ClassVar[Card] = replace(
        ContentEnjoyment.card,
        title="production quality",
        formula="PQ of Audiobox Aesthetics: clarity, fidelity, dynamics and freedom from defects, about 1 to 10",
    )
    axis: ClassVar[int] = 3


@dataclass(frozen=True)
class ProductionQualityVerseBench(ContentEnjoymentVerseBench):
    """The same with silence rated, as in Verse-Bench."""

    card: ClassVar[Card] = silence_too(ProductionQuality.card)
    axis: ClassVar[int] = ProductionQuality.axis


METRIC = ProductionQuality()
PROTOCOLS = {"fixed": METRIC, "verse_bench": ProductionQualityVerseBench()}
