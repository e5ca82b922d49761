"""The size of a study, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from avbench.statistics import Design, clips_needed, compare, smallest_effect


@pytest.mark.parametrize(("effect", "power"), [(0.2, 0.8), (0.5, 0.9), (1.5, 0.8)])
def test_clips_needed_is_statsmodels(effect: float, power: float) -> None:
    expected = TTestPower().solve_power(effect / 2.0, power=power, alpha=0.05)
    assert clips_needed(Design(2.0, power), effect) == int(np.ceil(expected))


def test_the_smallest_effect_is_statsmodels_and_inverse() -> None:
    expected = TTestPower().solve_power(nobs=50, power=0.8, alpha=0.05)
    assert smallest_effect(Design(3.0), 50) == pytest.approx(3 * expected, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(6, 3000), st.floats(1e-3, 1e3), st.floats(0.1, 0.99))
def test_one_undoes_the_other(prompts: int, deviation: float, power: float) -> None:
    design = Design(deviation, power)
    effect = smallest_effect(design, prompts)
    assert clips_needed(design, effect * 1.0001) <= prompts
    assert prompts == 6 or clips_needed(design, effect * 0.999) >= prompts


def test_more_clips_of_a_prompt_help_by_what_they_differ() -> None:
    single = clips_needed(Design(1.0), 0.2)
    assert clips_needed(Design(1.0, samples=4, correlation=0.0), 0.2) == pytest.approx(single, rel=0.06)  # whole prompts of four
    assert clips_needed(Design(1.0, samples=4, correlation=1.0), 0.2) == 4 * single
    assert single < clips_needed(Design(1.0, samples=4, correlation=0.5), 0.2) < 4 * single


@pytest.mark.parametrize("effect", [1.5, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("columns", [1, 4])
def test_what_is_planned_compare_can_show(effect: float, columns: int) -> None:
    """Five prompts, the t test's answer to 2 standard deviations, are never significant among 32 sign patterns."""
    prompts = clips_needed(Design(1.0, columns=columns), effect)
    random = np.random.default_rng(5)
    zero = [(str(i), str(i), 0.0) for i in range(prompts)]
    drawn = [[(str(i), str(i), x) for i, x in enumerate(random.normal(effect, 1, prompts))] for _ in range(300)]
    found = [compare(rows, zero, interval=False) for rows in drawn]
    assert np.mean([d is not None and d.p * columns < 0.05 for d in found]) > 0.72


def test_fewer_prompts_than_sign_flips_need_show_nothing() -> None:
    assert [Design(1.0, columns=k).fewest for k in (1, 2, 10)] == [6, 7, 9]
    assert Design(1.0, level=0.5).fewest == 3 and Design(1.0, flipped=False).fewest == 2  # 2 / 2^2 is not below 0.5
    assert clips_needed(Design(1.0), 100.0) == 6
    with pytest.raises(ValueError, match="6 are needed"):
        smallest_effect(Design(1.0), 5)


@pytest.mark.parametrize(
    "bad", [{"deviation": 0.0}, {"power": 1.0}, {"power": 0.04}, {"samples": 0}, {"columns": 0}, {"correlation": 1.5}]
)
def test_impossible_designs(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Design(**{"deviation": 1.0, **bad})  # type: ignore[arg-type]
    for effect in (0.0, float("nan"), 1e-9):
        with pytest.raises(ValueError):
            clips_needed(Design(1.0), effect)
