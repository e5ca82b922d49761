"""The interval of a mean: against independent oracles, by properties, and by a small simulation."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from avbench.statistics import Weighing, mean_interval
from avbench.statistics.intervals import ClusterSums, studentised, sums_interval

INFINITE = (-np.inf, np.inf)
finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def names(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def test_the_error_is_the_textbooks_and_under_clusters_statsmodels() -> None:
    random = np.random.default_rng(1)
    scores, clusters = random.normal(size=60), random.integers(20, size=60)
    assert ClusterSums.of(scores, names(60)).error == pytest.approx(stats.sem(scores), rel=1e-12)
    fit = sm.OLS(scores, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    sums = ClusterSums.of(scores, [str(c) for c in clusters])
    assert sums.mean == pytest.approx(fit.params[0], rel=1e-12) and sums.error == pytest.approx(fit.bse[0], rel=1e-12)


@pytest.mark.parametrize(("yes", "of"), [(1, 10), (2, 50), (25, 50), (190, 200)])
def test_shares_are_wilsons(yes: int, of: int) -> None:
    found = mean_interval([1.0] * yes + [0.0] * (of - yes), names(of), (0, 1))
    assert found is not None and found.method.startswith("Wilson")
    assert (found.low, found.high) == pytest.approx(proportion_confint(yes, of, method="wilson"), rel=1e-9)


def test_copies_of_a_share_add_nothing() -> None:
    scores = [1.0, 0, 0, 1, 0, 0, 0, 1] * 5
    single = mean_interval(scores, names(40), (0, 1))
    copied = mean_interval(scores * 4, names(40) * 4, (0, 1))
    alone = mean_interval(scores * 4, names(160), (0, 1))
    assert single and copied and alone
    width = [i.high - i.low for i in (single, copied, alone)]
    assert width[1] == pytest.approx(width[0], rel=0.05) and width[2] < 0.6 * width[0]


def test_studentised_means_against_a_loop() -> None:
    """The counts-times-moments form against clusters drawn one by one, by another generator."""
    random = np.random.default_rng(2)
    clips = [random.lognormal(size=size) for size in random.integers(1, 5, 15)]
    sums = ClusterSums(np.array([c.sum() for c in clips]), np.array([float(len(c)) for c in clips]))
    slow = []
    for _ in range(4000):
        drawn = [clips[i] for i in random.integers(15, size=15)]
        again = ClusterSums(np.array([c.sum() for c in drawn]), np.array([float(len(c)) for c in drawn]))
        slow.append((again.mean - sums.mean) / np.sqrt((15 * again.error**2 + sums.error**2) / 16))
    fast = studentised(sums, 3, 20_000)
    assert stats.ks_2samp(fast, slow).pvalue > 0.001
    assert np.quantile(fast, [0.025, 0.975]) == pytest.approx(np.quantile(slow, [0.025, 0.975]), rel=0.08)


@settings(max_examples=25, deadline=None)
@given(st.lists(finite, min_size=2, max_size=12), st.integers(1, 4))
def test_the_interval_holds_the_mean_and_keeps_the_range(scores: list[float], copies: int) -> None:
    bounds = (min(scores) - 1.0, max(scores) + 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = mean_interval(scores * copies, names(len(scores)) * copies, bounds)
    assert found is not None
    assert bounds[0] <= found.low <= np.mean(scores * copies) <= found.high <= bounds[1]


@settings(max_examples=15, deadline=None)
@given(st.floats(-100, 100), st.floats(0.01, 100))
def test_another_unit_moves_the_interval_along(shift: float, scale: float) -> None:
    scores = np.random.default_rng(4).lognormal(size=20)
    plain, moved = (mean_interval(x, names(20), INFINITE) for x in (scores, shift + scale * scores))
    assert plain and moved
    assert (moved.low, moved.high) == pytest.approx((shift + scale * plain.low, shift + scale * plain.high), rel=1e-6, abs=1e-6)


def test_levels_seeds_and_order() -> None:
    scores = list(np.random.default_rng(5).normal(size=30))
    inner, outer = (mean_interval(scores, names(30), INFINITE, level) for level in (0.8, 0.99))
    assert inner and outer and outer.low < inner.low < inner.high < outer.high and outer.level == 0.99
    assert mean_interval(scores, names(30), INFINITE) == mean_interval(scores, names(30), INFINITE)
    turned = mean_interval(scores[::-1], names(30)[::-1], INFINITE)
    assert turned == mean_interval(scores, names(30), INFINITE)


def test_what_can_be_said_of_little() -> None:
    assert mean_interval([1.0, 2.0], ["a", "a"], INFINITE) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        equal = mean_interval([0.1] * 7, names(7), (0, 1))
        rare = mean_interval([0.0] * 49 + [0.7], names(50), (0, 1))
    share = proportion_confint(0, 7, method="beta")[1]
    assert equal and (equal.low, equal.high) == pytest.approx((0.1 - 0.1 * share, 0.1 + 0.9 * share)) and "over 7" in equal.method
    assert rare and rare.low == 0.0 and 3 * 0.7 / 50 < rare.high < 0.3  # one clip in fifty: no infinite end, no narrow one


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_clips_that_all_agree_do_not_exclude_others(value: float) -> None:
    ends = proportion_confint(50 * value, 50, method="beta")
    for scores, clusters in (([value] * 50, names(50)), ([value] * 100, names(50) * 2)):
        found = mean_interval(scores, clusters, (0, 1))
        assert found and (found.low, found.high) == pytest.approx(ends, rel=1e-9)
    free = mean_interval([value] * 50, names(50), INFINITE)
    assert free and free.low == free.high == value and free.method == "no spread seen over 50 clusters"
    heavy = mean_interval([value] * 50, names(50), (0, 1), weighing=Weighing([50.0] + [1.0] * 49, [""] * 50))
    assert heavy and heavy.high - heavy.low > 5 * (ends[1] - ends[0])  # one clip is half of the mean


@pytest.mark.parametrize(("share", "clips", "least"), [(0.01, 50, 0.90), (0.02, 50, 0.90), (0.05, 10, 0.90)])
def test_coverage_of_what_is_rare(share: float, clips: int, least: float) -> None:
    """Intervals without width where all agree held 1 % in 31 % of samples."""
    random = np.random.default_rng(10)
    found = [mean_interval((random.random(clips) < share).astype(float), names(clips), (0, 1)) for _ in range(800)]
    assert np.mean([i is not None and i.low <= share <= i.high for i in found]) > least - 0.02


@pytest.mark.parametrize(("groups", "size"), [(25, 2), (10, 5)])
def test_coverage_of_means_over_categories(groups: int, size: int) -> None:
    """Residuals about a category's own mean of two, uncorrected, gave 85 %."""
    random = np.random.default_rng(11)
    places = np.repeat(random.normal(size=groups), size)
    weighing = Weighing([1.0] * groups * size, [str(i // size) for i in range(groups * size)])
    hits = 0
    for seed in range(500):
        sums = ClusterSums.of(places + random.normal(size=groups * size), names(groups * size), weighing)
        found = sums_interval(sums, seed=seed, resamples=199)
        hits += found.low <= places.mean() <= found.high
    assert 460 <= hits <= 492  # 95 % are 475


def test_a_category_of_one_prompt_has_no_interval() -> None:
    weighing = Weighing([1.0] * 5, ["a", "a", "b", "b", "c"])
    assert mean_interval([0.1, 0.2, 0.3, 0.4, 0.5], names(5), (0, 1), weighing=weighing) is None
    seeds = Weighing([1.0] * 6, ["a", "a", "a", "b", "b", "b"])  # b has three clips, of one prompt
    assert mean_interval([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], ["p", "q", "r", "s", "s", "s"], (0, 1), weighing=seeds) is None


def test_ten_thousand_resamples_of_a_thousand_prompts_are_quick() -> None:
    scores = np.random.default_rng(6).normal(size=1000)
    started = time.process_time()
    mean_interval(scores, names(1000), INFINITE)
    assert time.process_time() - started < 1.0  # 0.15 s where nothing else runs


def test_coverage_of_skewed_scores_and_of_clusters() -> None:
    """A small one of coverage_study.py: Student's interval alone fails both lower limits here."""
    random = np.random.default_rng(7)
    hits = student = 0
    for seed in range(600):
        scores = random.lognormal(size=50)
        found = sums_interval(ClusterSums(scores, np.ones(50)), seed=seed, resamples=499)
        hits += found.low <= np.exp(0.5) <= found.high
        low, high = stats.t.interval(0.95, 49, scores.mean(), stats.sem(scores))
        student += low <= np.exp(0.5) <= high
    assert student < 550 and 552 <= hits <= 588
    hits = ignored = 0
    for seed in range(500):
        scores = np.repeat(random.normal(size=25), 2) + 0.5 * random.normal(size=50)
        clusters = [str(i // 2) for i in range(50)]
        found = sums_interval(ClusterSums.of(scores, clusters), seed=seed, resamples=499)
        hits += found.low <= 0 <= found.high
        ignored += abs(scores.mean()) <= stats.t.ppf(0.975, 49) * stats.sem(scores)
    assert ignored < 450 and 465 <= hits <= 490
