"""Set distances, divergences and Inception scores of sounds: from files to numbers, and each protocol's peculiarities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.inception_score import inception_score_of_set, inception_score_of_splits

import avbench
from avbench import catalog
from avbench.clip import Prompt
from avbench.errors import Unscorable
from avbench.feature import Array, Sample
from avbench.media import write_clip
from avbench.metric import SetMetric
from avbench.world.toybox import draw_scene, render

FRECHET = ["fad", "fad@audioclip", "fad@vggish", "fad@javisbench", "fd_vgg@fixed", "fd_vgg@av_benchmark", "fd_panns@fixed",
           "fd_panns@av_benchmark", "fd_passt@fixed", "fd_passt@av_benchmark"]  # fmt: skip
KERNEL = ["kad@fixed", "kad@official"]
PAIRS = ["kl_panns@fixed", "kl_panns@av_benchmark", "kl_passt@fixed", "kl_passt@av_benchmark", "kl_passt@verse_bench"]
ALONE = [
    "inception_score@fixed",
    "inception_score@av_benchmark_panns",
    "inception_score@av_benchmark_passt",
    "inception_score@mova",
]
EIGHT_SECONDS = [m for m in FRECHET + PAIRS + ALONE if "av_benchmark" in m or m == "fad@vggish"]


def metric(name: str) -> SetMetric:
    found = catalog.load("metric", name)
    assert isinstance(found, SetMetric)
    return found


def samples(of: SetMetric, rows: Array, names: Sequence[str] = (), categories: Sequence[str] = ()) -> list[Sample]:
    """Hand-made features, one row per clip; embeddings stand behind 527 logits where the metric takes them there."""
    names = names or [f"clip-{i:03d}" for i in range(len(rows))]
    kinds = [(c,) for c in categories] or [()] * len(rows)
    return [
        Sample(name, Prompt(name, categories=kind), {of.uses[0]: row[None]})
        for name, kind, row in zip(names, kinds, rows, strict=True)
    ]


def embedded(name: str, rows: Array) -> list[Sample]:
    """Samples whose embeddings are ``rows``."""
    of = metric(name)
    ahead = np.zeros((len(rows), 527)) if of.uses[0].weights[0].startswith(("panns", "passt")) else np.zeros((len(rows), 0))
    return samples(of, np.concatenate([ahead, rows], axis=1))


def reason(name: str, ours: list[Sample], theirs: list[Sample]) -> Unscorable:
    with pytest.raises(Unscorable) as caught:
        metric(name).score(ours, theirs)
    return caught.value


@pytest.fixture(scope="module")
def other_folder(toybox_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other Toybox clips under the same names."""
    folder = tmp_path_factory.mktemp("other")
    for index, path in enumerate(sorted(toybox_folder.glob("*.mp4"))):
        frames, sound = render(draw_scene("test", 20 + index))
        write_clip(folder / path.name, frames, 16, sound, 16_000)
    return folder


