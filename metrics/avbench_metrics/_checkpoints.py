"""Every checkpoint that the bundled metrics can use."""

from __future__ import annotations

from avbench.weights import Checkpoint

CHECKPOINTS: tuple[Checkpoint, ...] = ()
