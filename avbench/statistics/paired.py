"""Two models on shared prompts: difference, test, equivalence; and Holm's correction for many of them."""

from __future__ import annotations

import math
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
MOST_FLIPS = 200_000
KEPT = 64_000_000  # signs kept in memory between two tests of as many clusters (64 MB)


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
        least: the smallest p value that the test could have given, see ``smallest_p``; 0 for sets.
    """

    value: float
    interval: Interval
    p: float
    error: float
    degrees: int
    pairs: int
    clusters: int
    method: str
    least: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The outcome of a test against a margin: ``answer`` and the p value of the hypothesis that must be refuted for a yes."""

    answer: Literal["yes", "no", "inconclusive"]
    p: float
    margin: float


def compare(
    first: Scores, second: Scores, level: float = 0.95, seed: int = SEED, *, interval: bool = True, flips: int = FLIPS
) -> Difference | None:
    """Difference of two models' means over the prompts that both answered.

    Clips of one id are paired. A prompt without a shared id (seeds named differently) contributes the difference of its two means
    with the weight of the smaller count. Weights and groups are taken anew over what is compared, so that the difference is that of
    the two weighted means of it. The interval is the bootstrap of clusters of ``sums_interval``; p is a permutation test
    that flips the signs of whole clusters: all patterns where they are no more than ``flips`` (or 12 clusters), else so many random
    ones, which count the observed one too. Groups are not taken out of what is flipped, so that none loses its spread.
    Source: Good, Permutation, Parametric and Bootstrap Tests of Hypotheses (2005); Phipson and Smyth 2010 for (b + 1) / (m + 1).

    Args:
        first: (clip id, cluster, score) of one model.
        second: of the other.
        level: of the interval.
        seed: of resampling and of random flips.
        interval: whether the bootstrap is wanted; else the interval is Student's, in a tenth of the time.
        flips: random sign patterns; ``flips_for`` says how many a family of tests wants.

    Returns:
        None with fewer than two shared clusters, or a single one in a group (no spread can be seen), or sums that are not finite.

    Raises:
        ValueError: a clip id twice in one model.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # sums beyond what floats hold are found below
        sums = paired_sums(first, second)
        groups = len(sums.sums)
        if sums.degrees < 1 or not np.isfinite([sums.mean, sums.error]).all():
            return None
    p, method = sign_flip(sums.sums if sums.raw is None else sums.raw, seed, flips)
    reach = sums_interval(sums, level, seed) if interval else student_interval(sums, level)
    pairs = round(float(sums.sizes.sum()))
    return Difference(sums.mean, reach, p, sums.error, sums.degrees, pairs, groups, method, smallest_p(groups, flips))


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
    a, b = (_sums(rows, w) for rows, w in zip(chosen, weighings, strict=True))
    shift = (a.sizes - b.sizes) * sum(means) / 2
    assert a.raw is not None and b.raw is not None
    return ClusterSums(a.sums - b.sums - shift, (a.sizes + b.sizes) / 2, a.raw - b.raw - shift, max(a.fitted, b.fitted))


def _sums(rows: Sequence[Scored], weighing: Weighing) -> ClusterSums:
    return ClusterSums.of([r.value for r in rows], [r.cluster for r in rows], weighing)


def _by_cluster(scores: Scores) -> dict[str, dict[str, Scored]]:
    found: dict[str, dict[str, Scored]] = {}
    seen: set[str] = set()
    for row in (Scored(*row) for row in scores):
        if row.clip in seen:
            raise ValueError(f"The clip {row.clip!r} stands twice in one model's scores.")
        seen.add(row.clip)
        found.setdefault(row.cluster, {})[row.clip] = row
    return found


def flips_for(family: int, level: float = 0.95) -> int:
    """Random sign flips for that many tests under Holm: the smallest p is then a twentieth of what the first must be below.

    Never fewer than 9,999, never more than 200,000.
    """
    return min(MOST_FLIPS, max(FLIPS, math.ceil(20 * family / (1.0 - level))))


def smallest_p(clusters: int, flips: int = FLIPS) -> float:
    """Smallest p value that ``sign_flip`` can give: 2 / 2^G where all patterns are tried, else at least 1 / (flips + 1).

    A family of tests whose size times this is 1 - level or more can tell nothing apart under Holm, whatever the scores.
    """
    exact = 2.0 ** min(0, 1 - clusters) if clusters < 1000 else 0.0
    return exact if _tries_all(clusters, flips) else max(exact, 1.0 / (flips + 1))


def _tries_all(clusters: int, flips: int) -> bool:
    return 1 << clusters <= max(EXACT, flips)


def sign_flip(sums: Vector, seed: int = SEED, flips: int = FLIPS) -> tuple[float, str]:
    """Two-sided p value of a mean of zero, and how it was made, from (G,) sums of independent clusters."""
    groups = len(sums)
    observed = abs(float(sums.sum())) * (1 - 1e-9)  # a pattern that differs by rounding alone counts as equal
    if _tries_all(groups, flips):
        signs = 1.0 - 2.0 * ((np.arange(2**groups)[:, None] >> np.arange(groups)) & 1)
        return float(np.mean(np.abs(signs @ sums) >= observed)), f"all {2**groups} sign flips of {groups} clusters"
    few = groups * flips <= KEPT  # a table asks the same patterns for all its pairs
    patterns = _kept_signs(groups, seed, flips) if few else _random_signs(groups, seed, flips)
    hits = sum(int(np.sum(np.abs(signs.astype(np.float64) @ sums) >= observed)) for signs in patterns)
    return (hits + 1) / (flips + 1), f"{flips} random sign flips of {groups} clusters"


@lru_cache(maxsize=1)
def _kept_signs(groups: int, seed: int, flips: int) -> tuple[NDArray[np.int8], ...]:
    return tuple(_random_signs(groups, seed, flips))


def _random_signs(groups: int, seed: int, flips: int) -> Iterator[NDArray[np.int8]]:
    random = np.random.default_rng(seed)
    rows = max(1, BLOCK // groups)
    for start in range(0, flips, rows):
        yield random.integers(2, size=(min(rows, flips - start), groups), dtype=np.int8) * np.int8(2) - np.int8(1)


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
    outside = _sure(difference, level) and (difference.interval.low > margin or difference.interval.high < -margin)
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
    no = _sure(difference, level) and most < -margin
    return Verdict("yes" if p < 1.0 - level else "no" if no else "inconclusive", p, margin)


def _check_margin(margin: float) -> None:
    if not margin > 0:
        raise ValueError(f"A margin of {margin} leaves nothing to test; give a positive number.")


def _beyond(distance: float, difference: Difference) -> float:
    """One-sided p value of a true distance of 0 or less; without spread, that of as many clusters on one side of it."""
    from scipy import special

    if difference.error == 0.0:
        return 0.5**difference.clusters if distance > 0 else 1.0
    return float(special.stdtr(difference.degrees, -distance / difference.error))


def _sure(difference: Difference, level: float) -> bool:
    """Whether the interval may be trusted: clusters that agree to the digit have none, and few of them prove nothing."""
    return difference.error > 0.0 or 2.0 * 0.5**difference.clusters < 1.0 - level


def student_difference(value: float, error: float, degrees: int, level: float, method: str) -> Difference:
    """A difference of two sets from its standard error, by Student's t; without any error by the sign flip of so many groups."""
    from scipy import special

    reach = student_quantile(0.5 + level / 2, degrees) * error
    p = 2.0 * float(special.stdtr(degrees, -abs(value) / error)) if error > 0 else 1.0 if value == 0.0 else 0.5**degrees
    return Difference(value, Interval(value - reach, value + reach, level, method), p, error, degrees, 0, degrees + 1, method)
