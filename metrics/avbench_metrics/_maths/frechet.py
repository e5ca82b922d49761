"""Fréchet distance between two sets of vectors, each seen as a Gaussian.

d² = |mu1 − mu2|² + tr S1 + tr S2 − 2 tr (S1 S2)^½, with unbiased covariances (Dowson and Landau 1982; Heusel et al. 2017).

The last term is the nuclear norm of F1 F2^T for any factors with S = F^T F. No square root of a matrix is ever formed, so
nothing can turn complex. A set of no more vectors than dimensions is its own factor (its centred rows), which is exact
where covariances are singular and costs the rows' number, not the dimensions'.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from avbench.errors import Unscorable

Matrix = NDArray[np.float64]

# A Cholesky factor whose squared pivots span more than this holds directions made of rounding error only.
PIVOT_SPAN = 1e-11


def frechet_distance(x: ArrayLike, y: ArrayLike) -> float:
    """Fréchet distance (the squared form, as FID and FAD report it) between two samples.

    Args:
        x: (N, D) vectors.
        y: (M, D) vectors.

    Returns:
        A number >= 0 in the squared unit of the vectors; 0 for equal mean and covariance.

    Raises:
        Unscorable: ``not_finite`` (NaN or infinity), ``too_few`` (fewer than two vectors in a set) or ``degenerate``
            (all vectors are equal in both sets).
        ValueError: the shapes do not fit each other.
    """
    first, second = _samples(x, "first"), _samples(y, "second")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"The vectors differ in dimension: {first.shape[1]} and {second.shape[1]}.")
    if (first == first[0]).all() and (second == second[0]).all():
        raise Unscorable("All vectors are equal within both sets, so neither has a distribution.", "degenerate")
    mean1, mean2 = first.mean(axis=0), second.mean(axis=0)
    rows1 = (first - mean1) / np.sqrt(len(first) - 1)
    rows2 = (second - mean2) / np.sqrt(len(second) - 1)
    traces = float(np.vdot(rows1, rows1) + np.vdot(rows2, rows2))
    dimensions = first.shape[1]
    if len(rows1) > dimensions and len(rows2) > dimensions:
        cross = _cross_term(_gram(rows1), _gram(rows2))
    else:
        cross = _nuclear_norm(_compact(rows1) @ _compact(rows2).T)
    return _assemble(mean1 - mean2, traces, cross)


def frechet_from_moments(mu1: ArrayLike, sigma1: ArrayLike, mu2: ArrayLike, sigma2: ArrayLike) -> float:
    """Fréchet distance from means (D,) and covariances (D, D); the result as for ``frechet_distance``.

    Raises:
        Unscorable: ``not_finite``, or ``degenerate`` where both covariances are zero.
        ValueError: the shapes do not fit each other.
    """
    mean1, mean2 = np.asarray(mu1, np.float64), np.asarray(mu2, np.float64)
    first, second = np.asarray(sigma1, np.float64), np.asarray(sigma2, np.float64)
    if mean1.ndim != 1 or mean1.shape != mean2.shape or not first.shape == second.shape == mean1.shape * 2:
        raise ValueError("Means must be (D,) and covariances (D, D), with one D.")
    if not all(np.isfinite(a).all() for a in (mean1, mean2, first, second)):
        raise Unscorable("The moments hold NaN or infinity.", "not_finite")
    if not first.any() and not second.any():
        raise Unscorable("Both covariances are zero, so neither set has a distribution.", "degenerate")
    return _assemble(mean1 - mean2, float(np.trace(first) + np.trace(second)), _cross_term(first, second))


def _samples(x: ArrayLike, which: str) -> Matrix:
    """Check one set. Returns float64 (N, D)."""
    vectors = np.asarray(x, dtype=np.float64)
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ValueError(f"A set must be (N, D) with D > 0, not {vectors.shape}.")
    if len(vectors) < 2:
        raise Unscorable(f"The {which} set has {len(vectors)} vectors; a covariance needs two.", "too_few")
    if not np.isfinite(vectors).all():
        raise Unscorable(f"The {which} set holds NaN or infinity.", "not_finite")
    return vectors


def _assemble(difference: Matrix, traces: float, cross: float) -> float:
    """|difference|² + traces − 2 cross; the part of the covariances is >= 0 in exact arithmetic and is kept so."""
    return float(np.vdot(difference, difference)) + max(0.0, traces - 2.0 * cross)


def _compact(rows: Matrix) -> Matrix:
    """F with F^T F = rows^T rows and no more rows than columns: the rows themselves, or the factor of their covariance."""
    return rows if len(rows) <= rows.shape[1] else _eigen_factor(_gram(rows))


def _gram(rows: Matrix) -> Matrix:
    """rows^T rows, (D, D); half the work of a product, as the result is symmetric."""
    # A C-ordered array is the transpose of a Fortran-ordered one, so this copies nothing.
    lower = scipy.linalg.blas.dsyrk(1.0, np.ascontiguousarray(rows).T, lower=1)
    return np.asarray(lower + np.tril(lower, -1).T)


def _cross_term(sigma1: Matrix, sigma2: Matrix) -> float:
    """tr (S1 S2)^½ of two covariances (D, D)."""
    try:
        factor = scipy.linalg.cholesky(sigma1, lower=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return _singular_cross_term(sigma1, sigma2)
    pivots = np.diag(factor) ** 2
    if pivots.min() < PIVOT_SPAN * pivots.max():
        return _singular_cross_term(sigma1, sigma2)
    half = scipy.linalg.blas.dtrmm(1.0, factor, sigma2, side=0, lower=1, trans_a=1)
    inner = scipy.linalg.blas.dtrmm(1.0, factor, half, side=1, lower=1)
    values = scipy.linalg.eigvalsh(inner, overwrite_a=True, check_finite=False)
    return float(np.sqrt(np.clip(values, 0.0, None)).sum())


def _singular_cross_term(sigma1: Matrix, sigma2: Matrix) -> float:
    """As ``_cross_term`` where directions without variance would turn rounding errors e into sqrt(e)."""
    return _nuclear_norm(_eigen_factor(sigma1) @ _eigen_factor(sigma2).T)


def _eigen_factor(sigma: Matrix) -> Matrix:
    """F (R, D) with F^T F = sigma; eigenvalues that cannot be told from rounding error are left out."""
    values, vectors = scipy.linalg.eigh(sigma, check_finite=False)
    kept = values > max(0.0, float(values[-1])) * len(values) * np.finfo(np.float64).eps
    return np.asarray((vectors[:, kept] * np.sqrt(values[kept])).T)


def _nuclear_norm(matrix: Matrix) -> float:
    """Sum of the singular values; 0 for an empty matrix."""
    return float(scipy.linalg.svdvals(matrix, check_finite=False).sum()) if matrix.size else 0.0
