"""Inception score of class logits: exp of the mean divergence from the mean answer (Salimans et al., arXiv 1606.03498)."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax, logsumexp

from avbench.errors import Unscorable

Matrix = NDArray[np.float64]

SEED = 2020


class SplitScore(NamedTuple):
    """Mean and population standard deviation over the splits."""

    mean: float
    spread: float


def inception_score_of_splits(logits: ArrayLike, splits: int = 10) -> SplitScore:
    """The score under softmax, of shuffled tenths: torch-fidelity's ISC, which av-benchmark uses on PANNs and PaSST.

    The shuffle is numpy's ``RandomState(2020).permutation``, so the order of the sounds matters. A split of one sound scores
    exactly 1: fewer than some hundred sounds say little. Higher is better.

    Args:
        logits: (N, classes) before any softmax or sigmoid.
        splits: number of parts, of N // splits sounds or one more.

    Returns:
        Values in [1, classes], float64.

    Raises:
        Unscorable: ``too_few`` (N < splits) or ``not_finite``.
        ValueError: not a matrix.
    """
    values = _checked(logits, splits)
    count = len(values)
    shuffled = log_softmax(values[np.random.RandomState(SEED).permutation(count)], axis=1)
    edges = [part * count // splits for part in range(splits + 1)]
    scores = [_score(shuffled[start:stop]) for start, stop in pairwise(edges)]
    return SplitScore(float(np.mean(scores)), float(np.std(scores)))


def inception_score_of_set(logits: ArrayLike, clip: float = 1e-8, floor: float = 1e-10) -> float:
    """MOVA's score: sigmoid, back to logits, softmax, all sounds at once.

    The way there and back only limits logits to ±18.42, where 1e-8 is left. In MOVA's float32 the upper limit is 1 and a class
    whose probability rounds to 1 makes the score NaN; here, in float64, it does not. Source: OpenMOSS/MOVA, evaluation/metrics.

    Args:
        logits: (N, classes) before any softmax or sigmoid; N = 1 gives 1.
        clip: distance that probabilities keep from 0 and 1.
        floor: added to probabilities before the logarithm.

    Raises:
        Unscorable: ``too_few`` (no sound) or ``not_finite``.
        ValueError: not a matrix.
    """
    limit = np.log1p(-clip) - np.log(clip)
    chances = np.exp(log_softmax(np.clip(_checked(logits, 1), -limit, limit), axis=1))
    divergences = (chances * (np.log(chances + floor) - np.log(chances.mean(axis=0) + floor))).sum(axis=1)
    return float(np.exp(divergences.mean()))


def _score(log_chances: Matrix) -> float:
    mean = logsumexp(log_chances, axis=0) - np.log(len(log_chances))
    return float(np.exp((np.exp(log_chances) * (log_chances - mean)).sum(axis=1).mean()))


def _checked(logits: ArrayLike, fewest: int) -> Matrix:
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"Logits must be (N, classes), not {values.shape}.")
    if len(values) < fewest:
        raise Unscorable(f"An Inception score of {fewest} part(s) cannot be had from {len(values)} sound(s).", "too_few")
    if not np.isfinite(values).all():
        raise Unscorable("The logits hold NaN or infinity.", "not_finite")
    return values