@pytest.fixture(scope="module")
def long_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Ten clips of 8.2 s, tones in noise, and others under the same names."""
    folders = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    frames = np.zeros((9, 32, 32, 3), np.uint8)
    for side, folder in enumerate(folders):
        for index in range(10):
            rng = np.random.default_rng(10 * side + index)
            time = np.arange(int(8.2 * 16_000)) / 16_000
            sound = 0.3 * np.sin(2 * np.pi * 200 * (1 + index + side / 3) * time) + 0.05 * rng.standard_normal(len(time))
            write_clip(folder / f"{index}.mp4", frames, 1, sound.astype(np.float32), 16_000)
    return folders


# ---- from files to numbers


def test_from_files_to_numbers(toybox_folder: Path, other_folder: Path) -> None:
    names = [m for m in FRECHET + KERNEL + PAIRS + ALONE if m not in EIGHT_SECONDS]
    report = avbench.run(toybox_folder, metrics=names, reference=other_folder, stand_in=True, store=None)
    for name in names:
        assert report[name].value is not None and np.isfinite(report[name].value), (name, report[name].reason)
        assert report[name].n.scored == 4 and not report[name].official
    assert report["fad"].summaries == {"reference_clips": 4.0, "vectors": 8.0, "dimensions": 128.0}
    assert report["fd_panns@fixed"].summaries["dimensions"] == 2048 > report["fd_panns@fixed"].summaries["vectors"]
    assert report["kl_passt@fixed"].summaries == {"reference_clips": 4.0, "pairs": 4.0, "unpaired_clips": 0.0}
    assert report["fad"].value == pytest.approx(report["fd_vgg@fixed"].value, rel=1e-12)


def test_av_benchmark_refuses_what_is_shorter_than_eight_seconds(toybox_folder: Path, other_folder: Path) -> None:
    report = avbench.run(toybox_folder, metrics=EIGHT_SECONDS, reference=other_folder, stand_in=True, store=None)
    for name in EIGHT_SECONDS:
        assert report[name].value is None
        assert {m.kind for m in report[name].missing} == {"too_short"} and "8 s are needed" in report[name].missing[0].reason


def test_av_benchmark_from_files_to_numbers(long_folders: tuple[Path, Path]) -> None:
    ours, theirs = long_folders
    names = [m for m in EIGHT_SECONDS if m != "fd_panns@av_benchmark"]  # its root of 2048 x 2048 takes a minute
    report = avbench.run(ours, metrics=names, reference=theirs, stand_in=True, store=None)
    for name in names:
        assert report[name].value is not None and np.isfinite(report[name].value), (name, report[name].reason)
        assert report[name].n.scored == 10
    assert report["fad@vggish"].summaries["vectors"] == 80  # 8 windows of 0.96 s in each 8 s
    assert report["inception_score@av_benchmark_panns"].summaries["spread"] == 0  # ten splits of one clip each
    assert report["inception_score@av_benchmark_panns"].value == pytest.approx(1, abs=1e-12)


def test_the_same_folder_is_at_no_distance(toybox_folder: Path) -> None:
    names = ["fad", "fd_panns@fixed", "fd_passt@fixed", "kl_panns@fixed", "kl_passt@fixed"]
    report = avbench.run(toybox_folder, metrics=names, reference=toybox_folder, stand_in=True, store=None)
    for name in names:
        assert report[name].value == pytest.approx(0, abs=1e-5), name


def test_silent_empty_and_short_sounds_get_reasons(tmp_path: Path, other_folder: Path) -> None:
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    write_clip(tmp_path / "silent.mp4", frames, 4, np.zeros(16_000, np.float32), 16_000)
    write_clip(tmp_path / "short.mkv", frames, 4, 0.1 * np.ones(800, np.float32), 16_000)
    write_clip(tmp_path / "mute.mp4", frames, 4)
    slow = ("fad@audioclip", "fad@javisbench")  # their features are asked alone, in test_sound_features.py
    names = [m for m in FRECHET + KERNEL + PAIRS + ALONE if m not in EIGHT_SECONDS and m not in slow]
    report = avbench.run(tmp_path, metrics=names, reference=other_folder, stand_in=True, store=None)
    kinds = {name: {m.clip: m.kind for m in report[name].missing} for name in names}
    for name in names:
        assert kinds[name]["mute"] == "no_audio"
        assert kinds[name].get("short") == (None if name == "inception_score@mova" else "too_short"), name
        scored_as_sound = name in ("inception_score@mova", "kad@official")
        assert kinds[name].get("silent") == (None if scored_as_sound else "silent"), name


# ---- distances


@pytest.mark.parametrize("name", FRECHET + KERNEL)
def test_distances_grow_with_the_dose(name: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 60, 6))
    values = [metric(name).score(embedded(name, x + dose), embedded(name, y)) for dose in (0.0, 0.5, 1.0, 2.0)]
    assert values == sorted(values) and values[-1] > 5 * max(values[0], 1e-9)


def test_frechet_distances_equal_the_textbook() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((80, 5)), 1.3 * rng.standard_normal((60, 5)) + 0.2
    root = scipy.linalg.sqrtm(np.cov(x, rowvar=False) @ np.cov(y, rowvar=False))
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.cov(x, rowvar=False).trace() + np.cov(y, rowvar=False).trace()
    expected -= 2 * root.real.trace()
    for name in FRECHET:
        if name not in ("fad@javisbench", "fd_passt@av_benchmark"):
            assert metric(name).score(embedded(name, x), embedded(name, y)) == pytest.approx(expected, rel=1e-8), name


def test_a_failed_root_is_minus_one_in_the_official_code_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.random.default_rng(10).standard_normal((2, 30, 3))
    monkeypatch.setattr(scipy.linalg, "sqrtm", lambda product: np.eye(len(product)) * 1j)
    for name in FRECHET:
        found = metric(name).score(embedded(name, x), embedded(name, y))
        assert (found == -1) == (name in EIGHT_SECONDS), name
        low, high = metric(name).card.range
        assert low <= found <= high


def test_javisbench_multiplies_by_ten_thousand_and_takes_the_first_clips() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((50, 4)), rng.standard_normal((70, 4)) + 0.3
    found = metric("fad@javisbench").score(embedded("fad@javisbench", x), embedded("fad@javisbench", y))
    assert found == pytest.approx(1e4 * frechet_distance(x, y[:50]), rel=1e-3)


def test_fd_passt_of_av_benchmark_is_of_pairs() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((30, 3)) + 1
    name = "fd_passt@av_benchmark"
    ours, theirs = embedded(name, x), embedded(name, y)
    assert metric(name).score(ours, theirs[::-1]) == pytest.approx(frechet_distance(x, y[:20]), rel=1e-6)
    assert metric("fd_passt").score(embedded("fd_passt", x), embedded("fd_passt", y)) == pytest.approx(frechet_distance(x, y))
    assert reason(name, ours[:10], theirs[10:]).kind == "unpaired"


def test_a_singular_covariance_is_allowed_and_noted() -> None:
    x, y = np.random.default_rng(4).standard_normal((2, 5, 40))
    of = metric("fd_panns")
    ours, theirs = embedded("fd_panns", x), embedded("fd_panns", y)
    assert 0 < of.score(ours, theirs) < np.inf
    assert of.summaries(ours, theirs) == {"vectors": 5.0, "dimensions": 40.0}


def test_kad_is_a_hundred_times_an_mmd_under_the_right_bandwidth() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((30, 6)), 2 * rng.standard_normal((40, 6))
    official, fixed = (metric(f"kad@{p}").score(embedded(f"kad@{p}", x), embedded(f"kad@{p}", y)) for p in ("official", "fixed"))
    assert official > 1.5 * fixed > 0  # the narrow set's bandwidth sees more
    rounded = x.astype(np.float16).astype(np.float64)
    assert metric("kad@official").score(embedded("kad@official", rounded), embedded("kad@official", y)) == official
    assert metric("kad@fixed").score(embedded("kad@fixed", rounded), embedded("kad@fixed", y)) != fixed


# ---- divergences


@pytest.mark.parametrize("name", PAIRS)
def test_divergences_are_of_pairs_by_id(name: str) -> None:
    of, rng = metric(name), np.random.default_rng(6)
    logits = 3 * rng.standard_normal((6, 527))
    theirs = samples(of, logits)
    values = [of.score(samples(of, logits + dose * rng.standard_normal(logits.shape)), theirs) for dose in (0.0, 0.5, 1.0, 2.0)]
    assert values == sorted(values) and abs(values[0]) < 1e-3 < values[1]
    ours = samples(of, logits + rng.standard_normal(logits.shape))
    once = of.score(ours, theirs)
    assert of.score(ours[::-1], theirs) == once, "order changes nothing"
    stranger = samples(of, 9 * rng.standard_normal((1, 527)), ["stranger"])
    assert of.score(ours, theirs + stranger) == of.score(ours + stranger, theirs) == once
    assert of.summaries(ours + stranger, theirs) == {"pairs": 6.0, "unpaired_clips": 1.0}
    assert reason(name, stranger, theirs).kind == "unpaired"


def test_the_reference_leads() -> None:
    narrow, broad = np.zeros((1, 527)), np.zeros((1, 527))
    narrow[0, 0] = 20.0
    for name in PAIRS:
        of = metric(name)
        lacking = of.score(samples(of, narrow), samples(of, broad))
        assert lacking > 5 and of.score(samples(of, broad), samples(of, narrow)) == pytest.approx(np.log(527), rel=1e-2)


def test_verse_bench_adds_a_millionth() -> None:
    of, rng = metric("kl_passt@verse_bench"), np.random.default_rng(7)
    logits = 3 * rng.standard_normal((4, 527))
    far = logits.copy()
    far[:, 0] += 1000
    assert -527e-6 <= of.score(samples(of, logits), samples(of, logits)) < 0
    assert of.score(samples(of, far[:, ::-1]), samples(of, far)) == pytest.approx(-np.log(1e-6), rel=1e-6)


# ---- Inception scores


def test_inception_scores_do_not_depend_on_order() -> None:
    logits = 3 * np.random.default_rng(8).standard_normal((25, 527))
    for name in ALONE:
        of = metric(name)
        rows = samples(of, logits)
        assert of.score(rows, []) == of.score(rows[::-1], []) > 1
    assert (
        metric("inception_score").score(samples(metric("inception_score"), logits), []) == inception_score_of_splits(logits, 1).mean
    )
    of = metric("inception_score@av_benchmark_panns")
    assert of.score(samples(of, logits), []) == inception_score_of_splits(logits).mean
    assert of.summaries(samples(of, logits), []) == {"spread": inception_score_of_splits(logits).spread}
    assert reason("inception_score@av_benchmark_passt", samples(metric(ALONE[2]), logits[:9]), []).kind == "too_few"


def test_mova_averages_its_categories() -> None:
    of, logits = metric("inception_score@mova"), 3 * np.random.default_rng(9).standard_normal((12, 527))
    rows = samples(of, logits, categories=["set1"] * 9 + ["set2"] * 3)
    parts = inception_score_of_set(logits[:9]), inception_score_of_set(logits[9:])
    assert of.score(rows, []) == pytest.approx(np.mean(parts), rel=1e-12)
    assert of.summaries(rows, []) == {"set1": parts[0], "set2": parts[1]}
    assert of.score(samples(of, logits), []) == inception_score_of_set(logits)


def test_variety_scores_higher() -> None:
    clear = 12.0 * np.eye(527)[:20]
    for name in ALONE:
        of = metric(name)
        # Two clips per class at least, so that a split of av-benchmark's ten holds more than one clip.
        varied, alike = np.tile(clear, (10, 1)), np.tile(clear[:1], (200, 1))
        assert of.score(samples(of, varied), []) > 3 > of.score(samples(of, alike), []) == pytest.approx(1, abs=1e-9)
