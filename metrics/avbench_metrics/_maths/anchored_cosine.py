"""What a cosine of two voices means: its place between pairs of strangers and pairs of one speaker, and how well the two part."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from avbench.errors import Unscorable
from avbench.feature import Array


def anchored_cosine(cosine: float, same: ArrayLike, different: ArrayLike) -> float:
    """(cosine - mean of ``different``) / (mean of ``same`` - mean of ``different``): 0 is a stranger, 1 the same speaker.

    Not clipped: a copy of the reference lies above 1, an unusual stranger below 0. The anchors must come from the same embedding.

    Args:
        same: cosines of real pairs of one speaker each. different: of pairs of two.

    Raises:
        Unscorable: ``too_few`` (an anchor is empty), ``not_finite``, or ``degenerate`` (pairs of one speaker are on average no more
            alike than strangers, so the scale has no direction).
    """
    first, second = _checked(same, different)
    if not np.isfinite(cosine):
        raise Unscorable(f"The cosine is {cosine}.", "not_finite")
    top, bottom = float(first.mean()), float(second.mean())
    if top <= bottom:
        raise Unscorable(f"Pairs of one speaker have a mean cosine of {top:.3f}, strangers of {bottom:.3f}.", "degenerate")
    return (float(cosine) - bottom) / (top - bottom)


def equal_error_rate(same: ArrayLike, different: ArrayLike) -> tuple[float, float]:
    """Where as many strangers pass as speakers are turned away.

    The crossing of the ROC curve, joined by straight lines, with its falling diagonal, so that it needs no threshold at which
    both rates are exactly equal.

    Args:
        same: (N,) scores of pairs of one speaker, higher is more alike. different: (M,) scores of pairs of two.

    Returns:
        The rate, from 0 (separate) over 0.5 (chance) to 1 (reversed), and the threshold there; a pair passes at or above it.

    Raises:
        Unscorable: ``too_few`` or ``not_finite``.
    """
    first, second = _checked(same, different)
    thresholds = np.unique(np.concatenate([first, second]))[::-1]
    passed = np.concatenate([[0.0], (len(first) - np.searchsorted(np.sort(first), thresholds)) / len(first)])
    wrongly = np.concatenate([[0.0], (len(second) - np.searchsorted(np.sort(second), thresholds)) / len(second)])
    excess = passed + wrongly - 1.0  # rises from -1 to 1
    after = int(np.argmax(excess >= 0))
    share = -excess[after - 1] / (excess[after] - excess[after - 1])
    rate = wrongly[after - 1] + share * (wrongly[after] - wrongly[after - 1])
    above = thresholds[max(after - 2, 0)]  # nothing lies above the highest score
    return float(rate), float(above + share * (thresholds[after - 1] - above))


def _checked(same: ArrayLike, different: ArrayLike) -> tuple[Array, Array]:
    first, second = (np.asarray(side, dtype=np.float64).ravel() for side in (same, different))
    if not len(first) or not len(second):
        raise Unscorable(f"There are {len(first)} pairs of one speaker and {len(second)} of two; both are needed.", "too_few")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise Unscorable("A score is NaN or infinite.", "not_finite")
    return first, second
