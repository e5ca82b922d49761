"""Fréchet distance of two Gaussians, from samples or moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from avbench.errors import Unscorable
from avbench.feature import Array
from avbench_metrics._maths.kernel import CONSTANT, checked_sets, is_point


def frechet_distance(x: Array, y: Array) -> float:
    """|mean_x - mean_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)) with unbiased covariances, in float64; never negative.

    With no more samples than dimensions the trace of the root is the nuclear norm of Xc Yc^T / sqrt((n - 1)(m - 1)), which
    is exact (S_x S_y has the same non-zero eigenvalues as that product's Gram matrix) and needs no D x D matrix.
    Source: Dowson and Landau, J. Multivariate Analysis 12 (1982); Heusel et al., arXiv 1706.08500.

    Args:
        x: (n, D) samples. y: (m, D) samples.

    Raises:
        Unscorable: ``not_finite``, ``too_few`` (fewer than two samples) or ``degenerate`` (no variance on both sides).
        ValueError: the shapes do not fit each other.
    """
    x, y = checked_sets(x, y)
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    if min(len(x), len(y)) <= x.shape[1]:
        root = float(linalg.svdvals(xc @ yc.T).sum()) / np.sqrt((len(x) - 1) * (len(y) - 1))
        spread = float((xc**2).sum() / (len(x) - 1) + (yc**2).sum() / (len(y) - 1))
        shift = float(np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2))
        return _above_rounding(shift + spread - 2 * root, shift + spread)
    covariances = (xc.T @ xc / (len(x) - 1), yc.T @ yc / (len(y) - 1))
    return frechet_from_moments(x.mean(axis=0), covariances[0], y.mean(axis=0), covariances[1])


def frechet_from_moments(mean_x: ArrayLike, cov_x: ArrayLike, mean_y: ArrayLike, cov_y: ArrayLike) -> float:
    """The distance from means (D,) and covariances (D, D): the root's trace is sum sqrt(eig(L^T S_y L)) with S_x = L L^T.

    Raises:
        Unscorable: ``not_finite``, or ``degenerate`` where both covariances are no more than the rounding of such means.
    """
    first, second = np.asarray(cov_x, dtype=np.float64), np.asarray(cov_y, dtype=np.float64)
    means = np.asarray(mean_x, dtype=np.float64), np.asarray(mean_y, dtype=np.float64)
    if not all(np.isfinite(part).all() for part in (*means, first, second)):
        raise Unscorable("A mean or covariance holds NaN or infinity.", "not_finite")
    if is_point(means[0], first) and is_point(means[1], second):
        raise Unscorable(CONSTANT, "degenerate")
    try:
        factor = linalg.cholesky(first, lower=True)
        # triangular products take half the time of full ones
        product = linalg.blas.dtrmm(1.0, factor, linalg.blas.dtrmm(1.0, factor, second, side=1, lower=1), lower=1, trans_a=1)
    except linalg.LinAlgError:  # singular: a symmetric root serves as well
        values, vectors = linalg.eigh(first)
        factor = vectors * np.sqrt(np.clip(values, 0.0, None))
        product = factor.T @ second @ factor
    eigenvalues = linalg.eigvalsh(product)
    root = float(np.sqrt(np.clip(eigenvalues, 0.0, None)).sum())
    difference = means[0] - means[1]
    size = float(difference @ difference + np.trace(first) + np.trace(second))
    return _above_rounding(size - 2 * root, size)


def _above_rounding(distance: float, size: float) -> float:
    """0 where what is left of terms of this size is less than their rounding, so that equal sets have distance 0."""
    return distance if distance > 1e-14 * size else 0.0
