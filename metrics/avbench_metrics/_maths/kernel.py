"""Maximum mean discrepancy between two sets of vectors: unbiased, over all pairs (Gretton et al. 2012, eq. 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

from avbench.errors import Unscorable

Matrix = NDArray[np.float64]
Kernel = Callable[[Matrix, Matrix], Matrix]

BLOCK = 1024  # rows of the kernel matrix held at once: 8 MiB per thousand vectors of the other set
ROUNDING = 1e-12  # of a mean of many equal numbers, in their own size; float32 features that differ at all differ by 6e-8
CONSTANT = "Both sets are constant: there is no distribution to compare."
MEDIAN_ROWS = 2000  # vectors from which the median distance is taken: two million pairs


def polynomial_mmd2(x: ArrayLike, y: ArrayLike, *, degree: int = 3, coefficient: float = 1.0) -> float:
    """Squared MMD under k(a, b) = (a·b / D + coefficient)^degree: the KID of Binkowski et al. 2018, without subsets.

    Args:
        x: (N, D) vectors.
        y: (M, D) vectors.

    Returns:
        A number around 0 for equal distributions, which may be negative, as the estimate is unbiased.

    Raises:
        Unscorable: ``not_finite`` (NaN or infinity), ``too_few`` (fewer than two vectors in a set) or ``degenerate`` (both sets
            constant, so that there is no distribution to compare).
        ValueError: the shapes do not fit each other.
    """
    first, second = checked_sets(x, y)
    dimensions = first.shape[1]

    def kernel(a: Matrix, b: Matrix) -> Matrix:
        return np.asarray((a @ b.T / dimensions + coefficient) ** degree)

    return _mmd2(first, second, kernel)


def gaussian_mmd2(x: ArrayLike, y: ArrayLike, *, bandwidth: float | None = None) -> float:
    """Squared MMD under k(a, b) = exp(−|a − b|² / (2 bandwidth²)); else as ``polynomial_mmd2``.

    Args:
        bandwidth: None takes the median distance within ``y``, which makes the result free of the vectors' unit.

    Raises:
        Unscorable: also ``degenerate``, where the median distance within ``y`` is zero.
    """
    first, second = checked_sets(x, y)
    # Distances are taken after centring: |a|² + |b|² − 2 a·b cancels badly far from the origin.
    centre = second.mean(axis=0)
    first, second = first - centre, second - centre
    sigma = median_distance(second) if bandwidth is None else bandwidth
    if sigma <= 0:
        raise Unscorable("The median distance within the reference is zero: there is no bandwidth.", "degenerate")

    def kernel(a: Matrix, b: Matrix) -> Matrix:
        squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * (a @ b.T)
        return np.asarray(np.exp(-np.clip(squared, 0.0, None) / (2.0 * sigma**2)))

    return _mmd2(first, second, kernel)


def kernel_audio_distance(generated: ArrayLike, reference: ArrayLike, protocol: Literal["official", "fixed"] = "fixed") -> float:
    """KAD of Chung et al., arXiv 2502.15602: 100 times the unbiased squared MMD under a Gaussian kernel of the median distance.

    Args:
        generated: (N, D) embeddings.
        reference: (M, D) embeddings.
        protocol: whose median distance, of all pairs, is the bandwidth. ``official`` takes the generated set's, as KADTK's code at
            commit 8bda71d, so every model has its own yardstick; ``fixed`` the reference's, as its README and the paper say.

    Returns:
        A number around 0 for equal distributions, which may be negative. Float64, against float32 in KADTK.

    Raises:
        Unscorable: as ``gaussian_mmd2``; ``degenerate`` where that median is zero.
    """
    first, second = checked_sets(generated, reference)
    distances = pdist(first if protocol == "official" else second)
    # torch.median, which KADTK uses, is the lower of two middle values; the 1e-8 is KADTK's.
    median = float(np.partition(distances, (len(distances) - 1) // 2)[(len(distances) - 1) // 2])
    if median <= 0:
        raise Unscorable("The median distance within the set is zero: there is no bandwidth.", "degenerate")
    return 100.0 * gaussian_mmd2(first, second, bandwidth=float(np.sqrt(median**2 + 1e-8 / 2.0)))


def median_distance(x: Matrix) -> float:
    """Median Euclidean distance of pairs in (N, D), N >= 2; from evenly spaced rows where there are very many."""
    rows = x[np.linspace(0, len(x) - 1, min(len(x), MEDIAN_ROWS)).round().astype(int)]
    return float(np.median(pdist(rows)))


def checked_sets(x: ArrayLike, y: ArrayLike) -> tuple[Matrix, Matrix]:
    """Both sets as float64 matrices; errors as in ``polynomial_mmd2``."""
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or not first.shape[1]:
        raise ValueError(f"Sets must be (N, D) and (M, D) with one D > 0, not {first.shape} and {second.shape}.")
    if min(len(first), len(second)) < 2:
        raise Unscorable(f"The sets have {len(first)} and {len(second)} vectors; each needs two.", "too_few")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise Unscorable("A set holds NaN or infinity.", "not_finite")
    if is_constant(first) and is_constant(second):
        raise Unscorable(CONSTANT, "degenerate")
    return first, second


def is_constant(x: Matrix) -> bool:
    """Whether the rows of (N, D) are equal but for rounding."""
    return bool((np.ptp(x, axis=0) <= ROUNDING * np.abs(x).max(axis=0)).all())


def is_point(mean: Matrix, covariance: Matrix) -> bool:
    """The same from the moments, (D,) and (D, D)."""
    return bool(np.trace(covariance) <= float(mean @ mean) * ROUNDING**2)


def _mmd2(x: Matrix, y: Matrix, kernel: Kernel) -> float:
    return _mean_within(x, kernel) + _mean_within(y, kernel) - 2.0 * _mean_across(x, y, kernel)


def _mean_across(x: Matrix, y: Matrix, kernel: Kernel) -> float:
    total = sum(float(kernel(x[i : i + BLOCK], y).sum()) for i in range(0, len(x), BLOCK))
    return total / (len(x) * len(y))


def _mean_within(x: Matrix, kernel: Kernel) -> float:
    """Mean over ordered pairs of different rows."""
    total = 0.0
    for i in range(0, len(x), BLOCK):
        values = kernel(x[i : i + BLOCK], x)
        total += float(values.sum()) - float(np.trace(values, offset=i))
    return total / (len(x) * (len(x) - 1))
