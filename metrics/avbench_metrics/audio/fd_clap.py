"""FD on CLAP: how far generated sounds are from reference sounds, as sets or, in Verse-Bench's way, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.clap import LICENCE, LICENCE_OF_LAION, PACKAGES, SOURCE, ClapSound
from avbench_metrics._maths.clap_distance import paired_clap_distance
from avbench_metrics._maths.frechet import frechet_distance


@dataclass(frozen=True)
class FdClap(SetMetric):
    """Fréchet distance of the embeddings of two sets."""

    card: ClassVar[Card] = Card(
        title="FD (CLAP)",
        better="lower",
        unit="1",
        range=(0.0, 1e6),
        formula="|mean_g - mean_r|^2 + tr(S_g + S_r - 2 (S_g S_r)^(1/2)) of CLAP's embeddings, one per clip",
        source=SOURCE + "Heusel et al., arXiv 1706.08500",
        protocol="laion/clap-htsat-unfused; 48 kHz mono (soxr); sounds under 10 s repeated in whole, then zeros; longer ones 10 s "
        "after 10 s, mean of the embeddings; unbiased covariances, float64",
        licence=LICENCE,
        extra="clap",
        packages=PACKAGES,
        notes="512 dimensions: biased upwards by small sets; compare only sets of one size.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClapSound("fixed"),)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        (sound,) = self.uses
        ours, theirs = (np.stack([sample[sound] for sample in side]) for side in (generated, reference))
        return frechet_distance(ours, theirs)


@dataclass(frozen=True)
class FdClapVerseBench(SetMetric):
    """FD as Verse-Bench's code computes it."""

    card: ClassVar[Card] = replace(
        FdClap.card,
        title="FD",
        range=(0.0, 4.001),
        formula="mean over clips and their prompt's reference clips of |g - r|^2 + (s_g - s_r)^2 of embeddings, about 2 - 2 cos",
        source=SOURCE + "github.com/Dorniwang/Verse-Bench",
        protocol="630k-audioset-fusion-best (HTS-AT tiny, fusion); 48 kHz mono (soxr, as librosa); peak at -1 dB, 16 bits; sounds "
        "under 10 s repeated in whole, then zeros; longer ones fused, at places drawn with the clip's digest as seed",
        licence=LICENCE_OF_LAION,
        notes="No Fréchet distance and blind to diversity: the official code takes the statistics of single clips (one embedding "
        "each), whose distance is that of the embeddings up to 1e-7. With NumPy from 2.2 on it does not end. The official code "
        "leaves out clips without a described sound. For comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClapSound("verse_bench"),)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` where no clip has a reference of its own prompt."""
        (sound,) = self.uses
        others = {sample.id: sample[sound] for sample in reference}
        pairs = [(sample[sound], others[sample.id]) for sample in generated if sample.id in others]
        if not pairs:
            raise Unscorable("No generated clip has a reference clip of the same prompt.", "too_few")
        return paired_clap_distance([ours for ours, _ in pairs], [theirs for _, theirs in pairs])


METRIC = FdClap()
PROTOCOLS = {"fixed": METRIC, "verse_bench": FdClapVerseBench()}
