"""Word error rate: whether the clip says the words that were asked for."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.transcript import SeedTtsWhisper, Whisper, text_of
from avbench_metrics._features.transcript_funasr import Paraformer, SenseVoice
from avbench_metrics._maths.script import normalised_as
from avbench_metrics._maths.word_errors import Errors, fixed_errors, seed_tts_errors, verse_bench_errors

LARGE, SEED_TTS, SENSE_VOICE, PARAFORMER = Whisper(), SeedTtsWhisper(), SenseVoice(), Paraformer()
CARD = Card(
    title="WER",
    better="lower",
    unit="1",
    range=(0.0, math.inf),
    formula="(substitutions + deletions + insertions) / words of the prompt's speech, of the alignment with the fewest errors",
    source="avbench, after Verse-Bench and Seed-TTS-eval; recogniser: Whisper, arXiv 2212.04356",
    needs=("speech",),
    notes="A clip without speech has an error rate of 1: it does not say the words. The recogniser's own errors are part of the "
    "figure.",
)
FUNASR = ("funasr", "torch", "jiwer")
TRANSFORMERS = ("transformers", "torch", "jiwer")


@dataclass(frozen=True)
class _WordErrorRate(ClipMetric):
    """Errors of one transcript against the prompt's words, joined by spaces."""

    engine: Feature

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The transcript."""
        return (self.engine,)

    @abstractmethod
    def errors(self, reference: str, hypothesis: str) -> Errors:
        """Count the errors under the protocol's rules; raises ``Unscorable`` where the reference holds no word."""

    def _errors(self, sample: Sample) -> Errors:
        return self.errors(" ".join(sample.prompt.speech), text_of(sample[self.engine]))

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where the prompt holds no word or the clip has no audio stream."""
        return self._errors(sample).rate

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Number of errors, and of words in the reference."""
        found = self._errors(sample)
        return {"errors": float(found.count), "words": float(found.words)}

    def summaries(self, scores: Sequence[float], details: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
        """``corpus_rate``: all errors over all words, so that long texts weigh more."""
        words = sum(row["words"] for row in details)
        return {"corpus_rate": sum(row["errors"] for row in details) / words} if words else {}


@dataclass(frozen=True)
class WordErrorRate(_WordErrorRate):
    """Errors between normalised texts, at most 1 per clip."""

    engine: Feature = LARGE

    card: ClassVar[Card] = replace(
        CARD,
        range=(0.0, 1.0),
        formula="min(1, (substitutions + deletions + insertions) / words of the prompt's speech); mean over clips",
        protocol="Whisper (the protocol's name tells the size), 16 kHz by soxr, 30 s windows, greedy; zh, ja and ko forced by the "
        "prompt's script, other languages detected; an empty transcript where Silero VAD hears no speech; texts: NFKC, case "
        "folded, no punctuation or emoji, numbers as spoken in English and Chinese, each Han character, kana and Hangul syllable "
        "a word",
        licence="Whisper: MIT (OpenAI's repository; Apache-2.0 on the hub)",
        extra="whisper",
        install="pip install 'avbench[whisper,speech]' && pip install --no-deps silero-vad",
        packages=(*TRANSFORMERS, "silero_vad", "onnxruntime"),
        notes=f"{CARD.notes} Traditional and simplified characters differ. Sizes of Whisper do not compare; tiny_en knows English "
        "alone.",
    )

    def errors(self, reference: str, hypothesis: str) -> Errors:
        """See ``fixed_errors``."""
        return fixed_errors(reference, hypothesis, normalised_as(reference))

    def score(self, sample: Sample) -> float:
        """See the card."""
        return self._errors(sample).clipped_rate


@dataclass(frozen=True)
class VerseBenchWer(_WordErrorRate):
    """Verse-Bench's rate of SenseVoiceSmall's text, punctuation and emoji included."""

    engine: Feature = SENSE_VOICE

    card: ClassVar[Card] = replace(
        CARD,
        title="WER (Verse-Bench)",
        source="Verse-Bench, repository Dorniwang/Verse-Bench, 5645a09 (wer/wer_inferencer.py); SenseVoice, arXiv 2407.04051",
        protocol="SenseVoiceSmall by FunASR, fsmn-vad (30 s), language auto, inverse text normalisation, rich transcription; "
        "strip and lower case; mean over clips; here the clip's own sound by soxr at 16 kHz and no dither, there a side-car wav",
        licence="SenseVoiceSmall: FunASR Model Licence 1.1 (attribution, name kept); fsmn-vad: unknown",
        extra="funasr",
        install="pip install 'avbench[whisper,funasr]'",
        packages=FUNASR,
        notes=f"{CARD.notes} Quirks kept: a perfect transcript of English without punctuation in the prompt costs errors, a "
        "Chinese sentence is one word, emoji count, and a rate has no upper bound.",
    )

    def errors(self, reference: str, hypothesis: str) -> Errors:
        """See ``verse_bench_errors``."""
        return verse_bench_errors(reference, hypothesis)


@dataclass(frozen=True)
class SeedTtsWer(_WordErrorRate):
    """Seed-TTS-eval's rate: words of English by Whisper, characters of Chinese by Paraformer.

    Args:
        simplify: turn traditional characters of a Chinese transcript into simplified ones by zhconv (GPL), as the official code
            does.
    """

    engine: Feature = SEED_TTS
    language: Literal["en", "zh"] = "en"
    simplify: bool = False

    card: ClassVar[Card] = replace(
        CARD,
        title="WER (Seed-TTS)",
        source="Seed-TTS, arXiv 2406.02430; repository BytedanceSpeech/seed-tts-eval, 752f429 (run_wer.py)",
        protocol="en: Whisper-large-v3 by transformers, single precision, English forced, first 30 s, scipy's FFT resampling; zh: "
        "paraformer-zh by FunASR without dither, 16 kHz by soxr; 113 characters deleted; lower-cased words or characters; mean "
        "over clips",
        licence="Whisper: MIT (OpenAI's repository; Apache-2.0 on the hub); paraformer-zh: FunASR Model Licence 1.1",
        extra="whisper",
        packages=TRANSFORMERS,
        notes=f"{CARD.notes} Published figures are times 100. zh leaves out zhconv (GPL), which changes nothing where the "
        "recogniser writes simplified characters. Official code drops missing clips from the mean; here they are counted as "
        "missing.",
    )

    def errors(self, reference: str, hypothesis: str) -> Errors:
        """See ``seed_tts_errors``."""
        return seed_tts_errors(reference, hypothesis, self.language, self.simplify)


@dataclass(frozen=True)
class SeedTtsCer(SeedTtsWer):
    """The Chinese half, which needs FunASR."""

    engine: Feature = PARAFORMER
    language: Literal["en", "zh"] = "zh"

    card: ClassVar[Card] = replace(
        SeedTtsWer.card, title="CER (Seed-TTS)", extra="funasr", install="pip install 'avbench[whisper,funasr]'", packages=FUNASR
    )


METRIC = WordErrorRate()
PROTOCOLS = {
    "fixed": METRIC,
    "fixed_small": WordErrorRate(Whisper("whisper_small")),
    "fixed_tiny_en": WordErrorRate(Whisper("whisper_tiny_en")),
    "verse_bench": VerseBenchWer(),
    "seed_tts_en": SeedTtsWer(),
    "seed_tts_zh": SeedTtsCer(),
}
