"""TV-IB: whether the picture shows what the prompt says, by ImageBind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.imagebind import LICENCE, PACKAGES, SOURCE, ImageBindText, ImageBindVideo
from avbench_metrics._maths.cosine import cosine

PICTURE = "five clips of 2 s, first and last frame, short side 224 (bilinear), three squares each; whole clip"


@dataclass(frozen=True)
class IbTextVideo(ClipMetric):
    """Cosine of ImageBind's embeddings of text and picture."""

    card: ClassVar[Card] = Card(
        title="TV-IB",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="cosine of ImageBind's embeddings of the prompt's text and of the picture (mean over clips and places)",
        source=SOURCE + "github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol=PICTURE + "; text of at most 75 byte pairs, cut before the end token",
        licence=LICENCE,
        extra="clip",
        packages=PACKAGES,
        needs=("text",),
        notes="Typical values .2 to .3. In a study of pairs (VA-Judger) it agreed with people in 50 % of cases, as a coin does.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindText("text", "fixed"), ImageBindVideo())

    def score(self, sample: Sample) -> float:
        """See the card."""
        text, video = self.uses
        return cosine(sample[text], sample[video])


@dataclass(frozen=True)
class IbTextVideoJavisBench(IbTextVideo):
    """As JavisBench's code computes it."""

    card: ClassVar[Card] = replace(
        IbTextVideo.card,
        protocol=PICTURE + "; text cut at 77 tokens, the end token with the rest",
        notes="All prompts of more than 75 byte pairs (251 of the 1000 of JavisBench-mini) get one and the same text embedding, "
        "because ImageBind reads it at the end token, which the code cuts off. For comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindText("text", "official"), ImageBindVideo())


METRIC = IbTextVideo()
PROTOCOLS = {"fixed": METRIC, "javisbench": IbTextVideoJavisBench()}
