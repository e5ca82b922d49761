"""Two models on shared prompts, and ranks of several."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from avbench.statistics import (
    Scored,
    best_group,
    compare,
    equivalence,
    flips_for,
    holm,
    non_inferiority,
    paired_sums,
    rank_ranges,
    smallest_p,
)
from avbench.statistics.paired import Difference, Scores, sign_flip


def rows(values: np.ndarray, per_prompt: int = 1, tag: str = "") -> Scores:
    return [(f"{tag}{i}", f"p{i // per_prompt}", float(v)) for i, v in enumerate(values)]


def two(seed: int, count: int = 30, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    shared = random.normal(size=count)
    return shared + 0.3 * random.normal(size=count) + shift, shared + 0.3 * random.normal(size=count)


def difference(first: Scores, second: Scores) -> Difference:
    found = compare(first, second)
    assert found is not None
    return found


def test_every_sign_pattern_is_scipys_permutation_test() -> None:
    first, second = two(1, 9, 0.2)
    found = difference(rows(first), rows(second))
    expected = stats.permutation_test((first - second,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-12) and found.method == "all 512 sign flips of 9 clusters"


def test_random_flips_are_near_the_exact_ones_and_never_zero() -> None:
    first, second = two(2, 14, 0.25)
    signs = 1 - 2 * ((np.arange(2**14)[:, None] >> np.arange(14)) & 1)
    exact = np.mean(np.abs(signs @ (first - second)) >= abs((first - second).sum()) - 1e-12)
    p, method = sign_flip(first - second)
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / 9999)) and "9999 random" in method
    assert sign_flip(np.ones(60))[0] == 1 / 10_000


def test_clips_of_one_id_are_paired_others_by_prompt() -> None:
    first = [("a1", "a", 1.0), ("a2", "a", 3.0), ("b1", "b", 5.0), ("b2", "b", 7.0), ("c", "c", 1.0)]
    second = [("a1", "a", 0.5), ("a3", "a", 9.0), ("x", "b", 2.0), ("d", "d", 0.0)]
    sums = paired_sums(first, second)
    assert sums.sums.tolist() == [0.5, 4.0] and sums.sizes.tolist() == [1.0, 1.0]
    assert compare(first, [("c", "c", 1.0)]) is None
    for again in (first[0], ("a1", "b", 1.0)):
        with pytest.raises(ValueError, match="twice"):
            compare([*first, again], second)


def test_pairs_share_what_prompts_differ_in() -> None:
    first, second = two(3, 40, 0.2)
    found = difference(rows(first), rows(second))
    assert found.value == pytest.approx(np.mean(first - second)) and (found.pairs, found.clusters) == (40, 40)
    assert found.interval.high - found.interval.low < 0.5 * 4 * np.hypot(stats.sem(first), stats.sem(second))
    back = difference(rows(second), rows(first))
    assert back.p == found.p and back.value == -found.value
    assert (back.interval.low, back.interval.high) == pytest.approx((-found.interval.high, -found.interval.low))


def test_false_alarms_under_clusters() -> None:
    """Prompts suit one model or the other, so seeds of one prompt agree; flipping clips alone cries wolf."""
    random = np.random.default_rng(4)
    alarms = ignored = 0
    for seed in range(600):
        values = np.repeat(random.normal(size=20), 3) + 0.5 * random.normal(size=60)
        sums = paired_sums(rows(values, 3), rows(np.zeros(60), 3)).sums
        alarms += sign_flip(sums, seed, 199)[0] <= 0.05
        ignored += sign_flip(values, seed, 199)[0] <= 0.05
    assert alarms <= 45 < 90 < ignored  # 5 % are 30, and 45 is 2.8 standard errors above


@pytest.mark.parametrize("p_values", [[0.3], [0.04, 0.01, 0.03], [0.01, 0.01, 0.5, 0.0, 1.0], [0.02, 0.6, 0.013, 0.6, 0.012, 0.04]])
def test_holm_is_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


def test_equivalence_is_statsmodels_tost() -> None:
    first, second = two(5, 40)
    found = difference(rows(first), rows(second))
    verdict = equivalence(found, 0.2)
    assert verdict.p == pytest.approx(ttost_paired(first, second, -0.2, 0.2)[0], rel=1e-9) and verdict.answer == "yes"
    assert equivalence(found, 0.01).answer == "inconclusive"
    far = difference(rows(first + 5), rows(second))
    assert equivalence(far, 0.2).answer == "no" and equivalence(far, 0.2).p > 0.99
    with pytest.raises(ValueError, match="margin"):
        equivalence(found, 0.0)


def test_a_gate_passes_fails_or_does_not_know() -> None:
    first, second = two(6, 40)
    answers = [non_inferiority(difference(rows(first + shift), rows(second)), 0.2, "higher").answer for shift in (0, -0.2, -1, 1)]
    assert answers == ["yes", "inconclusive", "no", "yes"]
    answers = [non_inferiority(difference(rows(first + shift), rows(second)), 0.2, "lower").answer for shift in (0, 0.2, 1, -1)]
    assert answers == ["yes", "inconclusive", "no", "yes"]
    same = difference(rows(first), rows(first))
    assert same.p == 1.0 and non_inferiority(same, 0.1, "higher").p == 0.5**40


def test_agreement_without_spread_proves_as_much_as_its_clusters() -> None:
    for count, answer in ((2, "inconclusive"), (4, "inconclusive"), (5, "yes")):
        same = difference(rows(np.ones(count)), rows(np.ones(count)))
        assert (same.value, same.error) == (0.0, 0.0)
        assert equivalence(same, 1e-9).answer == answer and equivalence(same, 1e-9).p == 0.5**count
    worse = difference(rows(np.zeros(3)), rows(np.ones(3)))
    assert non_inferiority(worse, 0.1, "higher").answer == equivalence(worse, 0.1).answer == "inconclusive"


def test_the_smallest_p_is_what_unanimous_clusters_give() -> None:
    for count, flips in ((2, 9999), (5, 9999), (12, 9999), (13, 9999), (16, 70_000), (60, 30_000)):
        found = compare(rows(np.arange(count) + 1.0), rows(np.zeros(count)), flips=flips, interval=False)
        assert found is not None and found.least == smallest_p(count, flips)
        assert found.least <= found.p <= 5 * found.least
    assert flips_for(1) == 9999 and flips_for(528) == 200_000 and 528 * smallest_p(100, flips_for(528)) < 0.05


def test_thirty_three_models_can_be_told_apart() -> None:
    models = {f"m{i:02}": rows(np.random.default_rng(i).normal(size=18) + 10 * i) for i in range(33)}
    ranges = best_group(models, "higher")  # 9,999 flips leave all 528 pairs open
    assert [ranges[name] for name in sorted(models)] == [(33 - i, 33 - i) for i in range(33)]


def test_sums_beyond_floats_are_no_difference() -> None:
    assert compare(rows(np.full(20, 1e308)), rows(np.full(20, -1e308))) is None


def test_false_alarms_of_category_means() -> None:
    """Two prompts a category: sums about the category's mean, without correction, cried wolf in 18 %."""
    random = np.random.default_rng(8)
    groups = [str(i // 2) for i in range(50)]
    alarms = 0
    for _ in range(400):
        sides = [[Scored(str(i), str(i), x, 1.0, g) for i, (x, g) in enumerate(zip(random.normal(size=50), groups, strict=True))]
                 for _ in range(2)]  # fmt: skip
        found = compare(*sides, interval=False, flips=199)
        assert found is not None and found.degrees == 25
        alarms += found.p < 0.05
    assert alarms <= 34  # 5 % are 20, and 34 is 3.2 standard errors above
    single = [Scored(str(i), str(i), float(i), 1.0, str(i)) for i in range(10)]
    assert compare(single, single) is None


def test_the_best_group() -> None:
    first, second = two(7, 40)
    scores = {"a": rows(first), "b": rows(second), "c": rows(second - 1.0)}
    assert best_group(scores, "higher") == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    assert best_group(scores, "lower") == {"a": (2, 3), "b": (2, 3), "c": (1, 1)}
    strangers = [("z", "z", 9.0)]
    assert best_group({**scores, "d": strangers}, "higher")["d"] == (1, 4)  # nothing shared: nothing known


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=5), st.integers(0, 1000))
def test_rank_ranges_hold_the_observed_order(shifts: list[float], seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = {f"m{i}": rows(random.normal(size=10) + shift) for i, shift in enumerate(shifts)}
    ranges = best_group(scores, "higher")
    means = {model: np.mean([value for _, _, value in of]) for model, of in scores.items()}
    for place, model in enumerate(sorted(means, key=lambda m: -means[m]), start=1):
        assert ranges[model][0] <= place <= ranges[model][1]
    assert rank_ranges(list(scores), {}, "higher") == {model: (1, len(shifts)) for model in scores}
