"""Uncertainty of a set's distance: jackknife of groups, value at infinite N, noise floor; never a bootstrap, which is biased here.

A bootstrap sample repeats clips, so a Fréchet distance of it is that of a smaller set and lies above the value it should surround.
Everything here leaves clips out instead.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.intervals import SEED, Interval, Vector, student_quantile
from avbench.statistics.paired import Difference, student_difference

Chosen = Sequence[int]  # positions of clips

GROUPS = 10  # fewer, larger groups overstate the error of few clips in many dimensions less (docs/statistics.md)
ROUNDING = 1e-12  # of a distance; smaller changes are none
SHRINKING = (1.25, 1.5, 1.75, 2.0)  # a sub-sample holds N / this many clips: evenly spaced in 1 / N


@dataclass(frozen=True)
class Jackknife:
    """A distance and what is left of it without each group of prompts.

    ``replicates[g]`` is the distance without group g; where no clip is of that group it equals ``value`` and counts for nothing.
    """

    value: float
    replicates: tuple[float, ...]

    @property
    def error(self) -> tuple[float, int]:
        """Standard error, sqrt((G-1)/G sum (r - mean r)^2) over groups that count, and G - 1. Source: Tukey 1958."""
        counted = np.asarray(self.replicates)[_counted(self)]
        groups = len(counted)
        if groups < 2:
            return 0.0, 1
        return float(np.sqrt((groups - 1) / groups * np.sum((counted - counted.mean()) ** 2))), groups - 1

    def interval(self, bounds: tuple[float, float] = (-math.inf, math.inf), level: float = 0.95) -> Interval:
        """Student's interval of the distance that N clips are expected to have against this very reference.

        The bias of few clips is in its target, and sampling of the reference is not in its width. A distance that cannot be below 0
        and stands clear of it is skewed to the right: its interval is taken on the logarithm's scale.

        Args:
            bounds: the metric's range.
            level: share of samples whose interval holds that expected distance.
        """
        error, degrees = self.error
        if error == 0.0:
            return Interval(self.value, self.value, level, "no spread over groups of prompts")
        reach = student_quantile(0.5 + level / 2, degrees) * error
        low, high = self.value - reach, self.value + reach
        scale = "Student t"
        if bounds[0] == 0.0 and 0.0 < low < self.value:
            ratio = math.exp(reach / self.value)
            low, high, scale = self.value / ratio, self.value * ratio, "Student t of the logarithm"
        return Interval(max(bounds[0], low), min(bounds[1], high), level, f"jackknife of {degrees + 1} groups of prompts, {scale}")


@dataclass(frozen=True)
class Extrapolation:
    """Least squares of the distance on 1/N: ``value`` at 1/N = 0, ``slope`` per 1/N, and ``r2`` of the fitted means."""

    value: float
    slope: float
    r2: float


def group_of(clusters: Sequence[str], groups: int = GROUPS) -> dict[str, int]:
    """Cluster to jackknife group: by place in the order of sha256, so that groups are of equal size and two models share them.

    Args:
        clusters: of all prompts that were asked, answered or not; repeats do not matter.
        groups: at most so many, never more than clusters.
    """
    order = sorted(set(clusters), key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest())
    return {name: place % min(groups, len(order)) for place, name in enumerate(order)}


def jackknife(score: Callable[[Chosen], float], groups: Sequence[int], total: int = 0) -> Jackknife:
    """Leave out one group of clips after the other.

    Args:
        score: the distance of the clips at these positions.
        groups: of each clip, from ``group_of``.
        total: how many groups there are, if some at the end may have no clip.

    Raises:
        ValueError: fewer than two groups have clips.
        Exception: whatever ``score`` raises.
    """
    index = np.asarray(groups)
    if len(np.unique(index)) < 2:
        raise ValueError("A jackknife needs clips of two groups.")
    everything = score(range(len(index)))
    count = max(total, int(index.max()) + 1)
    left = [np.flatnonzero(index != group) for group in range(count)]
    return Jackknife(everything, tuple(score(kept.tolist()) if len(kept) < len(index) else everything for kept in left))


def extrapolate(score: Callable[[Chosen], float], clusters: Sequence[str], draws: int = 3, seed: int = SEED) -> Extrapolation:
    """The distance at infinitely many generated clips, by a line in 1/N through sub-samples drawn without replacement.

    Sub-samples hold whole clusters, from half of the clips to all. The reference stays whole, so what its own size adds remains.
    Source: Chong and Forsyth, arXiv 1911.07023, without the replacement.

    Args:
        score: the distance of the clips at these positions.
        clusters: of each clip.
        draws: per size.
        seed: of the draws.

    Raises:
        ValueError: fewer than four clusters.
        Exception: whatever ``score`` raises.
    """
    names, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    if len(names) < 4:
        raise ValueError(f"{len(names)} clusters cannot be halved into sub-samples; 4 are needed.")
    random = np.random.default_rng(seed)
    inverse, values = [1.0 / len(index)], [score(range(len(index)))]
    for factor in SHRINKING:
        size = max(2, round(len(names) / factor))
        drawn = [np.flatnonzero(np.isin(index, random.choice(len(names), size, replace=False))) for _ in range(draws)]
        values.append(float(np.mean([score(kept.tolist()) for kept in drawn])))
        inverse.append(float(np.mean([1.0 / len(kept) for kept in drawn])))
    return _line(np.array(inverse), np.array(values))


def noise_floor(
    score: Callable[[Chosen, Chosen], float], generated: int, clusters: Sequence[str], draws: int = 3, seed: int = SEED
) -> tuple[float, int]:
    """What the distance would be for a perfect model: of one part of the reference to the rest.

    Args:
        score: the distance between reference clips at the first positions, as if generated, and those at the second.
        generated: clips of the judged set; the first part has as many, at most half.
        clusters: of each reference clip; whole clusters fall to one side.
        draws: random splits, averaged.
        seed: of the splits.

    Returns:
        The mean distance and the clips of the first part.
    """
    names, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    random = np.random.default_rng(seed)
    share = min(0.5, generated / len(index))
    size = min(max(1, round(share * len(names))), len(names) // 2)
    values, counts = [], []
    for _ in range(draws):
        first = np.isin(index, random.choice(len(names), size, replace=False))
        values.append(score(np.flatnonzero(first).tolist(), np.flatnonzero(~first).tolist()))
        counts.append(int(first.sum()))
    return float(np.mean(values)), round(float(np.mean(counts)))


def set_difference(first: Jackknife, second: Jackknife, level: float = 0.95) -> Difference:
    """Difference of two models' distances to one reference, from the differences of their replicates: what both share cancels.

    Raises:
        ValueError: the jackknives have different groups.
    """
    if len(first.replicates) != len(second.replicates):
        raise ValueError(f"Jackknives of {len(first.replicates)} and {len(second.replicates)} groups share no groups.")
    value = first.value - second.value
    replicates = np.subtract(first.replicates, second.replicates)[_counted(first) | _counted(second)]
    groups = len(replicates)
    error = float(np.sqrt((groups - 1) / groups * np.sum((replicates - replicates.mean()) ** 2))) if groups > 1 else 0.0
    return student_difference(value, error, max(groups - 1, 1), level, f"paired jackknife of {groups} groups of prompts, Student t")


def _counted(found: Jackknife) -> NDArray[np.bool_]:
    """Which groups move the distance by more than rounding."""
    return np.asarray(np.abs(np.subtract(found.replicates, found.value)) > ROUNDING * abs(found.value))


def _line(x: Vector, y: Vector) -> Extrapolation:
    slope = float(np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2))
    value = float(y.mean() - slope * x.mean())
    if np.ptp(y) <= ROUNDING * np.abs(y).max():
        return Extrapolation(float(y.mean()), 0.0, 1.0)
    return Extrapolation(value, slope, 1.0 - float(np.sum((y - value - slope * x) ** 2) / np.sum((y - y.mean()) ** 2)))
