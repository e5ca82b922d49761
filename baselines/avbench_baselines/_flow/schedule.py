"""Noise levels: 0 is the clip, 1 is noise.

Sources: rectified flow (arXiv 2209.03003); logit-normal levels and the shift from Stable Diffusion 3 (arXiv 2403.03206); the bell
weight of NAVA's release (arXiv 2605.30073), after Wan's trainer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

TABLE = 1000  # levels of the released trainers


def shifted(level: Tensor, shift: float) -> Tensor:
    """Levels moved towards noise: shift * s / (1 + (shift - 1) * s)."""
    return shift * level / (1 + (shift - 1) * level)


@dataclass(frozen=True)
class Levels:
    """How levels are drawn in training and laid out in sampling.

    ``uniform`` draws evenly from 0 ... 1; ``logit_normal`` the sigmoid of a normal of ``mean`` and ``deviation``. Both are shifted.
    """

    kind: Literal["uniform", "logit_normal"] = "logit_normal"
    shift: float = 1.0
    mean: float = -0.2
    deviation: float = 1.0

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Levels of ``count`` clips, float32 (count,), on the generator's device."""
        device = generator.device
        if self.kind == "uniform":
            return shifted(torch.rand(count, generator=generator, device=device), self.shift)
        normal = torch.randn(count, generator=generator, device=device)
        return shifted(torch.sigmoid(self.mean + self.deviation * normal), self.shift)

    def grid(self, steps: int) -> Tensor:
        """The levels a sampler passes, float64 (steps + 1,), from 1 to 0: evenly spaced, then shifted.

        Raises:
            ValueError: no step.
        """
        if steps < 1:
            raise ValueError(f"A sampler needs 1 step or more, not {steps}.")
        return shifted(torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64), self.shift)


def bell_weight(level: Tensor, shift: float) -> Tensor:
    """Weights of levels (any shape): exp(-2 (s - 1/2)^2) above its least value, 1 on average over the 1000 shifted levels."""
    table = shifted(torch.linspace(1.0, 0.003, TABLE, dtype=torch.float64, device=level.device), shift)
    bell = torch.exp(-2 * (table - 0.5) ** 2)
    own = torch.exp(-2 * (level.double() - 0.5) ** 2) - bell.min()
    return (own / (bell - bell.min()).mean()).clamp(min=0).to(level.dtype)
