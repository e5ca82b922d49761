"""Verse-Bench's "FD": how far two CLAP embeddings lie apart, pair by pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from avbench.errors import Unscorable


def paired_clap_distance(generated: ArrayLike, reference: ArrayLike) -> float:
    """Mean over pairs of |g - r|^2 + (s_g - s_r)^2, s being the standard deviation of a vector's own entries (n - 1).

    That is Fréchet's formula on "moments" of one vector each: the vector as mean, the variance of its entries as covariance. For
    unit vectors the first term is 2 - 2 cos and the second hardly counts, so it is a cosine of pairs in [0, 4], blind to
    how diverse a set is. Source: repository Dorniwang/Verse-Bench, 5645a09, folder fd, under numpy < 2.2; from 2.2 on its
    covariance is NaN.

    Args:
        generated: (N, D) embeddings of unit length, D > 1.
        reference: (N, D) likewise, row by row the partners.

    Raises:
        Unscorable: ``too_few`` (no pair) or ``not_finite``.
        ValueError: the shapes differ or are no matrices.
    """
    ours, theirs = np.asarray(generated, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.ndim != 2 or ours.shape != theirs.shape or ours.shape[1] < 2:
        raise ValueError(f"Embeddings must be two matrices (N, D > 1) of one shape, not {ours.shape} and {theirs.shape}.")
    if not len(ours):
        raise Unscorable("There is no pair of sounds to compare.", "too_few")
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise Unscorable("The embeddings hold NaN or infinity.", "not_finite")
    spreads = ours.std(axis=1, ddof=1) - theirs.std(axis=1, ddof=1)
    return float((((ours - theirs) ** 2).sum(axis=1) + spreads**2).mean())
