"""Overall scores of Verse-Bench and VBench: published vectors, their faults, and the versions that refuse."""

from __future__ import annotations

import dataclasses
import math

import pytest
from avbench_metrics._maths import vbench_total, verse_bench_overall

from avbench.errors import Unscorable

# A row that a user of the official code published (Dorniwang/Verse-Bench, 2025-10-31), with all digits.
FULL = {
    "AS": 0.47653445459782945, "ID": 0.8922203985929642, "FD": 1.5148013342987736, "KL": 3.5538973858951506,
    "CS": 0.10927557225593111, "CE": 3.5594153133864257, "CU": 4.738343349437124, "PC": 2.6499445250968345,
    "PQ": 5.404646033478766, "WER": 0.33721975049106584, "LSE-C": 1.7414120481313904, "AV-A": 0.05298701985315843,
}  # fmt: skip
ROUNDED = {
    "AS": 0.47653, "ID": 0.89222, "FD": 1.51480, "KL": 3.55390, "CS": 0.10928, "CE": 3.55942, "CU": 4.73834, "PC": 2.64995,
    "PQ": 5.40465, "WER": 0.33722, "LSE-C": 1.74141, "AV-A": 0.05299,
}  # fmt: skip


def test_verse_bench_reproduces_all_digits_of_the_published_row() -> None:
    expected = (0.19594150689968073, 0.6843774265953968, 0.38881376508489607, 0.41846072716103655, 0.3544550645020026)
    assert dataclasses.astuple(verse_bench_overall.official(FULL)) == expected
    assert dataclasses.astuple(verse_bench_overall.fixed(FULL)) == expected


def test_verse_bench_of_the_rounded_row() -> None:
    found = dataclasses.astuple(verse_bench_overall.official(ROUNDED))
    assert found == pytest.approx((0.19594856, 0.68437500, 0.38881437, 0.41846050, 0.35445820), abs=1e-8)


def test_official_verse_bench_rewards_what_is_missing() -> None:
    nothing = verse_bench_overall.official(dict.fromkeys(verse_bench_overall.BOUNDS, -999.0))
    assert nothing == verse_bench_overall.official({})
    assert (nothing.audio, nothing.other, nothing.overall) == pytest.approx((3 / 7, 0.5, 0.2 * 3 / 7 + 0.05))
    assert (nothing.joint, nothing.video) == (0, 0)
    for name, overall in (("FD", 0.36888), ("WER", 0.37132)):
        without = {key: value for key, value in FULL.items() if key != name}
        assert verse_bench_overall.official(without).overall == pytest.approx(overall, abs=5e-6)
    assert verse_bench_overall.official(FULL | {"KL": math.nan}).overall == pytest.approx(0.37984, abs=5e-6)
    assert verse_bench_overall.official(FULL | {"AS": math.nan}).video == pytest.approx((1 + FULL["ID"]) / 2)
    assert verse_bench_overall.official(FULL | {"AV-A": -0.9}).overall == pytest.approx(0.35500, abs=5e-6)


def test_verse_bench_is_clipped_and_without_content_there_is_no_joint_score() -> None:
    best = {name: best for name, (best, _) in verse_bench_overall.BOUNDS.items()}
    worst = {name: worst for name, (_, worst) in verse_bench_overall.BOUNDS.items()}
    assert verse_bench_overall.fixed(best).overall == pytest.approx(1)
    assert verse_bench_overall.fixed(worst).overall == 0
    assert verse_bench_overall.fixed(best | {"LSE-C": 12.0, "FD": -1.0}) == verse_bench_overall.fixed(best)


@pytest.mark.parametrize("name", list(verse_bench_overall.BOUNDS))
def test_fixed_verse_bench_refuses_what_is_missing(name: str) -> None:
    for row, kind in (
        ({key: value for key, value in FULL.items() if key != name}, "missing"),
        (FULL | {name: -999.0}, "missing"),
        (FULL | {name: math.nan}, "not_finite"),
    ):
        with pytest.raises(Unscorable, match=name) as caught:
            verse_bench_overall.fixed(row)
        assert caught.value.kind == kind


