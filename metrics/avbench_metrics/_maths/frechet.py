"""Fréchet distance of two Gaussians, from samples or moments."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from avbench.errors import Unscorable
from avbench.feature import Array


def frechet_distance(x: Array, y: Array) -> float:
    """|mean_x - mean_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)) with unbiased covariances, in float64; never negative.

    With fewer samples than dimensions the trace of the root is the nuclear norm of Xc Yc^T / sqrt((n - 1)(m - 1)), which
    is exact (S_x S_y has the same non-zero eigenvalues as that product's Gram matrix) and needs no D x D matrix.
    Source: Dowson and Landau, J. Multivariate Analysis 12 (1982); Heusel et al., arXiv 1706.08500.

    Args:
        x: (n, D) samples. y: (m, D) samples.

    Raises:
        Unscorable: NaN or infinite values, fewer than two samples, or no variance on both sides.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    for name, side in (("first", x), ("second", y)):
        if side.ndim != 2 or len(side) < 2:
            raise Unscorable(f"The {name} set has {len(side)} sample(s); a covariance needs 2.", "too_few")
        if not np.isfinite(side).all():
            raise Unscorable(f"The {name} set holds NaN or infinite features.", "not_finite")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"Features of {x.shape[1]} and {y.shape[1]} dimensions cannot be compared.")
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    if not xc.any() and not yc.any():
        raise Unscorable("Both sets are constant: there is no distribution to compare.", "constant")
    if min(len(x), len(y)) < x.shape[1]:
        root = float(linalg.svdvals(xc @ yc.T).sum()) / np.sqrt((len(x) - 1) * (len(y) - 1))
        spread = float((xc**2).sum() / (len(x) - 1) + (yc**2).sum() / (len(y) - 1))
        return max(0.0, float(np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)) + spread - 2 * root)
    covariances = (xc.T @ xc / (len(x) - 1), yc.T @ yc / (len(y) - 1))
    return frechet_from_moments(x.mean(axis=0), covariances[0], y.mean(axis=0), covariances[1])


def frechet_from_moments(mean_x: Array, cov_x: Array, mean_y: Array, cov_y: Array) -> float:
    """The distance from means (D,) and covariances (D, D): the root's trace is sum sqrt(eig(L^T S_y L)) with S_x = L L^T."""
    try:
        factor = linalg.cholesky(cov_x, lower=True)
    except linalg.LinAlgError:  # singular: a symmetric root serves as well
        values, vectors = linalg.eigh(cov_x)
        factor = vectors * np.sqrt(np.clip(values, 0.0, None))
    eigenvalues = linalg.eigvalsh(factor.T @ cov_y @ factor)
    root = float(np.sqrt(np.clip(eigenvalues, 0.0, None)).sum())
    difference = np.asarray(mean_x, dtype=np.float64) - mean_y
    return max(0.0, float(difference @ difference + np.trace(cov_x) + np.trace(cov_y)) - 2 * root)


def kernel_distance(x: Array, y: Array) -> float:
    """Unbiased squared MMD with the kernel (x.y / D + 1)^3 over all pairs (KID, Binkowski et al., arXiv 1801.01401).

    May be slightly negative where the sets agree. Raises ``Unscorable`` as ``frechet_distance`` does.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n, m = len(x), len(y)
    if min(n, m) < 2:
        raise Unscorable(f"Sets of {n} and {m} samples; a kernel distance needs 2 each.", "too_few")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise Unscorable("The sets hold NaN or infinite features.", "not_finite")
    kernels = [(a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
    inside_x = (kernels[0].sum() - np.trace(kernels[0])) / (n * (n - 1))
    inside_y = (kernels[1].sum() - np.trace(kernels[1])) / (m * (m - 1))
    return float(inside_x + inside_y - 2 * kernels[2].mean())
