"""Two models on shared prompts: difference, test, equivalence; and Holm's correction for many of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.intervals import (
    BLOCK,
    SEED,
    ClusterSums,
    Interval,
    Vector,
    Weighing,
    student_interval,
    student_quantile,
    sums_interval,
)

Better = Literal["higher", "lower"]

EXACT = 4096  # sign patterns up to which all are tried
FLIPS = 9999
KEPT = 8_000_000  # signs kept in memory between two tests of as many clusters (64 MB)


class Scored(NamedTuple):
    """A clip's score; ``weight`` and ``group`` as in ``Weighing``."""

    clip: str
    cluster: str
    value: float
    weight: float = 1.0
    group: str = ""


Scores = Sequence[tuple[str, str, float] | Scored]


@dataclass(frozen=True)
class Difference:
    """First model minus second.

    Args:
        value: mean difference, in the metric's unit.
        interval: of it.
        p: two-sided p value of no difference.
        error: standard error, with ``degrees`` degrees of freedom.
        pairs: clips compared one to one, or the smaller count of a prompt whose clips have no ids in common; 0 for sets.
        clusters: prompts (for sets: jackknife groups) that both models answered.
        method: how the p value was made.
    """

    value: float
    interval: Interval
    p: float
    error: float
    degrees: int
    pairs: int
    clusters: int
    method: str


@dataclass(frozen=True)
class Verdict:
    """The outcome of a test against a margin: ``answer`` and the p value of the hypothesis that must be refuted for a yes."""

    answer: Literal["yes", "no", "inconclusive"]
    p: float
    margin: float


def compare(first: Scores, second: Scores, level: float = 0.95, seed: int = SEED, *, interval: bool = True) -> Difference | None:
    """Difference of two models' means over the prompts that both answered.

    Clips of one id are paired. A prompt without a shared id (seeds named differently) contributes the difference of its two means
    with the weight of the smaller count. Weights and groups are taken anew over what is compared, so that the difference is that of
    the two weighted means of it. The interval is the bootstrap of clusters of ``sums_interval``; p is a permutation test
    that flips the signs of whole clusters: all patterns up to 12 clusters, else 9999 random ones, which count the observed one too.
    Source: Good, Permutation, Parametric and Bootstrap Tests of Hypotheses (2005); Phipson and Smyth 2010 for (b + 1) / (m + 1).

    Args:
        first: (clip id, cluster, score) of one model.
        second: of the other.
        level: of the interval.
        seed: of resampling and of random flips.
        interval: whether the bootstrap is wanted; else the interval is Student's, in a tenth of the time.

    Returns:
        None with fewer than two shared clusters.

    Raises:
        ValueError: a clip id twice in one model.
    """
    sums = paired_sums(first, second)
    groups = len(sums.sums)
    if groups < 2:
        return None
    p, method = sign_flip(sums.sums, seed)
    reach = sums_interval(sums, level, seed) if interval else student_interval(sums, level)
    return Difference(sums.mean, reach, p, sums.error, groups - 1, round(float(sums.sizes.sum())), groups, method)


def paired_sums(first: Scores, second: Scores) -> ClusterSums:
    """Sum of the differences and number of pairs in each cluster that both models answered, by the rule of ``compare``.

    Where weights differ, the sums are such that their mean is still the difference of the two means, and their spread its error to
    first order: w (a - A) - w' (b - B) for weights w, w' and means A, B.
    """
    sides = _by_cluster(first), _by_cluster(second)
    chosen: tuple[list[Scored], list[Scored]] = ([], [])
    total = 0
    for cluster in sorted(sides[0].keys() & sides[1].keys()):
        ours, theirs = (side[cluster] for side in sides)
        shared = sorted(ours.keys() & theirs.keys())
        size = len(shared) or min(len(ours), len(theirs))
        total += size
        for rows, side in zip(chosen, (ours, theirs), strict=True):
            kept = [side[i] for i in shared or sorted(side)]
            rows += [row._replace(weight=row.weight * size / len(kept)) for row in kept]
    if not total:
        return ClusterSums(np.zeros(0), np.zeros(0))
    weighings = [Weighing([r.weight for r in rows], [r.group for r in rows], float(total)) for rows in chosen]
    means = [w.mean([r.value for r in rows]) for w, rows in zip(weighings, chosen, strict=True)]
    (a, n), (b, m) = (_sums(rows, w) for rows, w in zip(chosen, weighings, strict=True))
    return ClusterSums(a - b - (n - m) * sum(means) / 2, (n + m) / 2)


