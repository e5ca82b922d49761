"""Distances of sets: jackknife, infinite N, noise floor; and what a run makes of them for every kind of set metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from avbench_metrics._maths.frechet import frechet_distance
from numpy.typing import NDArray
from scipy import stats

from avbench import catalog
from avbench.clip import Prompt
from avbench.errors import Unscorable
from avbench.feature import Sample
from avbench.metric import Card, SetMetric, Total
from avbench.report import ClipScore, Counts, Result
from avbench.statistics import Jackknife, extrapolate, group_of, jackknife, noise_floor, set_difference
from avbench.uncertainty import gap_notes, total_uncertainty, uncertainty


def names(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def test_groups_are_even_shared_and_free_of_order() -> None:
    groups = group_of(names(95))
    assert set(Counter(groups.values()).values()) == {9, 10}
    assert group_of(names(95)[::-1] * 2) == groups
    assert len(set(group_of(names(3)).values())) == 3


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(1).normal(size=30)
    found = jackknife(lambda kept: float(x[list(kept)].mean()), list(range(30)))
    assert found.error == (pytest.approx(stats.sem(x), rel=1e-9), 29)
    interval = found.interval()
    assert (interval.low, interval.high) == pytest.approx(stats.t.interval(0.95, 29, x.mean(), stats.sem(x)))


def test_groups_without_clips_count_for_nothing() -> None:
    x = np.random.default_rng(2).normal(size=30)
    index = [i % 7 for i in range(30)]
    found = jackknife(lambda kept: float(x[list(kept)].mean()), index, total=10)
    assert len(found.replicates) == 10 and found.error[1] == 6
    assert found.error == jackknife(lambda kept: float(x[list(kept)].mean()), index).error
    with pytest.raises(ValueError):
        jackknife(lambda kept: 0.0, [3] * 5)


def test_intervals_keep_the_range() -> None:
    near, far = Jackknife(0.1, (0.05, 0.1001, 0.2)), Jackknife(10.0, (9.9, 10.01, 10.2))
    assert near.interval((0.0, np.inf)).low == 0.0
    logarithm, plain = far.interval((0.0, np.inf)), far.interval()
    assert plain.low < logarithm.low < 10.0 < plain.high < logarithm.high and "logarithm" in logarithm.method
    for value in (0.0, 1428.3):  # silence, say: no clip differs from another but by rounding
        same = Jackknife(value, (value, value * (1 + 1e-15), value * (1 - 3e-15)))
        found = same.interval((0.0, np.inf))
        assert found.low == found.high == value and found.method.startswith("no spread")
        assert set_difference(same, Jackknife(value + 1, (value + 1,) * 3)).p == 0.5  # no spread is no proof
    level = extrapolate(lambda kept: 10.7 + 1e-15 * len(kept), names(20))
    assert (level.value, level.slope, level.r2) == (pytest.approx(10.7), 0.0, 1.0)


def test_the_bootstrap_misses_its_own_estimate_and_the_jackknife_does_not() -> None:
    """Equal distributions, more dimensions than a clip count can fill: the naive bootstrap's interval lies above the distance."""
    random = np.random.default_rng(3)
    reference, rows = random.normal(size=(1000, 64)), random.normal(size=(100, 64))
    value = frechet_distance(rows, reference)
    again = [frechet_distance(rows[random.integers(100, size=100)], reference) for _ in range(30)]
    assert min(again) > value
    expected = np.mean([frechet_distance(random.normal(size=(100, 64)), reference) for _ in range(40)])
    groups = group_of(names(100))
    found = jackknife(lambda kept: frechet_distance(rows[list(kept)], reference), [groups[n] for n in names(100)])
    assert found.value == value and found.interval().low < expected < found.interval().high


def test_infinite_n_undoes_the_bias_of_few_clips() -> None:
    random = np.random.default_rng(4)
    reference, rows = random.normal(size=(4000, 16)), random.normal(size=(200, 16))
    value = frechet_distance(rows, reference)
    line = extrapolate(lambda kept: frechet_distance(rows[list(kept)], reference), names(200))
    assert abs(line.value) < 0.2 * value and line.slope > 0 and line.r2 > 0.9
    exact = extrapolate(lambda kept: 2.0 + 3.0 / len(kept), names(60))
    assert (exact.value, exact.slope, exact.r2) == (pytest.approx(2.0), pytest.approx(3.0), pytest.approx(1.0))
    with pytest.raises(ValueError):
        extrapolate(lambda kept: 0.0, names(3))


