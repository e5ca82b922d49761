"""Scores of SyncNet's embeddings, and the square it looks at."""

from __future__ import annotations

import numpy as np
import pytest
from avbench_metrics._maths.face_crop import VERSE_BENCH_SCALE, crop, face, smoothed, squares
from avbench_metrics._maths.lip_sync import distances, lip_scores, window_count
from scipy.signal import medfilt

from avbench.errors import Unscorable
from avbench.feature import Array
from avbench.rule import rule_input


def test_equals_torch() -> None:
    torch = pytest.importorskip("torch")
    lips, sounds = rule_input("lips", (40, 64)), rule_input("sounds", (40, 64))
    padded = torch.nn.functional.pad(torch.from_numpy(sounds), (0, 0, 15, 15))
    rows = [torch.from_numpy(lips[i : i + 1]).repeat(31, 1) for i in range(40)]
    expected = torch.stack([torch.nn.functional.pairwise_distance(row, padded[i : i + 31]) for i, row in enumerate(rows)])
    found = distances(lips, sounds)
    assert found.shape == (40, 31)
    assert found == pytest.approx(expected.numpy(), abs=1e-5)
    means = expected.mean(dim=0)
    least, where = means.min(dim=0)
    scores = lip_scores(found)
    assert scores.offset == 15 - int(where)
    assert scores.distance == pytest.approx(float(least), abs=1e-5)
    assert scores.confidence == pytest.approx(float(torch.median(means) - least), abs=1e-5)


@pytest.mark.parametrize("early", [-15, -4, 0, 3, 15])
def test_sound_that_comes_early_has_a_positive_offset(early: int) -> None:
    course = rule_input("course", (140, 32))
    lips, sounds = course[20:120], course[20 + early : 120 + early]
    scores = lip_scores(distances(lips, sounds))
    assert scores.offset == early
    assert scores.confidence > 1.0


def test_the_median_is_the_sixteenth_of_thirty_one() -> None:
    means = np.random.default_rng(0).permutation(np.arange(31.0) ** 2 + 5)
    scores = lip_scores(np.stack([means - 1, means + 1]))
    assert scores.distance == pytest.approx(5.0)
    assert scores.confidence == pytest.approx(15.0**2)
    assert scores.offset == 15 - int(means.argmin())


def test_beyond_the_ends_lie_zeros() -> None:
    found = distances(np.full((2, 4), 3.0), np.full((2, 4), 3.0), shift=1)
    away, near = 2 * (3.0 + 1e-6), 2e-6
    assert found == pytest.approx(np.asarray([[away, near, near], [near, near, away]]), rel=1e-9)


def test_one_frame_of_noise_is_worse_than_none() -> None:
    lips = rule_input("lips", (60, 32))
    clean = lip_scores(distances(lips, lips))
    noisy = lip_scores(distances(lips, lips + rule_input("noise", (60, 32), 0.8)))
    assert noisy.distance > clean.distance and noisy.confidence < clean.confidence


def test_windows_follow_the_shorter_of_picture_and_sound() -> None:
    assert window_count(125, 80_000) == 120
    assert window_count(125, 64_000) == window_count(100, 80_000) == window_count(125, 64_639) == 95
    assert window_count(6, 3_840) == 1
    for short in ((5, 80_000), (125, 3_839), (0, 0)):
        with pytest.raises(Unscorable, match="SyncNet needs 6") as found:
            window_count(*short)
        assert found.value.kind == "too_short"


def test_wrong_embeddings_are_refused() -> None:
    with pytest.raises(ValueError, match="alike"):
        distances(np.zeros((3, 4)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="alike"):
        distances(np.zeros((0, 4)), np.zeros((0, 4)))
    with pytest.raises(Unscorable, match="NaN"):
        distances(np.full((3, 4), np.inf), np.zeros((3, 4)))


def grid(height: int = 300, width: int = 400) -> Array:
    """A picture whose channels are its own rows and columns, halved; the third is 7."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows // 2, columns // 2, np.full_like(rows, 7)], axis=2).astype(np.uint8)


def test_squares_take_the_longer_side() -> None:
    found = squares([[100, 50, 160, 150], [10, 20, 50, 40]])
    assert found.tolist() == [[130, 100, 50], [30, 30, 20]]


def test_crop_by_hand() -> None:
    picture = grid()
    assert np.array_equal(crop(picture, (200, 120, 50)), picture[70:210, 130:270])
    assert np.array_equal(crop(picture, (200, 120, 50), VERSE_BENCH_SCALE), picture[70:200, 135:265])
    assert np.array_equal(crop(picture, (200.9, 120.2, 50.5)), picture[69:211, 130:271])


def test_crop_is_grey_beyond_the_picture() -> None:
    found = crop(grid(), (30, 10, 40))
    assert found.shape == (112, 112, 3)
    assert (found[:30] == 110).all() and (found[:, :26] == 110).all()
    assert np.array_equal(found[30:, 26:], grid()[0:82, 0:86])


@pytest.mark.parametrize("square", [(-200, 120, 50), (200, -100, 50), (600, 120, 50), (200, 500, 50), (200, 120, 0)])
def test_a_face_outside_the_picture_is_refused(square: tuple[float, float, float]) -> None:
    with pytest.raises(Unscorable, match="outside") as found:
        crop(grid(), square)
    assert found.value.kind == "face_outside"


def test_faces_are_of_one_size() -> None:
    found = face(grid(), (200, 120, 80), VERSE_BENCH_SCALE)
    assert found.shape == (224, 224, 3) and found.dtype == np.uint8
    assert (found[..., 2] == 7).all()
    assert int(found[112, 112, 0]) == pytest.approx((40 + 104) / 2, abs=1)


def test_smoothing_drops_outliers_inside_and_lies_low_at_the_ends() -> None:
    track = np.stack([np.full(40, 200.0), np.linspace(100, 139, 40), np.full(40, 50.0)], axis=1)
    spoiled = track.copy()
    spoiled[20] = 900.0
    assert smoothed(track)[6:34] == pytest.approx(track[6:34])
    assert smoothed(spoiled)[20, [0, 2]] == pytest.approx([200, 50])
    assert smoothed(spoiled)[20, 1] == pytest.approx(121)
    ends = smoothed(track)[:, 1]
    assert ends[0] == 100 and ends[-1] == pytest.approx(133)
    assert (smoothed(track[:6]) == 0).all()


def test_smoothing_equals_scipy() -> None:
    track = rule_input("track", (40, 3), 100, 50).astype(np.float64)
    expected = np.stack([medfilt(column, 13) for column in track.T], axis=1)
    assert np.array_equal(smoothed(track), expected)
