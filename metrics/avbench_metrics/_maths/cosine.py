"""Cosine of two embeddings."""

from __future__ import annotations

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Array

SMALLEST_NORM = 1e-6


def cosine(first: Array, second: Array) -> float:
    """First . second over the product of their lengths (each at least 1e-6), in [-1, 1]; both (D,) of any length.

    Raises:
        Unscorable: ``not_finite``.
        ValueError: they are not two vectors of one size.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"Embeddings must be two vectors of one size, not {a.shape} and {b.shape}.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Unscorable("An embedding holds NaN or infinity.", "not_finite")
    lengths = max(float(np.linalg.norm(a)), SMALLEST_NORM) * max(float(np.linalg.norm(b)), SMALLEST_NORM)
    return float(np.clip(a @ b / lengths, -1.0, 1.0))