def test_sub_samples_hold_whole_prompts() -> None:
    clusters = [f"p{i // 4}" for i in range(80)]

    def score(kept: Sequence[int]) -> float:
        assert set(Counter(clusters[i] for i in kept).values()) == {4}
        return float(len(kept))

    extrapolate(score, clusters)


def test_the_floor_is_what_a_perfect_model_would_get() -> None:
    random = np.random.default_rng(5)
    reference = random.normal(size=(600, 16))
    floor, clips = noise_floor(lambda a, b: frechet_distance(reference[list(a)], reference[list(b)]), 100, names(600))
    perfect = np.mean([frechet_distance(random.normal(size=(100, 16)), reference) for _ in range(10)])
    assert clips == 100 and floor == pytest.approx(perfect, rel=0.25)
    assert noise_floor(lambda a, b: float(len(a) - len(b)), 10_000, names(600)) == (0.0, 300)


def test_two_models_share_prompts_so_their_difference_is_sharper() -> None:
    random = np.random.default_rng(6)
    reference, own = random.normal(size=(500, 8)), 1.5 * random.normal(size=(100, 8))
    groups = group_of(names(100))
    index = [groups[n] for n in names(100)]

    def of(rows: np.ndarray) -> Jackknife:
        return jackknife(lambda kept: frechet_distance(rows[list(kept)], reference), index)

    first, second = (of(own + shift + 0.1 * random.normal(size=own.shape)) for shift in (0.0, 0.4))
    found = set_difference(second, first)
    assert found.error < 0.75 * np.hypot(first.error[0], second.error[0]) and found.p < 0.05 and found.value > 0
    same = set_difference(first, first)
    assert (same.value, same.error, same.p) == (0.0, 0.0, 1.0)
    with pytest.raises(ValueError):
        set_difference(first, Jackknife(0.0, (1.0, 2.0)))


def metric(name: str) -> SetMetric:
    found = catalog.load("metric", name)
    assert isinstance(found, SetMetric)
    return found


def samples(of: SetMetric, rows: np.ndarray) -> list[Sample]:
    single = of.uses[0] == metric("fd_clap@verse_bench").uses[0]  # one vector per clip, where others have rows
    return [Sample(n, Prompt(n), {of.uses[0]: row if single else row[None]}) for n, row in zip(names(len(rows)), rows, strict=True)]


KINDS = {"fad_mel": 128, "kad_mel": 128, "kvd@fixed": 40, "kl_passt@fixed": 527 + 8, "inception_score@fixed": 527 + 8,
         "inception_score@av_benchmark_panns": 527 + 8, "fd_passt@av_benchmark": 527 + 8, "fd_clap@verse_bench": 16,
         "fvd@cdfvd_videomae": 40, "fvd@javisbench": 16, "fad@javisbench": 12, "fd_panns@av_benchmark": 527 + 12}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_set_metric_says_how_sure_it_is(name: str) -> None:
    of, random = metric(name), np.random.default_rng(7)
    reference = samples(of, random.normal(size=(60, KINDS[name]))) if of.needs_reference else []
    generated = samples(of, 0.2 + 1.1 * random.normal(size=(60, KINDS[name])))
    if name == "fd_clap@verse_bench":  # embeddings have length one
        reference, generated = (
            [replace(s, features={f: v / np.linalg.norm(v) for f, v in s.features.items()}) for s in side]
            for side in (reference, generated)
        )
    value = of.score(generated, reference)
    found = uncertainty(of, value, generated, reference, names(60))
    assert found.interval is not None and found.interval.low < value < found.interval.high, found.gaps
    assert len(found.replicates) == 10 and len(set(found.replicates)) == 10
    assert {"at_infinite_n", "fit_r2"} <= found.summaries.keys()
    pairs = {"kl_passt@fixed", "fd_passt@av_benchmark", "fd_clap@verse_bench"}
    assert ("noise_floor" in found.summaries) == (of.needs_reference and name not in pairs)
    assert ("noise floor" in found.gaps) == (name in pairs)  # halves of a reference share no id: said, not skipped
    assert found == uncertainty(of, value, generated, reference, names(60))


