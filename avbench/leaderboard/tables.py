"""A table as text, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from avbench.errors import NotComparable, UsageError
from avbench.leaderboard.contest import Cell
from avbench.leaderboard.escapes import markdown_text, one_line
from avbench.leaderboard.rank import Column, Table
from avbench.report import Result

ARROWS = {"higher": "↑", "lower": "↓", "zero": "→0", "none": ""}


def cell_text(shown: Cell | Result | None) -> str:
    """``value ± half-width (N)``; N is ``scored/expected`` where they differ. A dash with N where there is no value."""
    cell = shown if isinstance(shown, Cell) else Cell(shown)
    result = cell.result
    if result is None:
        return "–"
    if result.value is None:
        return f"– (N={cell.count})"
    reach = ""
    if result.interval is not None:
        low, high = result.value - result.interval.low, result.interval.high - result.value
        reach = f" ±{number((low + high) / 2)}" if abs(low - high) <= 0.05 * (low + high) else (
            f" [{number(result.interval.low)}, {number(result.interval.high)}]")  # fmt: skip
    return f"{number(result.value)}{reach} (N={cell.count})"


def number(value: float) -> str:
    """Four significant digits without an exponent where that stays readable."""
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e5:
        digits = max(0, 3 - int(f"{value:e}".partition("e")[2]))
        return f"{value:.{digits}f}"
    return f"{value:.3g}"


def heading(column: Column) -> str:
    """Title, direction, unit, protocol and whatever else tells a column from another; † where a footnote warns of it."""
    result = column.result
    unit = "" if result.unit in ("", "1") else f" [{result.unit}]"
    protocol = "" if result.protocol == "default" else f" @{result.protocol}"
    weights = checkpoint_mark(result)
    variant = f" ({column.variant})" if column.variant else ""
    flag = " †" if column.flag else ""
    return f"{result.title}{unit}{protocol}{variant}{weights} {ARROWS[result.better]}{flag}".rstrip()


def checkpoint_mark(result: Result) -> str:
    """What a head must say of the checkpoints behind a number; "" where each is the published file."""
    if not result.official:
        return " (stand-in, not the official checkpoint)"
    return " (unverified checkpoint)" if result.unverified else ""


def ranks_text(cell: Cell) -> str:
    """``#1``, or ``#1-3`` where the order within the three is not known; "" where the row is not ranked."""
    if cell.ranks is None:
        return ""
    low, high = cell.ranks
    return f"#{low}" if low == high else f"#{low}-{high}"


def _marked(cell: Cell) -> str:
    return f"{cell_text(cell)} {ranks_text(cell)}".rstrip()


def _grid(table: Table) -> list[list[str]]:
    """A head, and metrics as rows: a table of many metrics and few models stays readable on paper and in a terminal."""
    head = ["metric", *(model for model, _ in table.rows)]
    body = [[heading(column), *(_marked(cells[i]) for _, cells in table.rows)] for i, column in enumerate(table.columns)]
    return [head, *body]


def as_text(table: Table) -> str:
    """Aligned columns."""
    head, *body = [[one_line(word) for word in row] for row in _grid(table)]
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in [head, *body]]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([one_line(table.title), "", lines[0], rule, *lines[1:], "", *map(one_line, table.footnotes)]).rstrip() + "\n"


def as_markdown(table: Table) -> str:
    """GitHub table; the best group of each metric is bold."""
    head, *body = [[markdown_text(word) for word in row] for row in _grid(table)]
    for line, i in zip(body, range(len(table.columns)), strict=True):
        best = [cells[i].group == 1 for _, cells in table.rows]
        line[1:] = [f"**{word}**" if bold else word for word, bold in zip(line[1:], best, strict=True)]
    return _markdown_page(table, [head, ["---"] * len(head), *body])


def _markdown_page(table: Table, rows: Sequence[Sequence[str]]) -> str:
    """Rows of escaped words between the table's title and its footnotes."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [f"- {markdown_text(note)}" for note in table.footnotes]
    return "\n".join([f"**{markdown_text(table.title)}**", "", *lines, "", *notes]).rstrip() + "\n"


def as_paper(table: Table) -> str:
    """The benchmark's official table, in Markdown: one row per model, the paper's column heads in the paper's order.

    A column that was not run is a dash; one from stand-in networks says so in its head. Raises ``UsageError`` where the benchmark
    declares no official table.
    """
    from avbench import catalog

    columns = catalog.load("benchmark", table.benchmark).columns
    if not columns:
        raise UsageError(f"{table.title} declares no official table; use another --format.")
    places = {catalog.full_name(metric): label for label, metric in columns}
    found = {column.name: column.result for column in table.columns}
    twice = next((column for column in table.columns if column.variant and column.name in places), None)
    if twice is not None:
        raise NotComparable(f"The official table has one column of {twice.name}, these reports need several ({twice.variant} ...).")
    rows = [["model", *(_paper_head(label, found.get(name)) for name, label in places.items())]]
    for model, cells in table.rows:
        shown = {column.name: cell for column, cell in zip(table.columns, cells, strict=True)}
        rows.append([model, *(cell_text(shown.get(name, Cell(None))) for name in places)])
    head, *body = [[markdown_text(word) for word in row] for row in rows]
    return _markdown_page(table, [head, ["---"] * len(head), *body])


def _paper_head(label: str, result: Result | None) -> str:
    if result is None:
        return label
    weights = checkpoint_mark(result)
    return f"{label}{weights} {ARROWS[result.better]}".rstrip()


def as_csv(table: Table) -> str:
    """One row per model and metric with full precision."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["model", *_FIELDS])
    for row in _records(table):
        writer.writerow(list(row.values()))
    return stream.getvalue()


def as_json(table: Table) -> str:
    """The same rows as ``as_csv``, with title and footnotes; strict JSON."""
    data = {"title": table.title, "rows": _records(table), "footnotes": list(table.footnotes)}
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


_FIELDS = ("metric", "protocol", "value", "low", "high", "unit", "better", "rank_low", "rank_high",
           "expected", "scored", "failed", "not_applicable", "why", "counted_as_worst", "notes")  # fmt: skip


def _records(table: Table) -> list[dict[str, object]]:
    records: list[dict[str, object]] = []
    for model, cells in table.rows:
        for cell in cells:
            r = cell.result
            if r is None:
                continue
            low, high = (r.interval.low, r.interval.high) if r.interval else (None, None)
            n = (r.n.expected, r.n.scored - cell.worst, r.n.failed + cell.worst, r.n.not_applicable)
            end = (cell.why, cell.worst, "; ".join(cell.notes))
            values = (r.metric, r.protocol, r.value, low, high, r.unit, r.better, *(cell.ranks or (None, None)), *n, *end)
            records.append({"model": model, **dict(zip(_FIELDS, values, strict=True))})
    return records
