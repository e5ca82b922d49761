"""How much frames resemble the one before and the first. Source: VBench, subject_consistency and background_consistency."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from avbench.errors import Unscorable


def consistency(embeddings: ArrayLike) -> float:
    """Mean over frames but the first of (cos+ to the one before + cos+ to the first) / 2, cos+ being max(0, cosine).

    Args:
        embeddings: (frames, D), of any length but 0.

    Returns:
        0 ... 1; 1 for a still picture.

    Raises:
        Unscorable: fewer than two frames, or an embedding of length 0 or not finite.
    """
    vectors = np.asarray(embeddings, dtype=np.float64)
    if len(vectors) < 2:
        raise Unscorable("The clip has one frame; consistency needs two.", "too_short")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise Unscorable("A frame's embedding is zero or not finite.", "not_finite")
    unit = vectors / lengths
    before = np.clip(np.sum(unit[1:] * unit[:-1], axis=1), 0.0, 1.0)
    first = np.clip(unit[1:] @ unit[0], 0.0, 1.0)
    return float(np.mean((before + first) / 2))