@pytest.mark.parametrize("name", ["fd_panns@av_benchmark", "fd_passt@av_benchmark", "fad@javisbench", "fvd@cdfvd_videomae"])
def test_the_faster_way_is_to_the_same_quantity(name: str) -> None:
    of, random = metric(name), np.random.default_rng(8)
    width = 527 + 12 if name.startswith("fd") else 12
    generated, reference = (samples(of, a + random.normal(size=(80, width))) for a in (0.3, 0.0))
    assert of.resampled(generated, reference) == pytest.approx(of.score(generated, reference), rel=2e-4)


def test_what_cannot_be_had_is_said() -> None:
    of, random = metric("fad_mel"), np.random.default_rng(9)
    few, enough, reference = (samples(of, random.normal(size=(n, 128))) for n in (9, 30, 30))
    assert uncertainty(of, 1.0, few, reference, names(9)).gaps == {"interval": "clips of 9 prompts are too few, 10 are needed"}
    off = uncertainty(of, 2 * of.score(enough, reference), enough, reference, names(30))
    assert off.interval is None and "not the exact distance" in off.gaps["interval"] and off.summaries
    splits = metric("inception_score@av_benchmark_panns")
    small = uncertainty(splits, 1.0, samples(splits, random.normal(size=(12, 540))), [], names(12))
    assert "10" in small.gaps["value at infinite N"]
    notes = gap_notes({"a": {"interval": "too few."}, "b": {"interval": "too few"}, "c": {}})
    assert notes == ["No interval for a, b: too few."]


def test_a_breaking_metric_is_not_taken_for_an_unscorable_one() -> None:
    of, random = metric("fad_mel"), np.random.default_rng(10)
    generated, reference = (samples(of, random.normal(size=(n, 128))) for n in (12, 12))
    generated[3].features[of.uses[0]][0, 0] = np.nan  # type: ignore[index]
    with pytest.raises(Unscorable):
        of.score(generated, reference)
    assert "NaN" in uncertainty(of, 1.0, generated, reference, names(12)).gaps["interval"]


def test_a_total_has_the_jackknife_of_its_parts() -> None:
    @dataclass(frozen=True)
    class Sum(Total):
        card: ClassVar[Card] = Card("sum", "higher", "1", (-np.inf, np.inf), "a + 2 b + d", "here")
        parts: ClassVar[tuple[str, ...]] = ("a", "b", "absent", "d")

        def score(self, values: Mapping[str, float | None]) -> float:
            return float(values["a"] or 0) + 2 * float(values["b"] or 0) + float(values["d"] or 0)

    rng = np.random.default_rng(0)
    clips = [f"p{i}" for i in range(40)]

    def part(name: str, values: NDArray[np.float64]) -> Result:
        scores = tuple(ClipScore(clip, clip, float(x)) for clip, x in zip(clips, values, strict=True))
        return Result(name, "default", name, float(values.mean()), None, Counts(40, 40, 0, 0), "1", "higher", name, scores=scores)

    a, b = rng.normal(size=40), rng.normal(size=40)
    distance = replace(part("d", a), kind="set", scores=(), value=3.0, replicates=tuple(3.0 + 0.1 * i for i in range(10)))
    parts = {"a": part("a", a), "b": part("b", b), "d": distance}
    groups = np.array([group_of(clips)[clip] for clip in clips])
    expected = [a[groups != g].mean() + 2 * b[groups != g].mean() + distance.replicates[g] for g in range(10)]
    found = total_uncertainty(Sum(), a.mean() + 2 * b.mean() + 3.0, parts, clips)
    assert np.allclose(found.replicates, expected) and found.interval is not None
    assert found.interval.low < a.mean() + 2 * b.mean() + 3.0 < found.interval.high
    blind = {**parts, "d": replace(distance, replicates=())}
    assert "d has none" in total_uncertainty(Sum(), 1.0, blind, clips).gaps["interval"]
    assert "too few" in total_uncertainty(Sum(), 1.0, parts, clips[:5]).gaps["interval"]
