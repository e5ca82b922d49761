"""Statistics of optical flow: the published ones with their quirks, the others without."""

from __future__ import annotations

import numpy as np
import pytest
from avbench_metrics._maths import flow_statistics as flows

from avbench.errors import Unscorable


def test_top_length_is_the_mean_of_the_longest_twentieth() -> None:
    rng = np.random.default_rng(0)
    flow = rng.standard_normal((2, 37, 53)).astype(np.float32)
    lengths = np.sort(np.sqrt((flow.astype(float) ** 2).sum(axis=0)).ravel())[::-1]
    assert flows.top_length(flow) == pytest.approx(lengths[: int(37 * 53 * 0.05)].mean(), rel=1e-6)


def test_top_length_sees_a_small_object() -> None:
    flow = np.zeros((2, 100, 100), np.float32)
    flow[0, :10, :50], flow[1, :10, :50] = 3, -4
    assert flows.top_length(flow) == pytest.approx(5.0)
    assert flows.mean_length(flow) == pytest.approx(0.25)
    assert flows.mean_component(flow) == pytest.approx(0.175)


def test_no_twentieth_of_a_few_pixels() -> None:
    with pytest.raises(Unscorable, match="top 5 %"):
        flows.top_length(np.zeros((2, 4, 4)))


@pytest.mark.parametrize(("fps", "step"), [(8, 1), (16, 2), (24, 3), (25, 3), (30, 4), (60, 8), (4, 1), (12, 2), (20, 2)])
def test_sampled_frames(fps: float, step: int) -> None:
    assert flows.sampled_frames(17, fps).tolist() == list(range(0, 17, step))


def test_dynamic_official() -> None:
    """256 rows: the threshold is 6 pixels, and of 17 frames (16 pairs) round(4.25) = 4 must exceed it."""
    tops = [6.0] * 13 + [6.01] * 3
    assert not flows.is_dynamic_official(tops, 256)
    assert flows.is_dynamic_official([*tops[1:], 6.01], 256)
    assert not flows.is_dynamic_official([*tops[1:], 6.01], 512)


def test_dynamic_official_quirks() -> None:
    assert flows.is_dynamic_official([0.0], 256)  # two frames need round(0.5) = 0 pairs
    assert not flows.is_dynamic_official([], 256)
    assert flows.is_dynamic_official([9.0, 9.0] + [0.0] * 7, 256)  # ten frames need round(2.5) = 2


def test_dynamic_needs_some_motion_of_a_short_clip() -> None:
    assert not flows.is_dynamic([0.0], 256, [0, 0.125])
    assert flows.is_dynamic([6.1], 256, [0, 0.125])
    with pytest.raises(Unscorable, match="one frame"):
        flows.is_dynamic([], 256, [0.0])


def test_dynamic_agrees_with_the_official_one_at_eight_pairs_per_second() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        tops = rng.uniform(0, 9, 15)  # 16 frames, of which exactly a quarter must move
        official, fixed = flows.is_dynamic_official(tops, 256), flows.is_dynamic(tops, 256, np.arange(16) / 8)
        moving = np.count_nonzero(tops > 6)
        assert official == fixed == (moving >= 4)


def test_rate_and_size_do_not_matter_to_the_fixed_forms() -> None:
    """One motion of 0.3 sides per second at two rates and two sizes; the official numbers change by factors of 2 and 3."""
    scores, official, verdicts = [], [], []
    for fps in (8, 24):
        for side in (240, 480):
            seconds = np.arange(2 * fps + 1) / fps
            lengths = np.full(2 * fps, 0.3 * side / fps)
            scores.append(flows.motion_score(lengths, side, seconds))
            official.append(flows.motion_score_official(lengths))
            verdicts.append(flows.is_dynamic(lengths, side, seconds))
    np.testing.assert_allclose(scores, 0.3)
    np.testing.assert_allclose(np.divide(official, official[2]), [3, 6, 1, 2])
    assert verdicts == [True] * 4


def test_uneven_times_are_weighted() -> None:
    """Ten pixels in one second and ten in three: twenty in four."""
    assert flows.motion_score([10.0, 10.0], 100, [0.0, 1.0, 4.0]) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((640, 360), (640, 360)),
        ((641, 360), (320, 180)),
        ((1280, 720), (640, 360)),
        ((1281, 721), (640, 360)),
        ((720, 1280), (360, 640)),
    ],
)
def test_halving_cliff(size: tuple[int, int], seen: tuple[int, int]) -> None:
    assert flows.halved_size(*size) == seen


def test_diagonal_motion_counts_as_much_as_straight_in_lengths_only() -> None:
    straight, diagonal = np.zeros((2, 8, 8)), np.full((2, 8, 8), np.sqrt(0.5))
    straight[0] = 1
    assert flows.mean_length(straight) == pytest.approx(flows.mean_length(diagonal))
    assert flows.mean_component(diagonal) == pytest.approx(np.sqrt(2) * flows.mean_component(straight))


def test_bad_times_are_refused() -> None:
    with pytest.raises(Unscorable, match="one time"):
        flows.speeds([1.0, 1.0], 100, [0.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="need 3 times"):
        flows.speeds([1.0, 1.0], 100, [0.0, 1.0])
    with pytest.raises(Unscorable, match="one frame"):
        flows.motion_score_official([])