def test_wrong_input_is_an_error_in_both_versions() -> None:
    with pytest.raises(ValueError, match="mean of sizes"):
        verse_bench_overall.fixed(FULL | {"AV-A": -0.1})
    for verse in (verse_bench_overall.official, verse_bench_overall.fixed):
        with pytest.raises(ValueError, match="LSE-D"):
            verse(FULL | {"LSE-D": 8.0})
    for vbench in (vbench_total.official, vbench_total.fixed):
        with pytest.raises(ValueError, match="colour"):
            vbench(dict.fromkeys(vbench_total.DIMENSIONS, 0.5) | {"colour": 0.5})


@pytest.mark.parametrize(
    ("dimension", "score", "expected"),
    [
        ("subject_consistency", 0.0, -0.1712),
        ("background_consistency", 0.0, -0.3541),
        ("temporal_flickering", 0.0, -1.6976),
        ("motion_smoothness", 0.0, -2.4220),
        ("motion_smoothness", 0.9989, 1.0048),
        ("scene", 0.8222, 1.0),
        ("appearance_style", 0.0009, 0.0),
        ("color", 0.25, 0.25),
    ],
)
def test_vbench_normalisation(dimension: str, score: float, expected: float) -> None:
    assert vbench_total.normalised(dimension, score) == pytest.approx(expected, abs=5e-5)


def test_vbench_weights() -> None:
    top = {name: high for name, (_, high, _) in vbench_total.DIMENSIONS.items()}
    assert dataclasses.astuple(vbench_total.fixed(top)) == pytest.approx((1, 1, 1))
    still, nowhere = vbench_total.fixed(top | {"dynamic_degree": 0.0}), vbench_total.fixed(top | {"scene": 0.0})
    assert dataclasses.astuple(still) == pytest.approx((6 / 6.5, 1, (4 * 6 / 6.5 + 1) / 5))
    assert dataclasses.astuple(nowhere) == pytest.approx((1, 8 / 9, (4 + 8 / 9) / 5))
    assert len(vbench_total.QUALITY) == 7 and len(vbench_total.SEMANTIC) == 9


def test_official_vbench_takes_a_missing_dimension_for_zero_before_normalisation() -> None:
    nothing = vbench_total.official({})
    quality = (-0.1712344 - 0.3540961 - 1.6976005 - 2.4219554) / 6.5
    semantic = -0.0009 / (0.2855 - 0.0009) / 9
    assert dataclasses.astuple(nothing) == pytest.approx((quality, semantic, (4 * quality + semantic) / 5), abs=1e-6)


@pytest.mark.parametrize("name", list(vbench_total.DIMENSIONS))
def test_fixed_vbench_refuses_what_is_missing(name: str) -> None:
    whole = dict.fromkeys(vbench_total.DIMENSIONS, 0.9)
    assert vbench_total.fixed(whole) == vbench_total.official(whole)
    partial = {key: value for key, value in whole.items() if key != name}
    with pytest.raises(Unscorable, match=name) as caught:
        vbench_total.fixed(partial)
    assert caught.value.kind == "missing"
    with pytest.raises(Unscorable, match=name) as caught:
        vbench_total.fixed(whole | {name: math.nan})
    assert caught.value.kind == "not_finite"
    rest = tuple(other for other in vbench_total.DIMENSIONS if other != name)
    assert vbench_total.fixed(partial, rest) == vbench_total.fixed(whole | {name: 5.0}, rest)
    if name in vbench_total.SEMANTIC:
        assert vbench_total.fixed_quality(partial) == vbench_total.fixed(whole).quality
    else:
        with pytest.raises(Unscorable, match=name):
            vbench_total.fixed_quality(partial)
