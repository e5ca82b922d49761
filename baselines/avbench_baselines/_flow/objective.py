"""What is learned: the velocity from clip to noise, predicted as such or through the clip itself.

A noisy latent at level t is (1 - t) * clip + t * noise and its velocity noise - clip. Sources: rectified flow (arXiv 2209.03003);
the prediction of the clip under a loss on the velocity, with the level floored, from JiT (arXiv 2511.13720).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from avbench_baselines._flow.schedule import Levels, bell_weight
from avbench_baselines._networks.context import Context
from avbench_baselines._networks.masks import Masks


@dataclass(frozen=True)
class Objective:
    """The training target, alike for every paradigm.

    Args:
        predicts: what the network's output means, ``clip`` or ``velocity``; the loss is on the velocity either way.
        levels: how noise levels are drawn.
        floor: the least level that a predicted clip is divided by.
        video_weight: weight of the video's loss.
        audio_weight: weight of the audio's loss.
        bell: whether levels are weighted as in NAVA's release.
        condition_noise: the greatest share of noise in the video that a cascade's audio model sees in training.
    """

    predicts: Literal["clip", "velocity"] = "clip"
    levels: Levels = field(default_factory=Levels)
    floor: float = 0.05
    video_weight: float = 1.0
    audio_weight: float = 1.0
    bell: bool = False
    condition_noise: float = 0.2


NAVA_OBJECTIVE = Objective("velocity", Levels("uniform", 5.0), audio_weight=0.2, bell=True)


class Noised(NamedTuple):
    """Noisy latents (batch, tokens, channels), their velocities, their common level (batch,), and a cascade's view of the video."""

    video: Tensor
    audio: Tensor
    video_velocity: Tensor
    audio_velocity: Tensor
    t: Tensor
    condition: Tensor


class Losses(NamedTuple):
    """The weighted total, and each modality's mean squared error of the velocity before weights; all scalars."""

    total: Tensor
    video: Tensor
    audio: Tensor


def noised(objective: Objective, video: Tensor, audio: Tensor, generator: torch.Generator) -> Noised:
    """Clips' latents with independent noise at one level per clip; a modality may have no token."""
    t = objective.levels.draw(video.shape[0], generator)
    weight = t[:, None, None]
    clean, dirt = (video, audio), [_noise(x, generator) for x in (video, audio)]
    mixed = [(1 - weight) * x + weight * n for x, n in zip(clean, dirt, strict=True)]
    share = objective.condition_noise * torch.rand(len(t), 1, 1, generator=generator, device=t.device)
    seen = (1 - share) * video + share * _noise(video, generator)
    return Noised(mixed[0], mixed[1], dirt[0] - video, dirt[1] - audio, t, seen)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


def velocity(objective: Objective, prediction: Tensor, noisy: Tensor, t: Tensor) -> Tensor:
    """The velocity that a prediction (batch, tokens, channels) at level t (batch,) stands for."""
    if objective.predicts == "velocity":
        return prediction
    return (noisy - prediction) / t.clamp(min=objective.floor)[:, None, None]


def losses(objective: Objective, network: nn.Module, noisy: Noised, context: Context, masks: Masks) -> Losses:
    """One training step's losses: means over each clip's own numbers, then over the clips that have the modality.

    Args:
        objective: the target and its weights.
        network: as ``build`` makes it.
        noisy: see ``noised``.
        context: see ``Context``.
        masks: dropped conditions and padding; padded tokens count for nothing.
    """
    extra = {"condition": noisy.condition} if network.cascaded else {}
    predicted = network(noisy.video, noisy.audio, noisy.t, context, masks, **extra)
    weight = bell_weight(noisy.t, objective.levels.shift) if objective.bell else torch.ones_like(noisy.t)
    sides = ((noisy.video, noisy.video_velocity, masks.video_valid), (noisy.audio, noisy.audio_velocity, masks.audio_valid))
    means, totals = [], []
    for prediction, (latent, target, valid) in zip(predicted, sides, strict=True):
        error = (_floored(objective, prediction, latent, target, noisy.t)) ** 2
        on = torch.ones(error.shape[:2], dtype=torch.bool, device=error.device) if valid is None else valid
        own = (error.mean(-1) * on).sum(1) / on.sum(1).clamp(min=1)
        present = on.any(1)
        means.append(own.sum() / present.sum().clamp(min=1))
        totals.append((own * weight).sum() / present.sum().clamp(min=1))
    return Losses(objective.video_weight * totals[0] + objective.audio_weight * totals[1], means[0], means[1])


def _floored(objective: Objective, prediction: Tensor, latent: Tensor, target: Tensor, t: Tensor) -> Tensor:
    """The velocity's error; below the floor, that of the predicted clip over the floor, so that its best value stays the clip."""
    if objective.predicts == "velocity":
        return prediction - target
    clip = latent - t[:, None, None] * target
    return (clip - prediction) / t.clamp(min=objective.floor)[:, None, None]
