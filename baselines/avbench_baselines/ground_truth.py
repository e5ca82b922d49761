"""The ceiling: the Toybox's own rendering of each prompt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avbench.clip import Prompt
from avbench.media import write_clip
from avbench.model import Generate, Model, Role
from avbench.world.toybox import render, scene_of


@dataclass(frozen=True)
class GroundTruth(Model):
    """Writes the clip that a Toybox prompt describes; there is one, whatever the seed."""

    title: str = "ground truth"
    role: ClassVar[Role] = "ceiling"

    def load(self, device: str) -> Generate:
        """See ``Model.load``; raises ``UsageError`` for prompts that are not the Toybox's."""

        def generate(prompt: Prompt, seed: int, path: Path) -> None:
            scene, settings = scene_of(prompt)
            frames, samples = render(scene, settings)
            write_clip(path, frames, settings.fps, samples, settings.rate)

        return generate


MODEL = GroundTruth()
