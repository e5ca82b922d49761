"""One leaderboard folder: measured reports ranked, published numbers beside them, never among them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from avbench.errors import NotComparable, UsageError
from avbench.leaderboard.contest import Cell
from avbench.leaderboard.entry import refusals
from avbench.leaderboard.published import Published, read_published
from avbench.leaderboard.rank import Column, Table, rank
from avbench.leaderboard.reported import conflicts, reported_tables, sheets
from avbench.leaderboard.sheet import Sheet, Word
from avbench.leaderboard.tables import cell_text, heading, ranks_text
from avbench.report import Report

MOST_MODELS = 5  # columns beside the metric that a page shows without scrolling
NEEDED, OPTIONAL = {"benchmark", "title"}, {"prompts", "protocols", "subsets", "checkpoints"}


@dataclass(frozen=True)
class Board:
    """What a leaderboard folder holds.

    Args:
        benchmark, title: the benchmark's name in avbench and in print.
        prompts: digest of a prompt set that entries may answer -> what it is.
        protocols: name of a published protocol -> what is known of it.
        subsets: prompt set of published rows -> what it is.
        checkpoints: name -> sha256 of files that count as the official ones although no digest of them is published.
        reports, published: in the order of their file names.
    """

    benchmark: str
    title: str
    prompts: Mapping[str, str] = field(default_factory=dict)
    protocols: Mapping[str, str] = field(default_factory=dict)
    subsets: Mapping[str, str] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    published: tuple[Published, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Of the published rows, each once; tables name them by their number here, from 1."""
        return tuple(dict.fromkeys(row.source for row in self.published))


def read_settings(folder: Path) -> Board:
    """``board.json`` of a folder, without its reports and published rows; raises ``UsageError``."""
    path = folder / "board.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{folder} is no leaderboard folder: board.json cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON ({error}).") from error
    if not isinstance(facts, dict) or not set(facts) >= NEEDED or set(facts) - NEEDED - OPTIONAL:
        raise UsageError(f"{path} must hold {', '.join(sorted(NEEDED))} and may hold {', '.join(sorted(OPTIONAL))}, nothing else.")
    return Board(**facts)


def read_reports(folder: Path) -> dict[Path, Report]:
    """``reports/*.json`` by path; raises ``UsageError`` where one is no report."""
    return {path: Report.read(path) for path in sorted((folder / "reports").glob("*.json"))}


def read_board(folder: Path) -> Board:
    """The whole folder.

    Raises:
        UsageError: a file is not what it should be.
        NotComparable: a report may not enter; names the file and the reasons.
    """
    settings, found = read_settings(folder), read_reports(folder)
    for path, report in found.items():
        others = [other for place, other in found.items() if place != path]
        reasons = refusals(report, settings.benchmark, others, set(settings.prompts), settings.checkpoints)
        if reasons:
            raise NotComparable(f"{path} may not stand on this board: {' '.join(reasons)}")
    published = [row for path in sorted((folder / "published").glob("*.csv")) for row in read_published(path)]
    return replace(settings, reports=tuple(found.values()), published=tuple(published))


def measured_tables(reports: Sequence[Report]) -> list[Table]:
    """One ranked table for each set of prompts."""
    groups: dict[str, list[Report]] = {}
    for report in reports:
        groups.setdefault(report.benchmark.prompts_sha256, []).append(report)
    return [rank(group) for group in groups.values()]


def measured_sheets(table: Table, prompts: str) -> list[Sheet]:
    """Metrics as rows, at most ``MOST_MODELS`` models beside each other; ranks are of all models."""
    parts = [table.rows[i : i + MOST_MODELS] for i in range(0, len(table.rows), MOST_MODELS)]
    made = []
    for index, rows in enumerate(parts):
        body = []
        for place, column in enumerate(table.columns):
            cells = [_measured(cells[place]) for _, cells in rows]
            plain = replace(column, result=replace(column.result, protocol="default"))
            body.append((Word(heading(plain)), Word(column.result.protocol), *cells))
        number_of = f", models, part {index + 1} of {len(parts)}" if len(parts) > 1 else ""
        notes = (*map(_column_note, filter(_has_facts, table.columns)), *table.footnotes) if index == len(parts) - 1 else ()
        head = ("metric", "protocol", *(model for model, _ in rows))
        made.append(Sheet("measured", f"{table.title}{prompts and ': '}{prompts}{number_of}", head, tuple(body), notes))
    return made


def _measured(cell: Cell) -> Word:
    return Word(f"{cell_text(cell)} {ranks_text(cell)}".rstrip(), best=cell.group == 1)


def _has_facts(column: Column) -> bool:
    return bool(column.result.weights or column.result.reference or column.variant)


def _column_note(column: Column) -> str:
    result = column.result
    facts = [f"{weights.name} {weights.sha256[:12]} ({weights.status})" for weights in result.weights]
    facts += [f"reference set {result.reference[:12]}"] if result.reference else []
    return f"{column.name}: {', '.join([*facts, f'identity {result.identity[:12]}'])}."


def measured(board: Board) -> list[Sheet]:
    """All measured sheets; the prompts' name where ``board.json`` has one, and their digest."""
    made = []
    for table, digest in zip(measured_tables(board.reports), dict.fromkeys(_prompts(board.reports)), strict=True):
        name = board.prompts.get(digest, "")
        made += measured_sheets(table, f"{name + ', ' if name else ''}prompts {digest[:12]}")
    return made


def _prompts(reports: Sequence[Report]) -> list[str]:
    return [report.benchmark.prompts_sha256 for report in reports]


def reported(board: Board) -> dict[str, list[Sheet]]:
    """Sheets of published rows under the name of their prompts."""
    made: dict[str, list[Sheet]] = {}
    for table in reported_tables(board.published):
        first = table.rows[0]
        words = board.subsets.get(f"{first.benchmark}/{first.subset}", f"{first.benchmark}, {first.subset}")
        count = f", n = {first.n}" if first.n and first.n not in words.replace(",", "") else ""
        made.setdefault(words + count, []).extend(sheets(table, board.protocols, board.sources))
    return made


def contradictions(board: Board) -> list[str]:
    """Lines for published values that contradict each other."""
    return conflicts(board.published, board.sources)
