"""Uncertainty of a mean over clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str


def mean_interval(
    scores: Sequence[float], clusters: Sequence[str], bounds: tuple[float, float], level: float = 0.95
) -> Interval | None:
    """Cluster-robust Student interval of the mean.

    Clips of one cluster (several seeds of one prompt) vary together; their residuals are summed before they are squared:
    se^2 = G/(G-1) * sum_g (sum_{i in g} (x_i - mean))^2 / n^2, with G - 1 degrees of freedom. With one clip per cluster
    this is the textbook t interval. Source: Liang and Zeger, Biometrika 73 (1986), with the usual small-sample factor.

    Args:
        scores: one number per clip.
        clusters: the cluster of each clip, same length.
        bounds: the interval is cut to the metric's range.

    Returns:
        None with fewer than two clusters, where nothing can be said.
    """
    from scipy import special

    x = np.asarray(scores, dtype=np.float64)
    names, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    if len(names) < 2:
        return None
    residuals = np.bincount(index, weights=x - x.mean())
    groups = len(names)
    error = float(np.sqrt(groups / (groups - 1) * np.sum(residuals**2)) / len(x))
    reach = float(special.stdtrit(groups - 1, 0.5 + level / 2)) * error
    mean = float(x.mean())
    method = f"Student t over {groups} clusters"
    return Interval(max(bounds[0], mean - reach), min(bounds[1], mean + reach), level, method)
