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


class Weighing:
    """What scores count in a mean: the mean of the groups' weighted means.

    Args:
        weights: of each score, above 0.
        groups: of each score; in the end every group counts the same, whatever its size.
        total: what the shares sum to; None is the number of scores.

    ``shares`` (N,) is what each score counts; where all is alike, 1.
    """

    def __init__(self, weights: Sequence[float], groups: Sequence[str], total: float | None = None) -> None:
        names, self._group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
        w = np.asarray(weights, dtype=np.float64)
        self._groups = len(names)
        whole = float(len(w)) if total is None else total
        self.shares: Vector = w * (whole / (self._groups * np.bincount(self._group, w, self._groups)[self._group]))

    @classmethod
    def alike(cls, count: int) -> Weighing:
        """Each of so many scores counts 1."""
        return cls([1.0] * count, [""] * count)

    @property
    def is_alike(self) -> bool:
        """Whether every score counts the same."""
        return bool((self.shares == self.shares[:1]).all())

    def mean(self, scores: Sequence[float]) -> float:
        """The weighted mean; the plain one to the last digit where all count the same."""
        x = np.asarray(scores, dtype=np.float64)
        return float(np.mean(x)) if self.is_alike else float(np.average(x, weights=self.shares))

    def about_groups(self, scores: Sequence[float], cluster: NDArray[np.intp]) -> tuple[Vector, int]:
        """Scores about their group's mean: how far groups lie apart is no error of the mean of all.

        Args:
            scores: (N,).
            cluster: (N,) number of each score's cluster.

        Returns:
            (N,) mean of all + sqrt(k / (k - 1)) (score - mean of its group), for k clusters in the group, since residuals about a
            mean of k are that much too small; and the degrees of freedom they have, 0 where a group is a single cluster, of which
            no spread can be seen. Source: Cochran, Sampling Techniques (1977), the error of a stratified mean.
        """
        x = np.asarray(scores, dtype=np.float64)
        clusters = len(np.unique(cluster))
        if self._groups < 2:
            return x, clusters - 1
        sums = np.bincount(self._group, x * self.shares, self._groups)
        means = sums / np.bincount(self._group, self.shares, self._groups)
        pairs = np.unique(np.stack([self._group, cluster]), axis=1)
        k = np.bincount(pairs[0], minlength=self._groups)
        degrees = 0 if k.min() < 2 else min(clusters - 1, pairs.shape[1] - self._groups)
        scale = np.sqrt(k / np.maximum(k - 1, 1))
        return np.asarray((x - means[self._group]) * scale[self._group] + self.mean(scores)), degrees


@dataclass(frozen=True)
class ClusterSums:
    """Scores summed within clusters; their mean is over clips, not over clusters.

    Args:
        sums: (G,) sum of the scores of each cluster, about their group's mean where scores come in groups.
        sizes: (G,) number of scores behind each sum, or their weight.
        raw: (G,) sums in which groups lie as far apart as they do; None is ``sums``. They are what signs are flipped of.
        fitted: means about which ``sums`` stand, each of which took a degree of freedom.
    """

    sums: Vector
    sizes: Vector
    raw: Vector | None = None
    fitted: int = 1

    @classmethod
    def of(cls, scores: Sequence[float], clusters: Sequence[str], weighing: Weighing | None = None) -> ClusterSums:
        """Clusters in the order of their names; without a weighing every score counts the same."""
        names, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
        weighing = weighing or Weighing.alike(len(index))
        about, degrees = weighing.about_groups(scores, index)
        rows = (about * weighing.shares, weighing.shares, np.asarray(scores, dtype=np.float64) * weighing.shares)
        sums, sizes, raw = (np.bincount(index, row, len(names)).astype(np.float64) for row in rows)
        return cls(sums, sizes, raw, len(names) - degrees)

    @property
    def degrees(self) -> int:
        """Degrees of freedom of ``error``; below 1 nothing can be said of it."""
        return len(self.sums) - self.fitted

    @property
    def small(self) -> float:
        """The small-sample factor of a squared error; sums about groups carry theirs already."""
        return len(self.sums) / (len(self.sums) - 1) if self.fitted == 1 else 1.0

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
        residuals = self.sums - self.sizes * self.mean
        # what rounding leaves of equal scores is no spread
        residuals[np.abs(residuals) <= 1e-13 * np.abs(self.sums).max(initial=0.0)] = 0.0
        return float(np.sqrt(self.small * np.sum(residuals**2)) / self.sizes.sum())


