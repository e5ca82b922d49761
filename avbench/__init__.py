"""avbench judges folders of generated audio-video clips: numbers with their N, interval, protocol and missing clips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avbench.leaderboard.rank import rank
    from avbench.report import Report
    from avbench.runner import run

__all__ = ["Report", "rank", "run"]


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used, so that ``avbench list`` stays quick."""
    import importlib

    homes = {"run": "avbench.runner", "Report": "avbench.report", "rank": "avbench.leaderboard.rank"}
    if name not in homes:
        raise AttributeError(f"module 'avbench' has no attribute {name!r}")
    return getattr(importlib.import_module(homes[name]), name)