def _sums(rows: Sequence[Scored], weighing: Weighing) -> tuple[Vector, Vector]:
    found = ClusterSums.of([r.value for r in rows], [r.cluster for r in rows], weighing)
    return found.sums, found.sizes


def _by_cluster(scores: Scores) -> dict[str, dict[str, Scored]]:
    found: dict[str, dict[str, Scored]] = {}
    for row in (Scored(*row) for row in scores):
        if row.clip in found.setdefault(row.cluster, {}):
            raise ValueError(f"The clip {row.clip!r} stands twice in one model's scores.")
        found[row.cluster][row.clip] = row
    return found


def sign_flip(sums: Vector, seed: int = SEED, flips: int = FLIPS) -> tuple[float, str]:
    """Two-sided p value of a mean of zero, and how it was made, from (G,) sums of independent clusters."""
    groups = len(sums)
    observed = abs(float(sums.sum())) * (1 - 1e-9)  # a pattern that differs by rounding alone counts as equal
    if 2**groups <= EXACT:
        signs = 1.0 - 2.0 * ((np.arange(2**groups)[:, None] >> np.arange(groups)) & 1)
        return float(np.mean(np.abs(signs @ sums) >= observed)), f"all {2**groups} sign flips of {groups} clusters"
    few = groups * flips <= KEPT  # a table asks the same patterns for all its pairs
    patterns = _kept_signs(groups, seed, flips) if few else _random_signs(groups, seed, flips)
    hits = sum(int(np.sum(np.abs(signs @ sums) >= observed)) for signs in patterns)
    return (hits + 1) / (flips + 1), f"{flips} random sign flips of {groups} clusters"


@lru_cache(maxsize=1)
def _kept_signs(groups: int, seed: int, flips: int) -> tuple[NDArray[np.float64], ...]:
    return tuple(_random_signs(groups, seed, flips))


def _random_signs(groups: int, seed: int, flips: int) -> Iterator[NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    rows = max(1, BLOCK // groups)
    for start in range(0, flips, rows):
        yield random.integers(2, size=(min(rows, flips - start), groups), dtype=np.int8) * np.float64(2.0) - 1.0


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p values in the order given: max over smaller ones of (m - rank + 1) p, at most 1. Source: Holm 1979."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    result = np.empty(len(p))
    result[order] = adjusted
    return tuple(map(float, result))


def equivalence(difference: Difference, margin: float, level: float = 0.95) -> Verdict:
    """Two one-sided t tests: is the difference inside -margin ... margin? Source: Schuirmann 1987.

    Returns:
        ``yes`` where p < 1 - level, ``no`` where the difference's interval lies wholly outside, else ``inconclusive``.

    Raises:
        ValueError: a margin that is not positive.
    """
    _check_margin(margin)
    p = max(_beyond(difference.value + margin, difference), _beyond(margin - difference.value, difference))
    outside = difference.interval.low > margin or difference.interval.high < -margin
    return Verdict("yes" if p < 1.0 - level else "no" if outside else "inconclusive", p, margin)


def non_inferiority(difference: Difference, margin: float, better: Better, level: float = 0.95) -> Verdict:
    """Is the first model worse than the second by less than the margin?

    Returns:
        ``yes`` where the one-sided t test has p < 1 - level, ``no`` where the interval lies wholly beyond the margin (a
        regression), else ``inconclusive``.

    Raises:
        ValueError: a margin that is not positive.
    """
    _check_margin(margin)
    gain = difference.value if better == "higher" else -difference.value
    most = difference.interval.high if better == "higher" else -difference.interval.low
    p = _beyond(gain + margin, difference)
    return Verdict("yes" if p < 1.0 - level else "no" if most < -margin else "inconclusive", p, margin)


def _check_margin(margin: float) -> None:
    if not margin > 0:
        raise ValueError(f"A margin of {margin} leaves nothing to test; give a positive number.")


def _beyond(distance: float, difference: Difference) -> float:
    """One-sided p value of a true distance of 0 or less."""
    from scipy import special

    if difference.error == 0.0:
        return 0.0 if distance > 0 else 1.0
    return float(special.stdtr(difference.degrees, -distance / difference.error))


def student_difference(value: float, error: float, degrees: int, level: float, method: str) -> Difference:
    """A difference of two sets from its standard error, by Student's t."""
    from scipy import special

    reach = student_quantile(0.5 + level / 2, degrees) * error
    p = 2.0 * float(special.stdtr(degrees, -abs(value) / error)) if error > 0 else float(value == 0.0)
    return Difference(value, Interval(value - reach, value + reach, level, method), p, error, degrees, 0, degrees + 1, method)
