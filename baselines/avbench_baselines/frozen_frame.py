"""A floor: the first frame held still under the true sound."""

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
class FrozenFrame(Model):
    """Repeats the Toybox's first frame and keeps its sound."""

    title: str = "frozen frame"
    role: ClassVar[Role] = "floor"

    def load(self, device: str) -> Generate:
        """See ``Model.load``; raises ``UsageError`` for prompts that are not the Toybox's."""

        def generate(prompt: Prompt, seed: int, path: Path) -> None:
            scene, settings = scene_of(prompt)
            frames, samples = render(scene, settings)
            write_clip(path, np.repeat(frames[:1], len(frames), axis=0), settings.fps, samples, settings.rate)

        return generate


MODEL = FrozenFrame()
