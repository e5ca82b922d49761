"""Progress on stderr: a bar with rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

EVERY_SECONDS = 5.0


class ProgressLines:
    """A callable ``(what, done, total)`` to hand to ``run`` or ``generate``; use it as a context manager."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, float] = {}
        self._last = 0.0

    def __enter__(self) -> ProgressLines:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                       TextColumn("{task.fields[rate]}"), TimeRemainingColumn())  # fmt: skip
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        started = self._started.setdefault(what, now)
        rate = done / (now - started) if done and now > started else 0.0
        if self._bar is not None:
            if what not in self._tasks:
                self._tasks[what] = self._bar.add_task(what, total=total, rate="")
            self._bar.update(self._tasks[what], completed=done, rate=f"{rate:.1f}/s")
        elif done == total or now - self._last >= EVERY_SECONDS:
            self._last = now
            left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
            print(f"{what}: {done}/{total}, {rate:.1f}/s{left}", file=sys.stderr, flush=True)
