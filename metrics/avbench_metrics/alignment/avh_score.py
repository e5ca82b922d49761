"""AVHScore: whether each frame belongs to the sound, by ImageBind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.imagebind import LICENCE, SOURCE, ImageBindFrames, ImageBindSound
from avbench_metrics._maths import javis_score

PICTURE = "every frame, short side 224 (Pillow's bicubic), centre; sound: 16 kHz (torchaudio's sinc), three clips of 2 s"


@dataclass(frozen=True)
class AvhScore(ClipMetric):
    """Mean over frames of the cosine with the sound."""

    card: ClassVar[Card] = Card(
        title="AVHScore",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="mean over frames of the cosine of ImageBind's embeddings of the frame and of the whole sound",
        source=SOURCE + "TAVGBench, arXiv 2404.14381; github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol=PICTURE + ", mean of the channels",
        licence=LICENCE,
        extra="clap",
        packages=("torch", "torchaudio", "PIL"),
        install="pip install 'avbench[clip,clap]'",
        notes="What, not when. Every frame passes ImageBind's largest tower: about 1 s per frame on one processor core.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindFrames(), ImageBindSound("fixed"))

    def score(self, sample: Sample) -> float:
        """See the card."""
        frames, sound = self.uses
        return javis_score.avh_score(sample[frames], sample[sound])


@dataclass(frozen=True)
class AvhScoreJavisBench(AvhScore):
    """As JavisBench's code computes it."""

    card: ClassVar[Card] = replace(
        AvhScore.card,
        protocol=PICTURE + ", first channel less the mean of all, overlapping clips share what was subtracted",
        notes="Of stereo only the first channel is heard. For comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindFrames(), ImageBindSound("official"))


METRIC = AvhScore()
PROTOCOLS = {"fixed": METRIC, "javisbench": AvhScoreJavisBench()}
