"""Content usefulness: Audiobox Aesthetics' CU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.audio.content_enjoyment import ContentEnjoyment, ContentEnjoymentVerseBench, silence_too


@dataclass(frozen=True)
class ContentUsefulness(ContentEnjoyment):
    """The second of the four ratings; silence has none."""

    card: ClassVar[Card] = replace(
        ContentEnjoyment.card,
        title="content usefulness",
        formula="CU of Audiobox Aesthetics: how usable people would find it as material, about 1 to 10",
    )
    axis: ClassVar[int] = 1


@dataclass(frozen=True)
class ContentUsefulnessVerseBench(ContentEnjoymentVerseBench):
    """The same with silence rated, as in Verse-Bench."""

    card: ClassVar[Card] = silence_too(ContentUsefulness.card)
    axis: ClassVar[int] = ContentUsefulness.axis


METRIC = ContentUsefulness()
PROTOCOLS = {"fixed": METRIC, "verse_bench": ContentUsefulnessVerseBench()}
