"""Anchored cosines and equal error rates, the latter against scikit-learn's ROC curve."""

from __future__ import annotations

import numpy as np
import pytest
from avbench_metrics._maths.anchored_cosine import anchored_cosine, equal_error_rate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from avbench.errors import Unscorable


def by_roc_curve(same: list[float], different: list[float]) -> float:
    """Where scikit-learn's curve, joined by lines, meets the diagonal from (0, 1) to (1, 0)."""
    labels = [1] * len(same) + [0] * len(different)
    wrongly, passed, _ = roc_curve(labels, same + different, drop_intermediate=False)
    along = np.arange(len(wrongly), dtype=float)  # a parameter of the path, as the curve has vertical parts
    place = brentq(lambda t: np.interp(t, along, wrongly) + np.interp(t, along, passed) - 1, 0, along[-1])
    return float(np.interp(place, along, wrongly))


scores = st.lists(st.integers(-8, 8).map(lambda k: k / 8), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(scores, scores)
def test_rate_is_that_of_the_roc_curve(same: list[float], different: list[float]) -> None:
    rate, threshold = equal_error_rate(same, different)
    assert rate == pytest.approx(by_roc_curve(same, different), abs=1e-9)
    assert min(same + different) <= threshold <= max(same + different)


def test_rate_of_known_cases() -> None:
    assert equal_error_rate([0.8, 0.9], [0.1, 0.2])[0] == 0
    assert equal_error_rate([0.1, 0.2], [0.8, 0.9])[0] == 1
    assert equal_error_rate([0.5], [0.5])[0] == 0.5
    assert equal_error_rate([0.9, 0.8, 0.7, 0.3], [0.1, 0.2, 0.4, 0.0])[0] == pytest.approx(0.25)


def test_threshold_gives_nearly_equal_rates() -> None:
    rng = np.random.default_rng(0)
    same, different = rng.normal(1, 1, 4000), rng.normal(-1, 1, 3000)
    rate, threshold = equal_error_rate(same, different)
    assert rate == pytest.approx(0.1587, abs=0.01), "two normals two deviations apart cross at one"
    assert np.mean(same < threshold) == pytest.approx(rate, abs=1e-3)
    assert np.mean(different >= threshold) == pytest.approx(rate, abs=1e-3)


def test_rate_does_not_depend_on_a_monotone_scale() -> None:
    rng = np.random.default_rng(1)
    same, different = rng.normal(1, 1, 200), rng.normal(0, 1, 150)
    assert equal_error_rate(np.exp(same), np.exp(different))[0] == pytest.approx(equal_error_rate(same, different)[0])


def test_anchors_are_zero_and_one() -> None:
    same, different = [0.8, 0.9], [0.1, 0.3]
    assert anchored_cosine(0.2, same, different) == pytest.approx(0)
    assert anchored_cosine(0.85, same, different) == pytest.approx(1)
    assert anchored_cosine(0.525, same, different) == pytest.approx(0.5)
    assert anchored_cosine(1.0, same, different) > 1 and anchored_cosine(0.0, same, different) < 0


@pytest.mark.parametrize(
    ("cosine", "same", "different", "kind"),
    [
        (0.5, [], [0.1], "too_few"),
        (0.5, [0.9], [], "too_few"),
        (0.5, [0.9, np.nan], [0.1], "not_finite"),
        (np.nan, [0.9], [0.1], "not_finite"),
        (0.5, [0.1], [0.1], "degenerate"),
        (0.5, [0.1], [0.9], "degenerate"),
    ],
)
def test_anchors_that_make_no_scale(cosine: float, same: list[float], different: list[float], kind: str) -> None:
    with pytest.raises(Unscorable) as caught:
        anchored_cosine(cosine, same, different)
    assert caught.value.kind == kind


def test_rate_needs_both_kinds_of_pairs() -> None:
    for same, different, kind in (([], [0.1], "too_few"), ([0.1], [], "too_few"), ([np.inf], [0.1], "not_finite")):
        with pytest.raises(Unscorable) as caught:
            equal_error_rate(same, different)
        assert caught.value.kind == kind
