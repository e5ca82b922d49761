"""``avbench gate``: may the new clips replace the old ones?"""

from __future__ import annotations

import argparse
import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avbench.commands.compare import add_shared_options, check_level, margins_from, names_of
from avbench.errors import UsageError

if TYPE_CHECKING:
    from avbench.leaderboard.gate import Gate

EXIT = {"pass": 0, "fail": 4, "inconclusive": 6}


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("new", metavar="NEW", help="report of the clips that shall enter")
    sub.add_argument("--against", required=True, metavar="OLD", help="report of the clips that they shall replace")
    add_shared_options(sub)
    sub.add_argument("--level", type=float, default=0.99, help="1 - chance of a false alarm over all metrics (default 0.99)")
    sub.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    sub.add_argument("--summary", metavar="FILE", help="append Markdown (default: $GITHUB_STEP_SUMMARY, where it is set)")
    sub.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    """0 pass, 4 regression, 5 not comparable, 6 inconclusive."""
    from avbench.leaderboard import gate_pages
    from avbench.leaderboard.gate import gate
    from avbench.report import Report

    check_level(arguments.level)
    outcome = gate(
        Report.read(arguments.new),
        Report.read(arguments.against),
        margins_from(arguments.margin),
        names_of(arguments),
        arguments.level,
    )
    if arguments.json:
        print(json.dumps(_facts(outcome), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        print(gate_pages.as_text(outcome), end="")
        if os.environ.get("GITHUB_ACTIONS") == "true":
            print(gate_pages.as_annotations(outcome), end="")
    if arguments.junit:
        _write(Path(arguments.junit), gate_pages.as_junit(outcome), "w")
    summary = arguments.summary or os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        _write(Path(summary), gate_pages.as_markdown(outcome), "a")
    return EXIT[outcome.answer]


def _facts(outcome: Gate) -> dict[str, Any]:
    checks = [{"metric": c.name, "answer": c.answer, "reason": c.reason, "old": c.old.value, "new": c.new.value if c.new else None,
               "p": c.p, "difference": asdict(c.difference) if c.difference else None, "margin": c.margin,
               "could_show": c.seen if c.seen is not None and math.isfinite(c.seen) else None, "counted_as_worst": c.imputed,
               "worst": [asdict(clip) for clip in c.worst]} for c in outcome.checks]  # fmt: skip
    return {"answer": outcome.answer, "level": outcome.level, "checks": checks, "notes": list(outcome.notes)}


def _write(path: Path, text: str, mode: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); choose another file.") from error
