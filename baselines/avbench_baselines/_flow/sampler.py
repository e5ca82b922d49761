"""From noise to latents along the guided velocity: Euler's and Heun's methods on one grid of levels.

Heun's method evaluates twice per step, except in the last, which ends where the velocity of a predicted clip is not defined; see
EDM (arXiv 2206.00364), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from avbench_baselines._flow.guidance import Guided
from avbench_baselines._flow.schedule import Levels

Latents = tuple[Tensor, Tensor]
Velocity = Callable[[Tensor, Tensor, Tensor], Latents]


@dataclass(frozen=True)
class Sampler:
    """``method`` with ``steps`` steps on the grid of ``levels``."""

    method: Literal["euler", "heun"] = "euler"
    steps: int = 20
    levels: Levels = field(default_factory=Levels)

    def evaluations(self) -> int:
        """Evaluations of the velocity per clip; guidance makes each a batch of several."""
        return self.steps if self.method == "euler" else 2 * self.steps - 1

    def integrate(self, velocity: Velocity, video: Tensor, audio: Tensor) -> Latents:
        """Noise (batch, tokens, channels) to latents of the same shapes.

        ``velocity`` takes video, audio and one level per clip, (batch,), and returns both velocities.
        """
        state, batch = (video, audio), video.shape[0]
        grid = self.levels.grid(self.steps).tolist()
        for i in range(self.steps):
            now, then = (video.new_full((batch,), level) for level in grid[i : i + 2])
            step = grid[i + 1] - grid[i]
            slope = velocity(*state, now)
            ahead = _moved(state, slope, step)
            if self.method == "heun" and i + 1 < self.steps:
                there = velocity(*ahead, then)
                mean = (slope[0] + there[0]) / 2, (slope[1] + there[1]) / 2
                ahead = _moved(state, mean, step)
            state = ahead
        return state


def _moved(state: Latents, slope: Latents, step: float) -> Latents:
    return state[0] + step * slope[0], state[1] + step * slope[1]


def noise(shapes: tuple[tuple[int, ...], tuple[int, ...]], seeds: list[int], device: torch.device) -> Latents:
    """Independent noise for video and audio, one generator per clip, so that a clip does not depend on its batch.

    Args:
        shapes: (tokens, channels) of video and audio.
        seeds: one per clip.
        device: where the noise is to lie; it is drawn on the CPU, so that it is the same everywhere.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn = [tuple(torch.randn(shape, generator=g) for shape in shapes) for g in generators]
    video, audio = (torch.stack([pair[i] for pair in drawn]).to(device) for i in range(2))
    return video, audio


@torch.no_grad()
def sample(guided: Guided, sampler: Sampler, video: Tensor, audio: Tensor) -> Latents:
    """Latents from noise (batch, tokens, channels); a cascade finishes the video before its audio model sees it.

    A modality with no token is left out: audio alone, or video alone.
    """
    if not guided.network.cascaded:
        return sampler.integrate(guided.velocity, video, audio)
    watching = replace(guided, condition=None)
    finished, _ = sampler.integrate(watching.velocity, video, audio[:, :0])
    listening = replace(guided, condition=finished)
    _, sound = sampler.integrate(listening.velocity, video[:, :0], audio)
    return finished, sound
