"""JavisScore: whether the worst frames of each window still belong to its sound, by ImageBind."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.errors import Unscorable
from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.clock import Clock
from avbench_metrics._features.imagebind import LICENCE, SOURCE, ImageBindFrames, ImageBindWindows, Protocol
from avbench_metrics._maths import javis_score

PICTURE = "every frame, short side 224 (Pillow's bicubic), centre; windows of 2 s, 0.5 s apart; sound at 16 kHz (torchaudio's sinc)"


@dataclass(frozen=True)
class JavisScore(ClipMetric):
    """Mean over windows of the mean of the smallest cosines."""

    card: ClassVar[Card] = Card(
        title="JavisScore",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="mean over windows of the mean of the int(0.4 n) smallest cosines of ImageBind's embeddings of its n frames and "
        "its sound",
        source=SOURCE + "JavisDiT, arXiv 2503.23377; github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol=PICTURE + ", mean of the channels; each window of sound starts with the nearest frame, within what both have in "
        "common",
        licence=LICENCE,
        extra="clap",
        packages=("torch", "torchaudio", "PIL"),
        install="pip install 'avbench[clip,clap]'",
        notes="In a study of pairs (VA-Judger) it agreed with people in 57 % of cases. Costs as AVHScore, which shares its frames.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindFrames(), ImageBindWindows("fixed"), Clock())
    windows: ClassVar[Protocol] = "fixed"

    def score(self, sample: Sample) -> float:
        """See the card."""
        frames, sounds, clock = self.uses
        count, rate, samples = sample[clock]
        pairs = javis_score.windows(int(count), float(rate), int(samples), self.windows)
        value = javis_score.javis_score(sample[frames], sample[sounds], pairs, self.windows)
        if math.isnan(value):
            raise Unscorable(f"A window of {pairs.frames} frames is too short: the official code answers NaN.", "too_short")
        return value


@dataclass(frozen=True)
class JavisScoreJavisBench(JavisScore):
    """As JavisBench's code computes it."""

    card: ClassVar[Card] = replace(
        JavisScore.card,
        protocol=PICTURE + ", first channel less the mean of all, overlapping windows share what was subtracted; frames and "
        "samples are counted apart in whole numbers",
        notes="At 25 fps picture and sound drift apart by 20 ms per window; where picture or sound has no more than 2 s, all of "
        "both is one window. For comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindFrames(), ImageBindWindows("official"), Clock())
    windows: ClassVar[Protocol] = "official"


METRIC = JavisScore()
PROTOCOLS = {"fixed": METRIC, "javisbench": JavisScoreJavisBench()}
