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
    """

    deviation: float
    power: float = 0.8
    level: float = 0.95
    samples: int = 1
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if not (self.deviation > 0 and math.isfinite(self.deviation)):
            raise ValueError(f"A standard deviation of {self.deviation} allows no plan; it must be positive.")
        if not (0 < self.level < 1 and 1 - self.level < self.power < 1):
            raise ValueError(f"The power {self.power} must lie between {1 - self.level:.4g} and 1.")
        if self.samples < 1 or not 0 <= self.correlation <= 1:
            raise ValueError("There must be one sample or more per prompt, and a correlation within 0 ... 1.")

    @property
    def prompt_deviation(self) -> float:
        """Standard deviation of a prompt's mean: deviation sqrt((1 + (k - 1) rho) / k)."""
        return self.deviation * math.sqrt((1 + (self.samples - 1) * self.correlation) / self.samples)

    def found(self, effect: float, prompts: int) -> float:
        """Power of the two-sided t test over this many prompts."""
        from scipy import stats

        critical = student_quantile(0.5 + self.level / 2, prompts - 1)
        shift = abs(effect) / self.prompt_deviation * math.sqrt(prompts)
        if shift > 30 + critical:  # the noncentral t underflows here, and nothing is missed
            return 1.0
        return float(stats.nct.sf(critical, prompts - 1, shift) + stats.nct.cdf(-critical, prompts - 1, shift))


def clips_needed(design: Design, effect: float) -> int:
    """Smallest number of clips (prompts times samples) with which the difference ``effect`` is found with the design's power.

    Raises:
        ValueError: an effect of zero, or one that needs more than 10^9 prompts.
    """
    if not (effect and math.isfinite(effect)):
        raise ValueError(f"No number of clips shows a difference of {effect}.")
    low, high = 1, 2
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
        ValueError: fewer than two prompts.
    """
    from scipy import optimize

    if prompts < 2:
        raise ValueError(f"{prompts} prompt(s) show no difference; 2 are needed.")
    unit = design.prompt_deviation / math.sqrt(prompts)
    most = unit
    while design.found(most, prompts) < design.power:
        most *= 2.0
    return float(optimize.brentq(lambda effect: design.found(effect, prompts) - design.power, 1e-9 * unit, most, xtol=1e-12 * unit))
