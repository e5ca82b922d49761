"""MS-CLAP score: whether the sound is what the prompt says, by Microsoft's CLAP."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.ms_clap import MsClapSound, MsClapText
from avbench_metrics._maths.cosine import cosine

BEGIN = "CLAP_weights_2023; 44.1 kHz (torchaudio's sinc); "


@dataclass(frozen=True)
class MsClapScore(ClipMetric):
    """Cosine of Microsoft CLAP's embeddings of sound and text."""

    card: ClassVar[Card] = Card(
        title="MS-CLAP score",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="cosine of Microsoft CLAP's embeddings of the prompt's sound in words and of the sound",
        source="Elizalde et al., arXiv 2309.05767; github.com/hkchengrex/av-benchmark",
        protocol=BEGIN + "mean of the channels; sounds under 7 s repeated, longer ones 7 s after 7 s, mean of the embeddings; text "
        "of at most 77 tokens, read at its end mark",
        licence="unknown (weights of microsoft/msclap; their code is MIT)",
        extra="clap",
        packages=("torch", "torchaudio", "transformers", "tokenizers"),
        needs=("audio_text",),
        notes="Figures do not compare with those of LAION's CLAP.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (MsClapText("fixed"), MsClapSound("fixed"))

    def score(self, sample: Sample) -> float:
        """See the card."""
        text, sound = self.uses
        return cosine(sample[text], sample[sound])


@dataclass(frozen=True)
class MsClapScoreAvBenchmark(MsClapScore):
    """MS-CLAP-Score as av-benchmark computes it."""

    card: ClassVar[Card] = replace(
        MsClapScore.card,
        title="MS-CLAP-Score",
        protocol=BEGIN + "channels one after the other; sounds under 7 s repeated, of longer ones 7 s drawn with the clip's digest "
        "as seed (the official code draws without seed, so its number varies); text cut at 77 tokens, its place found by counting "
        "ids that are not 0",
        notes="Of stereo the right channel comes after the left; two equal channels are taken for one, and of more than two the "
        "others' mean for the second. Exclamation marks have the id of padding and move the place where the text is read. For "
        "comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (MsClapText("official"), MsClapSound("official"))


METRIC = MsClapScore()
PROTOCOLS = {"fixed": METRIC, "av_benchmark": MsClapScoreAvBenchmark()}
