"""What answers prompts: a function from prompt and seed to a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from avbench.clip import Prompt

Generate = Callable[[Prompt, int, Path], None]


class Model(ABC):
    """A generator of clips. Subclasses are frozen dataclasses; ``title`` is the name in tables."""

    title: str

    @abstractmethod
    def load(self, device: str) -> Generate:
        """Return ``generate(prompt, seed, path)``, which writes one mp4 with picture and sound to ``path``."""
