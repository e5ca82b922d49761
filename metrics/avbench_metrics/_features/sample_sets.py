"""Sets of samples as matrices, and pairs of samples by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Sample


def stacked(samples: Sequence[Sample], feature: Feature) -> Array:
    """The rows (n, D) of all samples' arrays, one below the other."""
    return np.concatenate([sample[feature] for sample in samples])


def sizes(generated: Array, reference: Array) -> Mapping[str, float]:
    """For reports: vectors of the smaller set beside their dimensions. With no more than that, covariances are singular."""
    return {"vectors": float(min(len(generated), len(reference))), "dimensions": float(generated.shape[1])}


def paired(generated: Sequence[Sample], reference: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The samples of both sets whose id stands in the other too, row by row in the order of the ids.

    Raises:
        Unscorable: ``unpaired``, where no id stands in both.
    """
    ours, theirs = ({sample.id: sample for sample in side} for side in (generated, reference))
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        raise Unscorable(
            f"None of {len(ours)} clips has a partner among {len(theirs)} reference clips; give both files the prompt's name.",
            "unpaired",
        )
    return [ours[i] for i in both], [theirs[i] for i in both]


def pair_counts(generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
    """For reports: pairs, and generated clips without a partner, which the number says nothing about."""
    pairs = len({sample.id for sample in generated} & {sample.id for sample in reference})
    return {"pairs": float(pairs), "unpaired_clips": float(len(generated) - pairs)}
