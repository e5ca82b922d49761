"""Content enjoyment: Audiobox Aesthetics' CE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.aesthetics import Aesthetics, unless_silent

AESTHETICS = Aesthetics()


def silence_too(card: Card) -> Card:
    """The card of a rating that silence gets as well."""
    return replace(
        card,
        source=f"{card.source}; github.com/Dorniwang/Verse-Bench",
        protocol=card.protocol.replace("silence unscorable", "silence rated as any sound"),
        notes=card.notes + " For comparison with published tables; prefer fixed.",
    )


@dataclass(frozen=True)
class ContentEnjoyment(ClipMetric):
    """The first of the four ratings; silence has none."""

    card: ClassVar[Card] = Card(
        title="content enjoyment",
        better="higher",
        unit="1",
        range=(-20.0, 30.0),
        formula="CE of Audiobox Aesthetics: how people would rate the emotional and artistic experience, about 1 to 10",
        source="Tjandra et al., arXiv 2502.05139; facebookresearch/audiobox-aesthetics, 2618e9d",
        protocol="16 kHz mono (torchaudio's sinc), all of the sound in windows of 10 s, the last one masked, weighted by length; "
        "float32; silence unscorable",
        licence="CC-BY-4.0",
        extra="audio",
        packages=("torch", "torchaudio", "audiobox_aesthetics"),
        notes="A network's guess at a rating, trained on speech, music and sound alone, without picture or prompt; nothing "
        "limits it to 1 to 10. The official code rates silence as any sound, which says nothing.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (AESTHETICS,)
    axis: ClassVar[int] = 0

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` for silence."""
        return float(unless_silent(sample)[self.axis])


@dataclass(frozen=True)
class ContentEnjoymentVerseBench(ContentEnjoyment):
    """The same with silence rated, as in Verse-Bench and in the official code."""

    card: ClassVar[Card] = silence_too(ContentEnjoyment.card)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[AESTHETICS][self.axis])


METRIC = ContentEnjoyment()
PROTOCOLS = {"fixed": METRIC, "verse_bench": ContentEnjoymentVerseBench()}
