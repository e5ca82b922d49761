"""cpCER: whether each speaker says what that speaker was given, in characters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from avbench.errors import Unscorable
from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.transcript import Whisper, text_of
from avbench_metrics._maths.script import normalised_as
from avbench_metrics._maths.word_errors import speaker_matched_rate

TRANSCRIPT = Whisper()


@dataclass(frozen=True)
class SingleSpeakerCpCer(ClipMetric):
    """The case of one speaker, where no diarisation is needed and the rate is a plain character error rate."""

    engine: Whisper = TRANSCRIPT

    card: ClassVar[Card] = Card(
        title="cpCER (one speaker)",
        better="lower",
        unit="1",
        range=(0.0, math.inf),
        formula="(substitutions + deletions + insertions) / characters of the prompt's speech, speakers matched so that errors "
        "are fewest",
        source="Watanabe et al., arXiv 2004.09249 (cpWER), over characters as in repository OpenMOSS/MOVA, 595a976",
        protocol="transcript of word_error_rate's default protocol taken as one speaker's; NFKC, case folded, no punctuation, "
        "numbers as spoken, no spaces",
        licence="Whisper: MIT (OpenAI's repository; Apache-2.0 on the hub)",
        extra="whisper",
        install="pip install 'avbench[whisper,speech]' && pip install --no-deps silero-vad",
        packages=("transformers", "torch", "jiwer", "silero_vad", "onnxruntime"),
        needs=("speech",),
        notes="Weaker than MOVA's: that one sends clips of several speakers to a remote service that tells them apart. Here a "
        "prompt of several speakers is not applicable; with transcripts by speaker of your own, call speaker_matched_rate in "
        "avbench_metrics._maths.word_errors, which matches them. Figures of MOVA rest on another recogniser and do not compare.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The transcript."""
        return (self.engine,)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where the prompt has several speakers or no character."""
        wanted = sample.prompt.speech
        if len(wanted) > 1:
            raise Unscorable(f"The prompt has {len(wanted)} speakers; whisper_single does not tell speakers apart.")
        return speaker_matched_rate(wanted, [text_of(sample[self.engine])], normalised_as(" ".join(wanted)))


METRIC = SingleSpeakerCpCer()
PROTOCOLS = {"whisper_single": METRIC}
