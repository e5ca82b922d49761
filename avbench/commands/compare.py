"""``avbench compare``: two reports, metric by metric."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from avbench.errors import UsageError

if TYPE_CHECKING:
    from avbench.leaderboard.compare import Comparison, Row


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("first", metavar="A", help="report written by avbench run")
    sub.add_argument("second", metavar="B", help="report of the same benchmark and prompts")
    add_shared_options(sub)
    sub.add_argument("--level", type=float, default=0.95, help="of intervals and tests (default 0.95)")
    sub.add_argument("--json", action="store_true", help="print JSON")


def add_shared_options(sub: argparse.ArgumentParser) -> None:
    """What ``compare`` and ``gate`` both take."""
    sub.add_argument("--metrics", metavar="A,B", help="metrics to compare (default: all that both reports have)")
    sub.add_argument("--margin", action="append", default=[], metavar="METRIC=VALUE", help="a difference that does not matter, in "
                     "the metric's unit; may be given several times")  # fmt: skip


def names_of(arguments: argparse.Namespace) -> list[str] | None:
    """``--metrics`` as names; raises ``UsageError`` where it names none."""
    if arguments.metrics is None:
        return None
    names = [name.strip() for name in arguments.metrics.split(",") if name.strip()]
    if not names:
        raise UsageError("--metrics names no metric; name one or more, or leave it out for all.")
    return names


def margins_from(words: list[str]) -> dict[str, float]:
    """``METRIC=VALUE`` words as numbers; raises ``UsageError`` for other words."""
    margins = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            margins[name] = float(value)
        except ValueError as error:
            raise UsageError(f"--margin {word} is no METRIC=VALUE, such as av_offset=0.02.") from error
    return margins


def check_level(level: float) -> None:
    """Raises ``UsageError`` for a level that is no probability above one half."""
    if not 0.5 < level < 1:
        raise UsageError(f"--level {level:g} makes no sense; give a number between 0.5 and 1, such as 0.95.")


def execute(arguments: argparse.Namespace) -> int:
    """Print the comparison; 0 whoever is ahead."""
    from avbench.leaderboard.compare import compare_reports
    from avbench.report import Report

    check_level(arguments.level)
    found = compare_reports(
        Report.read(arguments.first),
        Report.read(arguments.second),
        names_of(arguments),
        margins_from(arguments.margin),
        arguments.level,
    )
    print(json.dumps(_facts(found), ensure_ascii=False, indent=1, allow_nan=False) if arguments.json else _text(found))
    return 0


def _facts(found: Comparison) -> dict[str, Any]:
    rows = [{"metric": row.first.metric, "protocol": row.first.protocol, "unit": row.first.unit, "better": row.first.better,
             "first": row.first.value, "second": row.second.value, "p_holm": row.p, "verdict": row.verdict, "margin": row.margin,
             "difference": asdict(row.difference) if row.difference else None, "why": row.why,
             "moved": [asdict(clip) for clip in row.moved]} for row in found.rows]  # fmt: skip
    return {"first": found.first.model, "second": found.second.model, "rows": rows, "notes": list(found.notes)}


def _text(found: Comparison) -> str:
    first, second = found.first.model, found.second.model
    rows: list[tuple[str, ...]] = [("metric", first, second, f"{first} - {second}", "interval", "p (Holm)", "verdict")]
    rows += [_line(row, found) for row in found.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    moved = [f"  {row.first.name}: " + "; ".join(f"{c.clip} {c.first:.4g} against {c.second:.4g}" for c in row.moved)
             for row in found.rows if row.moved]  # fmt: skip
    return "\n".join([*lines, "", "clips that differ most:", *moved, "", *found.notes]).rstrip()


def _line(row: Row, found: Comparison) -> tuple[str, ...]:
    from avbench.leaderboard.tables import cell_text

    names = {"first": f"{found.first.model} is ahead", "second": f"{found.second.model} is ahead",
             "not shown": "no difference shown", "equivalent": f"equivalent within {row.margin:.4g}" if row.margin else "",
             "differs": "differs, not shown to exceed the margin",
             "descriptive": "no difference shown", "descriptive: differs": "differs (no direction is better)",
             "unknown": "unknown"}  # fmt: skip
    verdict = names[row.verdict] + (f": {row.why}" if row.why else "")
    values = (row.first.name, cell_text(row.first), cell_text(row.second))
    if row.difference is None or row.p is None:
        return (*values, "", "", "", verdict)
    d = row.difference
    return (*values, f"{d.value:+.4g}", f"[{d.interval.low:+.4g}, {d.interval.high:+.4g}]", f"{row.p:.2g}", verdict)
