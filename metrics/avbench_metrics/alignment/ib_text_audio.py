"""TA-IB: whether the sound is what the prompt says, by ImageBind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.imagebind import LICENCE, PACKAGES, SOURCE, ImageBindSound, ImageBindText
from avbench_metrics._maths.cosine import cosine

SOUND = "16 kHz (torchaudio's sinc), three clips of 2 s, Kaldi log-mel 128 x 204; whole clip"


@dataclass(frozen=True)
class IbTextAudio(ClipMetric):
    """Cosine of ImageBind's embeddings of text and sound."""

    card: ClassVar[Card] = Card(
        title="TA-IB",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="cosine of ImageBind's embeddings of the prompt's sound in words and of the sound (mean over clips)",
        source=SOURCE + "github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol=SOUND + "; mean of the channels; text of at most 75 byte pairs, cut before the end token",
        licence=LICENCE,
        extra="clap",
        packages=PACKAGES,
        needs=("audio_text",),
        notes="Typical values .1 to .2. ImageBind never saw text and sound together; CLAP did.",
        install="pip install 'avbench[clip,clap]'",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindText("audio_text", "fixed"), ImageBindSound("fixed"))

    def score(self, sample: Sample) -> float:
        """See the card."""
        text, sound = self.uses
        return cosine(sample[text], sample[sound])


@dataclass(frozen=True)
class IbTextAudioJavisBench(IbTextAudio):
    """As JavisBench's code computes it."""

    card: ClassVar[Card] = replace(
        IbTextAudio.card,
        protocol=SOUND + "; first channel, less the mean of all; overlapping clips share what was subtracted; text cut at 77 "
        "tokens",
        notes="Prompts of more than 75 byte pairs (4 of the 1000 sounds of JavisBench-mini) get one and the same text embedding. "
        "Of stereo only the first channel is heard. For comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindText("audio_text", "official"), ImageBindSound("official"))


METRIC = IbTextAudio()
PROTOCOLS = {"fixed": METRIC, "javisbench": IbTextAudioJavisBench()}
