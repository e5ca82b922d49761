"""How clips' scores become one value: means by weight and by category, their intervals, and the difference of two."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import avbench
from avbench import catalog
from avbench.explain import explain
from avbench.leaderboard.pairs import between
from avbench.report import Report, Result
from avbench.runner import identity
from avbench.statistics import Scored, Weighing, compare, mean_interval
from avbench.statistics.intervals import ClusterSums

MOVA = ("av_align@mova", "clap_score@mova", "desync@mova", "ib_audio_video@mova")


def test_a_mean_of_category_means_and_one_by_weight() -> None:
    by_category = Weighing([1, 1, 1, 1], ["a", "a", "a", "b"])
    assert by_category.mean([1.0, 2.0, 3.0, 10.0]) == pytest.approx(6.0)
    assert by_category.shares.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])
    assert Weighing([1, 3], ["", ""]).mean([1.0, 0.5]) == pytest.approx(0.625)
    assert Weighing([1, 3, 2], ["a", "a", "b"]).mean([1.0, 0.5, 0.0]) == pytest.approx(0.3125)


def test_the_error_is_that_of_category_means() -> None:
    """1 / K^2 times the sum of the categories' variances over N, whatever lies between the categories."""
    rng = np.random.default_rng(0)
    sizes, spreads, places = (205, 295, 100), (1.0, 0.5, 2.0), (0.0, 30.0, -10.0)
    drawn = [place + spread * rng.standard_normal(n) for n, spread, place in zip(sizes, spreads, places, strict=True)]
    values = np.concatenate(drawn)
    groups = np.repeat(["set1", "set2", "set3"], sizes).tolist()
    names = [str(i) for i in range(600)]
    weighing = Weighing([1.0] * 600, groups)
    sums = ClusterSums.of(values.tolist(), names, weighing)
    parts = [values[np.asarray(groups) == name] for name in ("set1", "set2", "set3")]
    assert sums.mean == pytest.approx(np.mean([part.mean() for part in parts]))
    assert sums.error == pytest.approx(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)) / 3, rel=1e-9)
    interval = mean_interval(values.tolist(), names, (-np.inf, np.inf), weighing=weighing)
    assert interval is not None and (interval.high - interval.low) / sums.error == pytest.approx(2 * 1.96, rel=0.03)


def test_the_interval_of_a_weighted_mean_holds_it_as_often_as_it_says() -> None:
    """Clips of two lengths, and those of the long one score higher."""
    rng = np.random.default_rng(1)
    held, times = 0, 200
    for _ in range(times):
        frames = rng.choice([20.0, 100.0], 30)
        scores = 0.5 + 0.002 * frames + 0.1 * rng.standard_normal(30)
        interval = mean_interval(scores.tolist(), list(map(str, range(30))), (-9, 9), weighing=Weighing(frames.tolist(), [""] * 30))
        assert interval is not None
        held += interval.low <= 0.5 + 0.002 * (20 * 20 + 100 * 100) / 120 <= interval.high
    assert 0.91 <= held / times <= 0.995


