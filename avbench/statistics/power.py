"""How many clips a difference needs, and the smallest difference that a number of clips can show."""

from __future__ import annotations

import math
from dataclasses import dataclass

from avbench.statistics.intervals import student_quantile


@dataclass(frozen=True)
class Design:
    """How a study is made.

    Args:
        deviation: standard deviation of one clip's (paired difference of) score.
        power: chance to find a difference that is there.
        level: 1 - chance to find one that is not there, both directions together.
        samples: clips per prompt.
        correlation: of two clips of one prompt, 0 ... 1.
        columns: metrics that are judged together; the first of Holm's tests must then be below (1 - level) / columns.
        flipped: whether sign flips will judge it, as they do means over clips; False for sets, where a t test does.
    """

    deviation: float
    power: float = 0.8
    level: float = 0.95
    samples: int = 1
    correlation: float = 0.0
    columns: int = 1
    flipped: bool = True

    def __post_init__(self) -> None:
        if not (self.deviation > 0 and math.isfinite(self.deviation)):
            raise ValueError(f"A standard deviation of {self.deviation} allows no plan; it must be positive.")
        if not (0 < self.level < 1 and 1 - self.level < self.power < 1):
            raise ValueError(f"The power {self.power} must lie between {1 - self.level:.4g} and 1.")
        if self.samples < 1 or not 0 <= self.correlation <= 1:
            raise ValueError("There must be one sample or more per prompt, and a correlation within 0 ... 1.")
        if self.columns < 1:
            raise ValueError(f"{self.columns} columns are none to judge.")

    @property
    def prompt_deviation(self) -> float:
        """Standard deviation of a prompt's mean: deviation sqrt((1 + (k - 1) rho) / k)."""
        return self.deviation * math.sqrt((1 + (self.samples - 1) * self.correlation) / self.samples)

    @property
    def strict(self) -> float:
        """What p must be below."""
        return (1 - self.level) / self.columns

    @property
    def fewest(self) -> int:
        """Prompts below which no difference, however large, is significant: sign flips need 2 / 2^G < (1 - level) / columns."""
        return math.floor(math.log2(2 / self.strict)) + 1 if self.flipped else 2

    def found(self, effect: float, prompts: int) -> float:
        """Power of the two-sided t test over this many prompts, 0 below ``fewest``; normal differences.

        Where nothing but full agreement is significant among sign flips, no more than the chance that all prompts agree.
        """
        from scipy import stats

        if prompts < self.fewest:
            return 0.0
        critical = student_quantile(1.0 - self.strict / 2, prompts - 1)
        ratio = abs(effect) / self.prompt_deviation
        shift = ratio * math.sqrt(prompts)
        most = 1.0
        if self.flipped and 4 * 0.5**prompts >= self.strict:
            most = float(stats.norm.cdf(ratio)) ** prompts + float(stats.norm.sf(ratio)) ** prompts
        if shift > 30 + critical:  # the noncentral t underflows here, and nothing is missed
            return most
        return min(most, float(stats.nct.sf(critical, prompts - 1, shift) + stats.nct.cdf(-critical, prompts - 1, shift)))


def clips_needed(design: Design, effect: float) -> int:
    """Smallest number of clips (prompts times samples) with which the difference ``effect`` is found with the design's power.

    Raises:
        ValueError: an effect of zero, or one that needs more than 10^9 prompts.
    """
    if not (effect and math.isfinite(effect)):
        raise ValueError(f"No number of clips shows a difference of {effect}.")
    low, high = design.fewest - 1, design.fewest
    while design.found(effect, high) < design.power:
        low, high = high, high * 2
        if high > 10**9:
            raise ValueError(f"A difference of {effect} needs more than 10^9 prompts.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if design.found(effect, middle) >= design.power else (middle, high)
    return high * design.samples


def smallest_effect(design: Design, prompts: int) -> float:
    """Smallest difference that this many prompts find with the design's power.

    Raises:
        ValueError: fewer prompts than can show any.
    """
    from scipy import optimize

    if prompts < design.fewest:
        raise ValueError(f"{prompts} prompt(s) show no difference, however large; {design.fewest} are needed.")
    unit = design.prompt_deviation / math.sqrt(prompts)
    most = unit
    while design.found(most, prompts) < design.power:
        most *= 2.0
    return float(optimize.brentq(lambda effect: design.found(effect, prompts) - design.power, 1e-9 * unit, most, xtol=1e-12 * unit))
