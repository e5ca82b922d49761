"""The size of a study, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from avbench.statistics import Design, clips_needed, smallest_effect


@pytest.mark.parametrize(("effect", "power"), [(0.2, 0.8), (0.5, 0.9), (1.5, 0.8)])
def test_clips_needed_is_statsmodels(effect: float, power: float) -> None:
    expected = TTestPower().solve_power(effect / 2.0, power=power, alpha=0.05)
    assert clips_needed(Design(2.0, power), effect) == int(np.ceil(expected))


def test_the_smallest_effect_is_statsmodels_and_inverse() -> None:
    expected = TTestPower().solve_power(nobs=50, power=0.8, alpha=0.05)
    assert smallest_effect(Design(3.0), 50) == pytest.approx(3 * expected, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 3000), st.floats(1e-3, 1e3), st.floats(0.1, 0.99))
def test_one_undoes_the_other(prompts: int, deviation: float, power: float) -> None:
    design = Design(deviation, power)
    effect = smallest_effect(design, prompts)
    assert clips_needed(design, effect * 1.0001) <= prompts
    assert prompts == 2 or clips_needed(design, effect * 0.999) >= prompts


def test_more_clips_of_a_prompt_help_by_what_they_differ() -> None:
    single = clips_needed(Design(1.0), 0.2)
    assert clips_needed(Design(1.0, samples=4, correlation=0.0), 0.2) == pytest.approx(single, rel=0.06)  # whole prompts of four
    assert clips_needed(Design(1.0, samples=4, correlation=1.0), 0.2) == 4 * single
    assert single < clips_needed(Design(1.0, samples=4, correlation=0.5), 0.2) < 4 * single


@pytest.mark.parametrize("bad", [{"deviation": 0.0}, {"power": 1.0}, {"power": 0.04}, {"samples": 0}, {"correlation": 1.5}])
def test_impossible_designs(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Design(**{"deviation": 1.0, **bad})  # type: ignore[arg-type]
    for effect in (0.0, float("nan"), 1e-9):
        with pytest.raises(ValueError):
            clips_needed(Design(1.0), effect)
