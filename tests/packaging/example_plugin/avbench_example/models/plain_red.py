"""A red picture with a hum."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avbench.clip import Prompt
from avbench.media import write_clip
from avbench.model import Generate, Model


@dataclass(frozen=True)
class PlainRed(Model):
    """Answers every prompt alike."""

    title: str = "plain red"

    def load(self, device: str) -> Generate:
        def generate(prompt: Prompt, seed: int, path: Path) -> None:
            frames = np.zeros((10, 32, 32, 3), np.uint8)
            frames[..., 0] = 200
            write_clip(path, frames, 10, np.sin(np.arange(16_000) / 20).astype(np.float32) * 0.1, 16_000)

        return generate


MODEL = PlainRed()
