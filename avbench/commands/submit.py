"""``avbench submit``: may a report enter a leaderboard?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from avbench.errors import NotComparable, UsageError


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("reports", nargs="+", metavar="REPORT", help="reports written by avbench run")
    sub.add_argument("--check", action="store_true", help="say whether each may enter, and why not (the only thing it does)")
    sub.add_argument("--board", metavar="DIR", help="the leaderboard folder it is for: its prompts and model names count too")
    sub.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    """0 where all may enter, 5 where one may not."""
    if not arguments.check:
        raise UsageError("avbench submit checks and sends nothing; pass --check, then open a pull request with the report.")
    found = {path: _reasons(Path(path), arguments.board) for path in arguments.reports}
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for path, reasons in found.items():
            print(f"{path}: {'may enter' if not reasons else 'may not enter'}")
            print("".join(f"  {reason}\n" for reason in reasons), end="")
    return NotComparable.exit_code if any(found.values()) else 0


def _reasons(path: Path, folder: str | None) -> list[str]:
    from avbench.leaderboard.board import read_reports, read_settings
    from avbench.leaderboard.entry import refusals
    from avbench.report import Report

    report = Report.read(path)
    if folder is None:
        return refusals(report)
    board = read_settings(Path(folder))
    others = [other for place, other in read_reports(Path(folder)).items() if place.resolve() != path.resolve()]
    return refusals(report, board.benchmark, others, set(board.prompts), board.checkpoints)
