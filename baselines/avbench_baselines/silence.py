"""A floor: the true picture with digital silence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from avbench.clip import Prompt
from avbench.media import write_clip
from avbench.model import Generate, Model, Role
from avbench.world.toybox import render, scene_of


@dataclass(frozen=True)
class Silence(Model):
    """Keeps the Toybox's picture and writes an audio stream of zeros."""

    title: str = "silence"
    role: ClassVar[Role] = "floor"

    def load(self, device: str) -> Generate:
        """See ``Model.load``; raises ``UsageError`` for prompts that are not the Toybox's."""

        def generate(prompt: Prompt, seed: int, path: Path) -> None:
            scene, settings = scene_of(prompt)
            frames, samples = render(scene, settings)
            write_clip(path, frames, settings.fps, np.zeros_like(samples), settings.rate)

        return generate


MODEL = Silence()
