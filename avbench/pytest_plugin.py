"""pytest: a fixture that fails a test where new clips are worse than old ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from avbench.leaderboard.gate import Gate
    from avbench.report import Report


@pytest.fixture(scope="session")
def avbench_gate() -> Callable[..., Gate]:
    """``avbench_gate(new, old, margins=None, metrics=None, level=0.99)``: the gate's outcome, or a failed test.

    ``new`` and ``old`` are reports or their files. The test fails where the gate fails or is inconclusive; reports that may not be
    compared raise ``NotComparable``.

    Example:
        def test_no_regression(avbench_gate):
            avbench_gate("new.json", "old.json", margins={"av_offset": 0.02})
    """

    def check(
        new: str | Path | Report,
        old: str | Path | Report,
        margins: Mapping[str, float] | None = None,
        metrics: Sequence[str] | None = None,
        level: float = 0.99,
    ) -> Gate:
        from avbench.leaderboard.gate import gate
        from avbench.leaderboard.gate_pages import as_text

        outcome = gate(_report(new), _report(old), margins, metrics, level)
        if outcome.answer != "pass":
            pytest.fail(as_text(outcome), pytrace=False)
        return outcome

    return check


def _report(source: str | Path | Report) -> Report:
    from avbench.report import Report

    return source if isinstance(source, Report) else Report.read(source)
