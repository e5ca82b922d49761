"""The interval of a mean over clips that come in clusters: several seeds of one prompt are one cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

RESAMPLES = 9999
SEED = 20240
BLOCK = 1 << 20  # draws held at once


@dataclass(frozen=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True)
class ClusterSums:
    """Scores summed within clusters; their mean is over clips, not over clusters.

    Args:
        sums: (G,) sum of the scores of each cluster.
        sizes: (G,) number of scores behind each sum, or their weight.
    """

    sums: Vector
    sizes: Vector

    @classmethod
    def of(cls, scores: Sequence[float], clusters: Sequence[str]) -> ClusterSums:
        """Clusters in the order of their names."""
        names, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
        x = np.asarray(scores, dtype=np.float64)
        sizes = np.bincount(index, minlength=len(names)).astype(np.float64)
        return cls(np.bincount(index, x, len(names)).astype(np.float64), sizes)

    @property
    def mean(self) -> float:
        """Over clips."""
        return float(self.sums.sum() / self.sizes.sum())

    @property
    def error(self) -> float:
        """Cluster-robust standard error of the mean: se^2 = G/(G-1) sum_g (s_g - n_g mean)^2 / n^2.

        With one clip per cluster this is the textbook one. Source: Liang and Zeger, Biometrika 73 (1986), with the usual
        small-sample factor.
        """
        groups = len(self.sums)
        residuals = self.sums - self.sizes * self.mean
        # what rounding leaves of equal scores is no spread
        residuals[np.abs(residuals) <= 1e-13 * np.abs(self.sums).max(initial=0.0)] = 0.0
        return float(np.sqrt(groups / (groups - 1) * np.sum(residuals**2)) / self.sizes.sum())


def student_interval(sums: ClusterSums, level: float = 0.95) -> Interval:
    """Student's interval on the cluster-robust error, from two or more clusters' sums; unbounded."""
    groups, reach = len(sums.sums), student_quantile(0.5 + level / 2, len(sums.sums) - 1) * sums.error
    return Interval(sums.mean - reach, sums.mean + reach, level, f"Student t over {groups} clusters")


def mean_interval(
    scores: Sequence[float], clusters: Sequence[str], bounds: tuple[float, float], level: float = 0.95, seed: int = SEED
) -> Interval | None:
    """Interval of the mean over clips, by a bootstrap of whole clusters.

    Scores that take two values only are a share and get Wilson's interval. Others get, on each side, the farther end of the
    studentised bootstrap's and Student's: the first follows skewness but draws the short tail in too far when clusters are few,
    the second is wrong on the long tail; docs/statistics.md has the coverage of each. Same scores, same digits.

    Args:
        scores: one number per clip.
        clusters: the cluster of each clip, same length.
        bounds: the interval is cut to the metric's range.
        level: share of samples whose interval holds the true mean.
        seed: of the resampling.

    Returns:
        None with fewer than two clusters, where nothing can be said.
    """
    sums = ClusterSums.of(scores, clusters)
    if len(sums.sums) < 2:
        return None
    values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    if len(values) == 2 and (counts.min() > 1 or tuple(values) == bounds):
        return _share_interval(sums, (float(values[0]), float(values[1])), level)
    found = sums_interval(sums, level, seed)
    mean = float(np.mean(scores))  # the report's own digits stay inside, even where the interval has no width
    return Interval(max(bounds[0], min(found.low, mean)), min(bounds[1], max(found.high, mean)), level, found.method)


def sums_interval(sums: ClusterSums, level: float = 0.95, seed: int = SEED, resamples: int = RESAMPLES) -> Interval:
    """The farther ends of bootstrap-t and Student's interval, from two or more clusters' sums; unbounded."""
    groups, mean, error = len(sums.sums), sums.mean, sums.error
    if error == 0.0:
        return Interval(mean, mean, level, f"no spread over {groups} clusters")
    reach = student_quantile(0.5 + level / 2, groups - 1)
    below, above = np.quantile(studentised(sums, seed, resamples), [0.5 - level / 2, 0.5 + level / 2], method="inverted_cdf")
    low, high = mean - max(reach, float(above)) * error, mean + max(reach, -float(below)) * error
    return Interval(low, high, level, f"bootstrap-t of {groups} clusters ({resamples} resamples), no narrower than Student t")


def student_quantile(share: float, degrees: float) -> float:
    """Quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(degrees, share))


def studentised(sums: ClusterSums, seed: int, resamples: int) -> Vector:
    """(resamples,) of (mean* - mean) / error* over resamples of G clusters with replacement.

    The original's squared error counts for one cluster in error*^2: a resample in which all clusters agree, likely where most
    scores are 0, keeps a finite t. Source of the method: Efron and Tibshirani 1993, chapter 12.5.
    """
    groups = len(sums.sums)
    s, n = sums.sums - sums.mean * sums.sizes, sums.sizes  # about the mean, so that no digits cancel
    moments = np.stack([s, n, s * s, s * n, n * n], axis=1)
    totals = np.concatenate([counts @ moments for counts in _counts(groups, seed, resamples)])
    sum_s, sum_n, sum_ss, sum_sn, sum_nn = totals.T
    shift = sum_s / sum_n
    squares = np.clip(sum_ss - 2.0 * shift * sum_sn + shift**2 * sum_nn, 0.0, None)
    variance = groups / (groups - 1) * squares / sum_n**2
    return np.asarray(shift / np.sqrt((groups * variance + sums.error**2) / (groups + 1)))


def _counts(groups: int, seed: int, resamples: int) -> Iterator[Vector]:
    """How often each cluster is drawn, (resamples, G) in blocks."""
    random = np.random.default_rng(seed)
    rows = max(1, BLOCK // groups)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = random.integers(groups, size=(count, groups), dtype=np.int32) + (np.arange(count, dtype=np.int32) * groups)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * groups).reshape(count, groups).astype(np.float64)


def _share_interval(sums: ClusterSums, values: tuple[float, float], level: float) -> Interval:
    """Wilson's interval of the share of the larger value, on the size of a simple sample of equal error.

    Sources: Wilson, JASA 22 (1927); for the size under clustering, Korn and Graubard, Survey Methodology 24 (1998).
    """
    from scipy import special

    low, high = values
    groups, clips = len(sums.sums), float(sums.sizes.sum())
    share = (sums.mean - low) / (high - low)
    error = sums.error / (high - low)
    size = clips
    if error > 0.0:
        few = student_quantile(0.5 + level / 2, clips - 1) / student_quantile(0.5 + level / 2, groups - 1)
        size = min(clips, clips * share * (1.0 - share) / (clips - 1) / error**2 * few**2)
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    middle = (share + z2 / (2 * size)) / (1 + z2 / size)
    reach = float(np.sqrt(z2 * share * (1 - share) / size + z2**2 / (4 * size**2))) / (1 + z2 / size)
    method = f"Wilson over {groups} clusters worth {size:.4g} independent clips"
    return Interval(low + (high - low) * (middle - reach), low + (high - low) * (middle + reach), level, method)
