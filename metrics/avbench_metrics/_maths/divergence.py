"""Kullback-Leibler divergence between the class probabilities of paired sounds, always KL(reference || generated), lower is better.

Each function takes logits (N, classes) of the generated sounds and of their references, row by row, and returns the mean over rows
in nats.

Raises:
    Unscorable: ``not_finite`` (NaN or infinity) or ``too_few`` (no pair).
    ValueError: the shapes differ or are no matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_expit, log_softmax

from avbench.errors import Unscorable

Matrix = NDArray[np.float64]

VERSE_BENCH_FLOOR = 1e-6


def kl_softmax(generated: ArrayLike, reference: ArrayLike) -> float:
    """sum p_ref (log p_ref - log p_gen) of softmaxes: av-benchmark's KL-PANNS-softmax and KL-PASST-softmax; never negative."""
    ours, theirs = (log_softmax(side, axis=1) for side in _checked(generated, reference))
    return float((np.exp(theirs) * (theirs - ours)).sum(axis=1).mean())


def kl_sigmoid(generated: ArrayLike, reference: ArrayLike) -> float:
    """sum p_ref (log p_ref - log p_gen) of sigmoids: av-benchmark computes but does not print it.

    As the probabilities of a row do not add up to 1 and the term of the absent class is left out, it can be negative.
    """
    ours, theirs = (log_expit(side) for side in _checked(generated, reference))
    return float((np.exp(theirs) * (theirs - ours)).sum(axis=1).mean())


def kl_verse_bench(generated: ArrayLike, reference: ArrayLike) -> float:
    """sum p_ref (log p_ref - log(p_gen + 1e-6)) of softmaxes: Verse-Bench's KL, of logits averaged over the windows of a sound.

    The constant makes equal sounds score slightly below 0, by up to 1e-6 x classes, and limits a row to 13.8.
    """
    ours, theirs = (log_softmax(side, axis=1) for side in _checked(generated, reference))
    return float((np.exp(theirs) * (theirs - np.log(np.exp(ours) + VERSE_BENCH_FLOOR))).sum(axis=1).mean())


def _checked(generated: ArrayLike, reference: ArrayLike) -> tuple[Matrix, Matrix]:
    ours, theirs = np.asarray(generated, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.ndim != 2 or ours.shape != theirs.shape or not ours.shape[1]:
        raise ValueError(f"Logits must be two matrices (N, classes) of one shape, not {ours.shape} and {theirs.shape}.")
    if not len(ours):
        raise Unscorable("There is no pair of sounds to compare.", "too_few")
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise Unscorable("The logits hold NaN or infinity.", "not_finite")
    return ours, theirs
