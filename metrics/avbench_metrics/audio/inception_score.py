"""Inception score of sounds: sure of each, different from one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._features.panns import CLASSES, MovaPanns, Panns
from avbench_metrics._features.passt import Passt
from avbench_metrics._features.sample_sets import stacked
from avbench_metrics._maths.inception_score import inception_score_of_set, inception_score_of_splits

WHOLE, TEN_SECONDS = Passt(), MovaPanns()


@dataclass(frozen=True)
class InceptionScore(SetMetric):
    """All clips at once, so that neither their order nor a number of splits matters."""

    needs_reference: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        title="Inception score (audio)",
        better="higher",
        unit="1",
        range=(1.0 - 1e-9, 527.0 + 1e-6),
        formula="exp(mean_i KL(p_i || mean p)), p = softmax of 527 logits",
        source="Salimans et al., arXiv 1606.03498; PaSST: Koutini et al., arXiv 2110.05069",
        protocol="32 kHz mono (soxr HQ), all of the sound in as few windows of at most 10 s as cover it, unpadded, logits "
        "averaged; passt_s_swa_p16_128_ap476; one set, no splits; float64",
        licence="Apache-2.0 (repository of the weights)",
        extra="audio",
        packages=("torch", "hear21passt"),
        notes="Rewards variety over classes, not quality, and not agreement with the prompt. At most N, and biased downwards for "
        "few clips: compare only equal N.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def logits(self, samples: Sequence[Sample]) -> Array:
        """(clips, 527), in the order of the ids."""
        return stacked(sorted(samples, key=lambda sample: sample.id), self.uses[0])[:, :CLASSES]

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return inception_score_of_splits(self.logits(generated), splits=1).mean


@dataclass(frozen=True)
class InceptionScorePanns(InceptionScore):
    """av-benchmark's ISC-PANNS-mean."""

    seconds: float = 8.0

    minimum: ClassVar[int] = 10
    card: ClassVar[Card] = replace(
        InceptionScore.card,
        title="Inception score (PANNs)",
        formula="mean over 10 splits of exp(mean_i KL(p_i || mean p)), p = softmax of 527 logits",
        source="hkchengrex/av-benchmark, 050a5cd; toshas/torch-fidelity",
        protocol=f"mean of the channels less the file's mean, torchaudio's sinc to 16 kHz, {CUT}; Cnn14 at 16 kHz; clips "
        "sorted by id, shuffled by RandomState(2020), 10 splits; float64",
        licence="CC-BY-4.0 (weights)",
        packages=("torch", "torchaudio"),
        notes="A split of one clip scores 1, so under some thousand clips the number is mostly N. Shorter sounds are refused "
        "(there the next file steps in); silence counts. The report's spread is the standard deviation over splits.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The sound as far as it is heard."""
        return (Panns(self.seconds),)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` under 10 clips."""
        return inception_score_of_splits(self.logits(generated)).mean

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Population standard deviation over the splits."""
        return {"spread": inception_score_of_splits(self.logits(generated)).spread}


@dataclass(frozen=True)
class InceptionScorePasst(InceptionScorePanns):
    """av-benchmark's ISC-PASST-mean."""

    card: ClassVar[Card] = replace(
        InceptionScorePanns.card,
        title="Inception score (PaSST)",
        protocol=f"mean of the channels less the file's mean, torchaudio's sinc to 32 kHz, {CUT}, filled up with zeros to 10 s; "
        "passt_s_swa_p16_128_ap476; clips sorted by id, shuffled by RandomState(2020), 10 splits; float64",
        licence="Apache-2.0 (repository of the weights)",
        packages=("torch", "torchaudio", "hear21passt"),
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The sound as far as it is heard."""
        return (Passt(self.seconds),)


@dataclass(frozen=True)
class InceptionScoreMova(InceptionScore):
    """MOVA's IS on Verse-Bench: the mean of its three sets."""

    minimum: ClassVar[int] = 1
    card: ClassVar[Card] = replace(
        InceptionScore.card,
        title="Inception score (MOVA)",
        formula="mean over categories of exp(mean_i KL(p_i || mean p)), p = softmax of logits limited to 18.4",
        source="OpenMOSS/MOVA, 7f5195f, evaluation/metrics/audio_is_clap",
        protocol="torchaudio's sinc to 32 kHz mono, cut or zero-padded to 10 s; Cnn14 at 32 kHz; each category (a prompt's "
        "first; clips without one form one) at once, categories weigh the same; float64",
        licence="CC-BY-4.0 (weights)",
        packages=("torch", "torchaudio"),
        notes="Biased by the size of each category, and sets of 100 weigh as much as sets of 295. Silence counts. In MOVA's "
        "float32 a class whose probability rounds to 1 makes the score NaN; here not.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (TEN_SECONDS,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return float(np.mean(list(self.by_category(generated).values())))

    def by_category(self, samples: Sequence[Sample]) -> Mapping[str, float]:
        """Each category's score; clips without a category stand under ""."""
        groups: dict[str, list[Sample]] = {}
        for sample in samples:
            groups.setdefault("".join(sample.prompt.categories[:1]), []).append(sample)
        return {name: inception_score_of_set(self.logits(group)) for name, group in sorted(groups.items())}

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Each category's score by its name."""
        return {name or "without category": value for name, value in self.by_category(generated).items()}


METRIC = InceptionScore()
PROTOCOLS = {
    "fixed": METRIC,
    **{f"{name}_panns": InceptionScorePanns(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()},
    **{f"{name}_passt": InceptionScorePasst(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()},
    "mova": InceptionScoreMova(),
}