def student_interval(sums: ClusterSums, level: float = 0.95) -> Interval:
    """Student's interval on the cluster-robust error, from two or more clusters' sums; unbounded."""
    groups, reach = len(sums.sums), student_quantile(0.5 + level / 2, sums.degrees) * sums.error
    return Interval(sums.mean - reach, sums.mean + reach, level, f"Student t over {groups} clusters")


def mean_interval(
    scores: Sequence[float],
    clusters: Sequence[str],
    bounds: tuple[float, float],
    level: float = 0.95,
    seed: int = SEED,
    weighing: Weighing | None = None,
) -> Interval | None:
    """Interval of the mean over clips, by a bootstrap of whole clusters.

    Scores that take two values only, and all count the same, are a share and get Wilson's interval. Others get, on each side, the
    farther end of the studentised bootstrap's and Student's: the first follows skewness but draws the short tail in too far when
    clusters are few, the second is wrong on the long tail; docs/statistics.md has the coverage of each. Scores without any spread
    say how rare others are at most: over N clusters, a share of 1 - ((1 - level) / 2)^(1/N) (Clopper and Pearson, Biometrika 26),
    which at worst lies at the end of the metric's range. Same scores, same digits.

    Args:
        scores: one number per clip.
        clusters: the cluster of each clip, same length.
        bounds: the interval is cut to the metric's range.
        level: share of samples whose interval holds the true mean.
        seed: of the resampling.
        weighing: what each score counts; None is 1.

    Returns:
        None with fewer than two clusters, or a single one in a group, or sums beyond what floats hold: nothing can be said.
    """
    weighing = weighing or Weighing.alike(len(scores))
    sums = ClusterSums.of(scores, clusters, weighing)
    if sums.degrees < 1 or not np.isfinite([sums.mean, sums.error]).all():
        return None
    values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    if weighing.is_alike and len(values) == 2 and (counts.min() > 1 or tuple(values) == bounds):
        return _share_interval(sums, (float(values[0]), float(values[1])), level)
    found = sums_interval(sums, level, seed) if sums.error else _spreadless_interval(sums, bounds, level)
    mean = weighing.mean(scores)  # the report's own digits stay inside, even where the interval has no width
    return Interval(max(bounds[0], min(found.low, mean)), min(bounds[1], max(found.high, mean)), level, found.method)


def sums_interval(sums: ClusterSums, level: float = 0.95, seed: int = SEED, resamples: int = RESAMPLES) -> Interval:
    """The farther ends of bootstrap-t and Student's interval, from two or more clusters' sums; unbounded."""
    groups, mean, error = len(sums.sums), sums.mean, sums.error
    if error == 0.0:
        return Interval(mean, mean, level, f"no spread seen over {groups} clusters")
    reach = student_quantile(0.5 + level / 2, sums.degrees)
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
    variance = sums.small * squares / sum_n**2
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


def _spreadless_interval(sums: ClusterSums, bounds: tuple[float, float], level: float) -> Interval:
    """What clips that were not drawn could move the mean at most; no width towards an end where the range has none."""
    groups, mean = len(sums.sums), sums.mean
    size = float(sums.sizes.sum() ** 2 / np.sum(sums.sizes**2))  # Kish's count of clusters that weigh alike
    share = 1.0 - (0.5 - level / 2) ** (1.0 / size)
    low, high = (share * abs(bound - mean) if np.isfinite(bound) else 0.0 for bound in bounds)
    method = f"no spread seen over {groups} clusters"
    if low or high:
        method += f"; Clopper-Pearson: {share:.2g} of clips or fewer could lie elsewhere in the range"
    return Interval(mean - low, mean + high, level, method)
