"""Set distances exactly as published code computes them, for numbers that shall stand beside published ones.

All take features (n, D) of the generated and (m, D) of the reference set. ``frechet_distance`` and ``polynomial_mmd2`` are the
sound versions.

Raises:
    Unscorable: ``too_few`` (a set of fewer than two), ``not_finite`` (NaN or infinity) or ``degenerate`` (both sets constant).
    ValueError: the shapes do not fit each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from avbench.errors import Unscorable
from avbench_metrics._maths.kernel import CONSTANT, checked_sets, is_point, polynomial_mmd2

Matrix = NDArray[np.float64]
SmallMatrix = NDArray[np.float32]

ROOT_FLOOR = 1e-10
DIAGONAL = 1e-6
IMAGINARY = 1e-3


def javisbench_frechet(generated: ArrayLike, reference: ArrayLike) -> float:
    """JavisBench's FVD (of I3D logits); times 10 000 its FAD (of AudioCLIP's embeddings).

    Float32 throughout, covariances with n - 1, roots of matrices by singular values of which those below 1e-10 are kept as they
    are, and only the first min(n, m) rows of both sets. Error against float64: 0.3 % at n = 1000, D = 1024. It can be negative.
    """
    ours, theirs = (side.astype(np.float32) for side in _first_rows(generated, reference))
    means, covariances = zip(*(_moments_float32(side) for side in (ours, theirs)), strict=True)
    root = _root_float32(covariances[0])
    trace = np.trace(covariances[0] + covariances[1]) - 2.0 * np.trace(_root_float32(root @ (covariances[1] @ root)))
    return float(trace + np.sum((means[0] - means[1]) ** 2))


def javisbench_kvd(generated: ArrayLike, reference: ArrayLike) -> float:
    """JavisBench's KVD: the cubic unbiased MMD^2 of features that were centred set by set, of the first min(n, m) rows.

    Its Fréchet routine runs before and centres its arguments in place, so a difference between the means is invisible here. The
    kernel is float64, against float32 there. ``polynomial_mmd2`` of the raw features is what was meant.
    """
    ours, theirs = _first_rows(generated, reference)
    return polynomial_mmd2(ours - ours.mean(axis=0), theirs - theirs.mean(axis=0))


def av_benchmark_frechet(generated: ArrayLike, reference: ArrayLike, protocol: Literal["official", "fixed"] = "fixed") -> float:
    """av-benchmark's FD-VGG, FD-PANN and FD-PASST: float64 moments with n - 1 and ``sqrtm_frechet``.

    Only the answer where the root fails differs between the protocols: -1 or ``Unscorable``.
    """
    ours, theirs = checked_sets(generated, reference)
    moments = [moment for side in (ours, theirs) for moment in (side.mean(axis=0), np.atleast_2d(np.cov(side, rowvar=False)))]
    return sqrtm_frechet((moments[0], moments[1]), (moments[2], moments[3]), protocol)


def sqrtm_frechet(first: tuple[Matrix, Matrix], second: tuple[Matrix, Matrix], protocol: Literal["official", "fixed"]) -> float:
    """The distance of two (mean, covariance) with scipy's matrix root of S_1 S_2.

    Where the root is not finite, 1e-6 is added to both diagonals; imaginary parts on its diagonal above 1e-3 are a failure. Digits
    depend on scipy's version where the product is singular (n <= D).

    Raises:
        Unscorable: ``not_finite``; ``failed``, where the root fails under ``fixed``; ``official`` returns -1 there.
    """
    (mean1, covariance1), (mean2, covariance2) = first, second
    if not all(np.isfinite(part).all() for part in (*first, *second)):
        raise Unscorable("A mean or covariance holds NaN or infinity.", "not_finite")
    root = linalg.sqrtm(covariance1 @ covariance2)
    if not np.isfinite(root).all():
        offset = DIAGONAL * np.eye(len(covariance1))
        root = linalg.sqrtm((covariance1 + offset) @ (covariance2 + offset))
    diagonal = np.diagonal(root)
    if not np.isfinite(diagonal).all() or not np.allclose(diagonal.imag, 0.0, atol=IMAGINARY):
        if protocol == "official":
            return -1.0
        raise Unscorable("The root of the product of the covariances is not real: there are too few samples.", "failed")
    return float(np.sum((mean1 - mean2) ** 2) + np.trace(covariance1) + np.trace(covariance2) - 2.0 * diagonal.real.sum())


def cdfvd_frechet(generated: ArrayLike, reference: ArrayLike) -> float:
    """cd-fvd's FVD: float64 moments E[x x^T] - m m^T, that is with n and not n - 1, and the real part of scipy's root of S_r S_g.

    It can be slightly negative; where the covariances are singular, scipy 1.12 has been seen to give -1.9e28.
    """
    ours, theirs = checked_sets(generated, reference)
    means = [side.mean(axis=0) for side in (ours, theirs)]
    covariances = [side.T @ side / len(side) - np.outer(mean, mean) for side, mean in zip((ours, theirs), means, strict=True)]
    root = linalg.sqrtm(covariances[1] @ covariances[0])
    return float(np.real(np.sum((means[1] - means[0]) ** 2) + np.trace(covariances[0] + covariances[1] - 2.0 * root)))


def fadtk_frechet(generated: Sequence[ArrayLike], reference: Sequence[ArrayLike]) -> float:
    """FADTK's FAD of embeddings file by file: float16, the mean of each file float16 too, pooled covariance with n - 1.

    The root's trace is the sum of the roots of the eigenvalues of S_1 S_2, real part.

    Args:
        generated: one (frames, D) per file.
        reference: likewise.

    Raises:
        Unscorable: a file of one frame (``too_few``), for which FADTK's result is NaN.
    """
    (mean1, covariance1), (mean2, covariance2) = _moments_of_files(generated), _moments_of_files(reference)
    if is_point(mean1, covariance1) and is_point(mean2, covariance2):
        raise Unscorable(CONSTANT, "degenerate")
    if len(mean1) != len(mean2):
        raise ValueError(f"Features of {len(mean1)} and {len(mean2)} dimensions cannot be compared.")
    root = np.sqrt(linalg.eigvals(covariance1 @ covariance2).astype(complex)).sum().real
    return float(np.sum((mean1 - mean2) ** 2) + np.trace(covariance1) + np.trace(covariance2) - 2.0 * root)


def _moments_of_files(files: Sequence[ArrayLike]) -> tuple[Matrix, Matrix]:
    if not files:
        raise Unscorable("There is no file to compare.", "too_few")
    with np.errstate(over="ignore"):  # becomes infinity and is refused below
        rounded = [np.atleast_2d(np.asarray(file, dtype=np.float16)) for file in files]
    for side in rounded:
        if len(side) < 2:
            raise Unscorable(f"A file has {len(side)} frame(s); a covariance needs 2.", "too_few")
        if not np.isfinite(side).all():
            raise Unscorable("A file holds NaN, infinity or numbers beyond float16.", "not_finite")
    counts = np.array([len(side) for side in rounded])
    means = np.array([side.mean(axis=0) for side in rounded], dtype=np.float64)
    total = counts @ means / counts.sum()
    scatter = sum(np.atleast_2d(np.cov(side, rowvar=False)) * (len(side) - 1) for side in rounded)
    between = (means - total).T * counts @ (means - total)
    return total, np.asarray((scatter + between) / (counts.sum() - 1))


def _moments_float32(side: SmallMatrix) -> tuple[SmallMatrix, SmallMatrix]:
    mean = side.mean(axis=0)
    centred = side - mean
    return mean, centred.T @ centred * np.float32(1.0 / (len(side) - 1))


def _root_float32(matrix: SmallMatrix) -> SmallMatrix:
    left, values, right = np.linalg.svd(matrix)
    return np.asarray((left * np.where(values < ROOT_FLOOR, values, np.sqrt(values))) @ right)


def _first_rows(generated: ArrayLike, reference: ArrayLike) -> tuple[Matrix, Matrix]:
    ours, theirs = checked_sets(generated, reference)
    count = min(len(ours), len(theirs))
    return ours[:count], theirs[:count]
