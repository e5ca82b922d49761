"""Production complexity: Audiobox Aesthetics' PC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.audio.content_enjoyment import ContentEnjoyment, ContentEnjoymentVerseBench, silence_too


@dataclass(frozen=True)
class ProductionComplexity(ContentEnjoyment):
    """The third of the four ratings; silence has none."""

    card: ClassVar[Card] = replace(
        ContentEnjoyment.card,
        notes="A description, no quality: Verse-Bench's overall score counts less of it as better, which rewards near silence, and "
        f"JavisBench's audio quality more. {ContentEnjoyment.card.notes}",
        title="production complexity",
        better="none",
        formula="PC of Audiobox Aesthetics: how many kinds of sound there are at once, about 1 to 10",
    )
    axis: ClassVar[int] = 2


@dataclass(frozen=True)
class ProductionComplexityVerseBench(ContentEnjoymentVerseBench):
    """The same with silence rated, as in Verse-Bench."""

    card: ClassVar[Card] = silence_too(ProductionComplexity.card)
    axis: ClassVar[int] = ProductionComplexity.axis


METRIC = ProductionComplexity()
PROTOCOLS = {"fixed": METRIC, "verse_bench": ProductionComplexityVerseBench()}
