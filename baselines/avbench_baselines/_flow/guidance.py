"""Guidance: what the conditions change, exaggerated, with a scale per condition and modality.

v + text (v - v without text) + alignment (v - v with video and audio apart) + timbre (v - v without voices), as in NAVA
(arXiv 2605.30073), equations 10 and 11. A scale of 0 leaves a condition as it is; text at 3 is what others call a scale of 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avbench_baselines._flow.objective import Objective, velocity
from avbench_baselines._networks.context import Context
from avbench_baselines._networks.masks import UNMASKED, Masks, stacked


@dataclass(frozen=True)
class Scale:
    """How far a condition is exaggerated in each modality; 0 not at all."""

    video: float = 0.0
    audio: float = 0.0


@dataclass(frozen=True)
class Guidance:
    """The three scales; all 0 costs one evaluation per step, and every condition with a scale one more."""

    text: Scale = Scale()
    alignment: Scale = Scale()
    timbre: Scale = Scale()


UNGUIDED = Guidance()
NAVA_GUIDANCE = Guidance(text=Scale(3.0, 2.0), alignment=Scale(3.0, 2.0), timbre=Scale(0.0, 3.0))
SWITCHES = {"text": "drop_text", "alignment": "alignment", "timbre": "drop_timbre"}


@dataclass(frozen=True)
class Guided:
    """A network's guided velocity under fixed conditions.

    Args:
        network: as ``build`` makes it.
        objective: what its output means.
        context: what is asked for.
        guidance: the scales.
        masks: padding, and conditions withheld on purpose.
        condition: the finished video that a cascade's audio model sees; no token, or ``None``, where there is none.
    """

    network: nn.Module
    objective: Objective
    context: Context
    guidance: Guidance = UNGUIDED
    masks: Masks = UNMASKED
    condition: Tensor | None = None

    def terms(self, video: Tensor, audio: Tensor) -> dict[str, Scale]:
        """The conditions that cost an evaluation: those with a scale for a modality that is there and can change by it."""
        tokens = (video.shape[1], audio.shape[1])
        other = self.condition.shape[1] if self.condition is not None else tokens[0]
        scales = {name: getattr(self.guidance, name) for name in SWITCHES}
        if not (tokens[1] and other):  # nothing to keep apart
            del scales["alignment"]
        return {name: s for name, s in scales.items() if (s.video and tokens[0]) or (s.audio and tokens[1])}

    def velocity(self, video: Tensor, audio: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Guided velocities of noisy latents (batch, tokens, channels) at levels (batch,), from one call of the network."""
        terms, batch = self.terms(video, audio), video.shape[0]
        copies = 1 + len(terms)
        switched = [self.masks.everywhere(SWITCHES[name], batch, t.device) for name in terms]
        masks = stacked([self.masks, *switched], batch, t.device)
        many_video, many_audio, many_t = (torch.cat([x] * copies) for x in (video, audio, t))
        extra = {"condition": torch.cat([self.condition] * copies)} if self.condition is not None else {}
        predicted = self.network(many_video, many_audio, many_t, self.context.repeated(copies), masks, **extra)
        sides = (("video", many_video, predicted[0]), ("audio", many_audio, predicted[1]))
        found = [self._combined(side, velocity(self.objective, out, noisy, many_t), terms) for side, noisy, out in sides]
        return found[0], found[1]

    def _combined(self, side: str, velocities: Tensor, terms: dict[str, Scale]) -> Tensor:
        full, *without = velocities.chunk(1 + len(terms))
        guided = full
        for scale, other in zip(terms.values(), without, strict=True):
            guided = guided + getattr(scale, side) * (full - other)
        return guided