def test_equal_weights_change_no_digit() -> None:
    rng = np.random.default_rng(2)
    scores, clusters = rng.random(40).tolist(), [str(i // 2) for i in range(40)]
    plain = mean_interval(scores, clusters, (0, 1))
    assert plain == mean_interval(scores, clusters, (0, 1), weighing=Weighing([1.0] * 40, [""] * 40))
    assert Weighing([7.0] * 40, [""] * 40).mean(scores) == float(np.mean(scores))


def test_a_difference_is_that_of_the_weighted_means() -> None:
    rng = np.random.default_rng(3)
    groups = ["a"] * 8 + ["b"] * 3 + ["c"] * 3
    rows = [[Scored(f"c{i}", f"c{i}", rng.random(), rng.integers(1, 9), g) for i, g in enumerate(groups)] for _ in range(2)]
    first, second = rows[0][1:], rows[1][:-1]  # one clip of each has no partner
    shared = [[r for r in side if r.clip not in ("c0", "c13")] for side in (first, second)]
    means = [Weighing([r.weight for r in side], [r.group for r in side]).mean([r.value for r in side]) for side in shared]
    found = compare(first, second)
    assert found is not None and found.value == pytest.approx(means[0] - means[1]) and found.pairs == 12
    assert compare(first[:-2], second) is None  # a category of one prompt shows no spread
    same = compare(first, first)
    assert same is not None and same.value == 0 and same.error == 0


def test_the_error_of_a_difference_follows_both_sides_weights() -> None:
    """By leaving out one clip after the other (jackknife), which knows nothing of the formula."""
    rng = np.random.default_rng(4)
    count = 60
    sides = [[Scored(str(i), str(i), rng.random(), 1 + 9 * rng.random()) for i in range(count)] for _ in range(2)]
    found = compare(*sides, interval=False)
    assert found is not None
    left = []
    for i in range(count):
        kept = [[row for row in side if row.clip != str(i)] for side in sides]
        left.append(np.subtract(*(np.average([r.value for r in side], weights=[r.weight for r in side]) for side in kept)))
    error = np.sqrt((count - 1) / count * np.sum((left - np.mean(left)) ** 2))
    assert found.error == pytest.approx(error, rel=0.05)


@pytest.fixture
def by_category(toybox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Report]:
    """Toybox clips, three of category a and one of b; loudness as a mean of category means."""
    monkeypatch.setattr(type(catalog.load("metric", "loudness")), "averaged", "categories")

    def run(model: str) -> Report:
        paths = sorted(toybox_folder.glob("*.mp4"))
        paths = paths if model == "first" else [*paths[1:], paths[0]]
        rows = [{"id": f"p{i}", "path": str(p), "categories": ["ab"[i // 3], "more"]} for i, p in enumerate(paths)]
        manifest = tmp_path / f"{model}.jsonl"
        manifest.write_text("\n".join(map(json.dumps, rows)))
        return avbench.run(manifest, metrics=["loudness", "sharpness"], model=model, store=None)

    return run


def test_a_run_averages_categories_and_says_so(by_category: Callable[[str], Report], tmp_path: Path) -> None:
    report = by_category("first")
    result = report["loudness"]
    a, b = ([s.value for s in result.scores if s.group == name] for name in "ab")
    assert (len(a), len(b)) == (3, 1) and result.value == pytest.approx((np.mean(a) + b[0]) / 2)
    assert result.value != pytest.approx(np.mean([*a, *b])) and result.averaged == "categories"
    report.save(tmp_path / "r.json")
    assert Report.read(tmp_path / "r.json")["loudness"] == result
    facts = explain(report, "loudness")
    assert "first categories" in facts["aggregation"]["how"] and facts["aggregation"]["mean_of_recorded_scores"] == result.value
    assert result.interval is None and between(result, by_category("second")["loudness"]) is None  # b has one prompt: no spread
    assert {s.group for s in report["sharpness"].scores} == {""} and report["sharpness"].averaged == "clips"


def test_absent_clips_are_filled_in_within_their_category(by_category: Callable[[str], Report]) -> None:
    result = by_category("first")["loudness"]
    lost = next(s for s in result.scores if s.group == "b")
    gap = avbench.report.Missing(lost.clip, "unreadable", "Broken.", lost.cluster, "b")
    rest = tuple(s for s in result.scores if s is not lost)
    less: Result = dataclasses.replace(result, scores=rest, missing=(gap,), bounds=(-70.0, 0.0), value=0.0, better="higher",
                                       n=dataclasses.replace(result.n, scored=3, failed=1))  # fmt: skip
    mean = float(np.mean([s.value for s in rest]))
    assert less.possible == pytest.approx(((mean - 70) / 2, mean / 2))
    assert less.at_worst().value == pytest.approx((mean - 70) / 2)


@pytest.mark.parametrize("name", MOVA)
def test_movas_columns_are_means_of_category_means(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = catalog.load("metric", name)
    assert metric.averaged == "categories" and "first categories" in f"{metric.card.protocol} {metric.card.notes}"
    assert name in {metric for _, metric in catalog.load("benchmark", "verse_bench_mova").columns}
    before = identity(metric)
    monkeypatch.setattr(type(metric), "averaged", "clips")
    assert identity(metric) != before, "two ways to average may not share a column"


def test_the_sets_of_verse_bench_are_its_first_categories(tmp_path: Path) -> None:
    row = {"video_prompt": "a man", "audio_prompt": ["wind"], "speech_prompt": {"text": "Hello."}}
    (tmp_path / "p.json").write_text(json.dumps({f"set{k}": {f"0000000{k}": row} for k in (1, 2, 3)}))
    prompts = catalog.load("benchmark", "verse_bench_mova").prompts(tmp_path / "p.json")
    assert [prompt.categories[0] for prompt in prompts] == ["set1", "set2", "set3"]
