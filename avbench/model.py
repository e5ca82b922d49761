"""What answers prompts: a function from prompt and seed to a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from avbench.clip import Prompt

Generate = Callable[[Prompt, int, Path], None]
Role = Literal["model", "floor", "ceiling"]


class Model(ABC):
    """A generator of clips. Subclasses are frozen dataclasses; ``title`` is the name in tables.

    ``role`` says what a row of it means: a ``floor`` does something trivial, and a metric that puts it ahead of a ``model`` is
    flagged in that table; a ``ceiling`` copies what is real.
    """

    title: str
    role: ClassVar[Role] = "model"

    @abstractmethod
    def load(self, device: str) -> Generate:
        """Return ``generate(prompt, seed, path)``, which writes one mp4 with picture and sound to ``path``."""


@dataclass(frozen=True)
class FolderModel(Model):
    """A model outside this process: it gets all prompts at once and fills a folder.

    Args:
        argv: the program and its arguments.
        timeout_seconds: how long the program may run.
    """

    argv: tuple[str, ...] = ()
    timeout_seconds: float = 600.0

    @abstractmethod
    def generate_all(self, prompts: Sequence[Prompt], seed: int, folder: Path) -> None:
        """Write ``<prompt id>.mp4`` into ``folder`` for every prompt."""
