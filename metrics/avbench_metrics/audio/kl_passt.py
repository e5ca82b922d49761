"""KL divergence of PaSST's tags between a clip and its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._features.passt import CLASSES, Passt, VerseBenchPasst
from avbench_metrics._features.sample_sets import pair_counts, paired, stacked
from avbench_metrics._maths.divergence import kl_softmax, kl_verse_bench

WHOLE, NORMALISED = Passt(), VerseBenchPasst()


@dataclass(frozen=True)
class KlPasst(SetMetric):
    """Mean over pairs of KL(reference || generated) under softmax."""

    minimum: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        title="KL (PaSST)",
        better="lower",
        unit="nat",
        range=(-1e-9, float("inf")),
        formula="mean over pairs of sum_c p_ref (log p_ref - log p_gen), p = softmax of 527 logits",
        source="as in hkchengrex/av-benchmark; PaSST: Koutini et al., arXiv 2110.05069",
        protocol="32 kHz mono (soxr HQ), all of the sound in as few windows of at most 10 s as cover it, unpadded, logits "
        "averaged; passt_s_swa_p16_128_ap476; pairs by id; float64",
        licence="Apache-2.0 (repository of the weights)",
        extra="audio",
        packages=("torch", "hear21passt"),
        notes="Of pairs: a clip whose id has no reference adds nothing, the report counts both. The direction matters: what the "
        "reference holds and the clip lacks costs most. Softmax of logits that were trained for independent sigmoids, as "
        "everywhere.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` where nothing is paired."""
        return kl_softmax(*(stacked(side, self.uses[0])[:, :CLASSES] for side in paired(generated, reference)))

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Pairs, and clips without a partner."""
        return pair_counts(generated, reference)


@dataclass(frozen=True)
class KlPasstAvBenchmark(KlPasst):
    """av-benchmark's KL-PASST-softmax."""

    seconds: float = 8.0

    card: ClassVar[Card] = replace(
        KlPasst.card,
        source="hkchengrex/av-benchmark, 050a5cd",
        protocol=f"mean of the channels less the file's mean, torchaudio's sinc to 32 kHz, {CUT}, filled up with zeros to 10 s; "
        "passt_s_swa_p16_128_ap476; pairs by id; float64",
        packages=("torch", "torchaudio", "hear21passt"),
        notes=f"{KlPasst.card.notes} Shorter sounds are refused (there the next file steps in); silence counts.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The sound as far as it is heard."""
        return (Passt(self.seconds),)


@dataclass(frozen=True)
class KlPasstVerseBench(KlPasst):
    """Verse-Bench's KL."""

    card: ClassVar[Card] = replace(
        KlPasst.card,
        range=(-527e-6, 14.0),
        formula="mean over pairs of sum_c p_ref (log p_ref - log(p_gen + 1e-6)), p = softmax of 527 logits averaged over windows",
        source="Dorniwang/Verse-Bench, 5645a09, folder kl",
        protocol="32 kHz mono (soxr HQ, as librosa 0.11), peak at -1 dBFS, windows of 10 s every 5 s, the last one zero-padded "
        "if over 1.5 s; passt_s_swa_p16_128_ap476; pairs by id; float64",
        notes="The 1e-6 makes equal sounds score slightly below 0 and limits a pair to 13.8. Digital silence is NaN in the "
        "official code, which its overall score then takes for a perfect KL; here such a clip is unscorable and listed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (NORMALISED,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` where nothing is paired."""
        return kl_verse_bench(*(stacked(side, NORMALISED)[:, :CLASSES] for side in paired(generated, reference)))


METRIC = KlPasst()
PROTOCOLS = {
    "fixed": METRIC,
    **{name: KlPasstAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()},
    "verse_bench": KlPasstVerseBench(),
}
