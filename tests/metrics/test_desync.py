"""Windows and scores of the four DeSync protocols."""

from __future__ import annotations

import numpy as np
import pytest
from avbench_metrics._maths.desync import (
    GRID,
    end_windows,
    offset,
    opening_window,
    segment_count,
    segment_starts,
    tiled_windows,
)
from hypothesis import given
from hypothesis import strategies as st

from avbench.errors import Unscorable
from avbench.feature import Array


def logits(*seconds: float) -> Array:
    """Answers that choose these offsets."""
    return np.stack([-np.abs(GRID - second) for second in seconds])


@pytest.mark.parametrize(
    ("seconds", "segments", "windows"), [(4, 11, 1), (4.8, 14, 1), (5, 14, 1), (8, 24, 2), (10, 30, 3), (16, 49, 4)]
)
def test_javisbench_counts(seconds: float, segments: int, windows: int) -> None:
    assert segment_count(int(25 * seconds), int(16_000 * seconds)) == segments
    assert tiled_windows(segments, repeat=True).shape == (windows, 14)


def test_segments_need_picture_and_sound() -> None:
    assert segment_starts(40, 16, 8).tolist() == [0, 8, 16, 24]
    assert segment_starts(39, 16, 8, first=2).tolist() == [2, 10, 18]
    assert segment_starts(15, 16, 8).tolist() == []
    assert (segment_count(16, 10_240), segment_count(15, 10_240), segment_count(16, 10_239)) == (1, 0, 0)
    assert (segment_count(200, 15_360), segment_count(24, 128_000)) == (2, 2)


def test_windows_lie_side_by_side_and_the_last_ends_with_the_clip() -> None:
    assert tiled_windows(49)[:, [0, 13]].tolist() == [[0, 13], [14, 27], [28, 41], [35, 48]]
    assert tiled_windows(30)[:, [0, 13]].tolist() == [[0, 13], [14, 27], [16, 29]]
    assert tiled_windows(28)[:, [0, 13]].tolist() == [[0, 13], [14, 27]]
    assert end_windows(49)[:, [0, 13]].tolist() == [[0, 13], [35, 48]]
    assert end_windows(14)[:, [0, 13]].tolist() == [[0, 13], [0, 13]]


def test_javisbench_repeats_short_clips_from_the_start() -> None:
    assert tiled_windows(11, repeat=True).tolist() == [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2]]
    assert tiled_windows(3, repeat=True).tolist() == [[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]]
    assert np.array_equal(tiled_windows(30, repeat=True), tiled_windows(30))


@given(st.integers(14, 400))
def test_every_segment_is_judged_by_consecutive_windows(segments: int) -> None:
    windows = tiled_windows(segments)
    assert set(windows.ravel()) == set(range(segments))
    assert (np.diff(windows, axis=1) == 1).all()
    assert len(windows) == -(-segments // 14)


@pytest.mark.parametrize("segments", [0, 1, 11, 13])
def test_without_repeating_short_clips_have_no_score(segments: int) -> None:
    for windows in (tiled_windows, end_windows):
        with pytest.raises(Unscorable, match=f"{segments} segments") as found:
            windows(segments)
        assert found.value.kind == "too_short"


def test_nothing_cannot_be_repeated() -> None:
    with pytest.raises(Unscorable, match="0 segments"):
        tiled_windows(0, repeat=True)


def test_verse_bench_judges_the_first_four_seconds() -> None:
    frames, samples = opening_window(250, 160_000)
    assert frames.tolist() == [2, 10, 18, 26, 34, 42, 50, 58, 66, 74, 82]
    assert samples.tolist() == [frame * 640 for frame in frames]
    assert frames[-1] + 16 == 98 and samples[-1] + 10_240 == 62_720
    assert np.array_equal(opening_window(100, 64_000)[0], frames)
    for short in ((99, 64_000), (100, 63_999)):
        with pytest.raises(Unscorable, match=r"takes 4 s") as found:
            opening_window(*short)
        assert found.value.kind == "too_short"


def test_the_grid_is_the_official_one() -> None:
    assert len(GRID) == 21
    assert pytest.approx(np.linspace(-2, 2, 21), abs=1e-12) == GRID


def test_signed_offsets_cancel_and_absolute_ones_do_not() -> None:
    answers = logits(-1.0, 1.0)
    assert offset(answers, signed=True) == pytest.approx(0)
    assert offset(answers) == pytest.approx(1.0)
    assert offset(logits(0.2, -0.4, 0.0)) == pytest.approx(0.2)
    assert offset(logits(-0.6), signed=True) == pytest.approx(-0.6)


def test_equal_answers_take_the_first() -> None:
    assert offset(np.zeros((1, 21)), signed=True) == -2.0


def test_wrong_answers_are_refused() -> None:
    for shape in ((21,), (0, 21), (3, 20)):
        with pytest.raises(ValueError, match="Logits must be"):
            offset(np.zeros(shape))
    with pytest.raises(Unscorable, match="NaN"):
        offset(np.where(GRID == 0, np.nan, 0.0)[None])
