"""A table as words, before any format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Word:
    """One cell: its text, whether it is the best of a measured column, whether a published number is of low reliability."""

    text: str
    best: bool = False
    doubtful: bool = False


@dataclass(frozen=True)
class Sheet:
    """One printed table; ``measured`` here, or ``reported`` by others."""

    kind: Literal["measured", "reported"]
    title: str
    head: tuple[str, ...]
    body: tuple[tuple[Word, ...], ...]
    notes: tuple[str, ...] = ()
