"""Motion smoothness from predictions of every second frame."""

from __future__ import annotations

import numpy as np
import pytest
from avbench_metrics._maths import motion_smoothness

from avbench.errors import Unscorable


@pytest.mark.parametrize(("count", "indices"), [(1, []), (2, []), (3, [1]), (4, [1]), (5, [1, 3]), (8, [1, 3, 5])])
def test_predicted_frames_have_both_neighbours(count: int, indices: list[int]) -> None:
    assert motion_smoothness.predicted_frames(count).tolist() == indices


def test_error_does_not_wrap_around() -> None:
    dark, light = np.full((4, 5, 3), 250, np.uint8), np.full((4, 5, 3), 5, np.uint8)
    assert motion_smoothness.prediction_error(dark, light) == motion_smoothness.prediction_error(light, dark) == 245
    with pytest.raises(ValueError, match="cannot be compared"):
        motion_smoothness.prediction_error(dark, light[:3])


def test_smoothness() -> None:
    assert motion_smoothness.smoothness([0.0, 0.0]) == 1.0
    assert motion_smoothness.smoothness([255.0, 0.0]) == 0.5
    with pytest.raises(Unscorable, match="three frames"):
        motion_smoothness.smoothness([])
