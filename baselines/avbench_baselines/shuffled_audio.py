"""A floor: the true picture with the sound of another prompt of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avbench.clip import Prompt
from avbench.media import write_clip
from avbench.model import Generate, Model, Role
from avbench.world.toybox import KINDS, draw_scene, render, scene_of


@dataclass(frozen=True)
class ShuffledAudio(Model):
    """Takes the sound of a later scene of the same kind (speech from another voice): only the pairing is broken."""

    title: str = "shuffled audio"
    role: ClassVar[Role] = "floor"

    def load(self, device: str) -> Generate:
        """See ``Model.load``; raises ``UsageError`` for prompts that are not the Toybox's."""

        def generate(prompt: Prompt, seed: int, path: Path) -> None:
            scene, settings = scene_of(prompt)
            step = len(KINDS) * (1 + seed % 7)
            other = draw_scene(scene.split, scene.index + step, scene.seed, settings)
            while other.voice is not None and other.voice == scene.voice:
                other = draw_scene(scene.split, other.index + len(KINDS), scene.seed, settings)
            write_clip(path, render(scene, settings)[0], settings.fps, render(other, settings)[1], settings.rate)

        return generate


MODEL = ShuffledAudio()
