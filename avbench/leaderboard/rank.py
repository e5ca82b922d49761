"""Any number of reports -> one table whose columns may be compared, or a reason why they may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from avbench.errors import NotComparable, UnknownName, UsageError
from avbench.report import Report, Result

COVERAGE = 0.75  # a row scored on under three quarters of the clips of the best covered row may be ranked last, not ahead


@dataclass(frozen=True)
class Cell:
    """One model under one metric; ``rank`` is None where the metric has no direction or the row may not be ranked.

    ``why`` says in words why a cell of a ranked column has no rank.
    """

    result: Result | None
    rank: int | None = None
    why: str = ""


@dataclass(frozen=True)
class Table:
    """Rows are models in the order given, columns are ``metric@protocol`` in the order of the first report."""

    title: str
    columns: tuple[Result, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    footnotes: tuple[str, ...] = field(default=())
    benchmark: str = ""


def rank(reports: Sequence[Report], metrics: Sequence[str] | None = None) -> Table:
    """Build the table.

    Args:
        reports: of one benchmark and one set of prompts; model names must differ.
        metrics: columns to keep, by ``name`` or ``name@protocol``; None keeps all.

    Raises:
        UsageError: no report, or two reports of one model name.
        NotComparable: different benchmarks or prompts, or one column with different metric versions, features,
            checkpoints or reference sets.
    """
    if not reports:
        raise UsageError("There is nothing to rank; pass one report or more.")
    _check_questions(reports)
    columns = _columns(reports, metrics)
    cells: dict[str, list[Cell]] = {report.model: [] for report in reports}
    for column in columns:
        found = {report.model: _find(report, column.name) for report in reports}
        _check_column(column, found)
        for model, cell in _rank_column(column, found).items():
            cells[model].append(cell)
    facts = reports[0].benchmark
    rows = tuple((model, tuple(row)) for model, row in cells.items())
    return Table(f"{facts.title} ({facts.prompts} prompts)", tuple(columns), rows, tuple(_footnotes(reports, rows)), facts.name)


def _check_questions(reports: Sequence[Report]) -> None:
    first = reports[0]
    names: set[str] = set()
    for report in reports:
        if report.model in names:
            raise UsageError(f"Two reports are of a model named {report.model!r}; run one of them with another --model.")
        names.add(report.model)
        ours, theirs = first.benchmark, report.benchmark
        if (ours.name, ours.version) != (theirs.name, theirs.version):
            raise NotComparable(
                f"{first.model} was judged on {ours.name} v{ours.version}, {report.model} on {theirs.name} "
                f"v{theirs.version}; rank reports of one benchmark."
            )
        if ours.prompts_sha256 != theirs.prompts_sha256:
            raise NotComparable(
                f"{first.model} and {report.model} answered different prompts ({ours.prompts} and {theirs.prompts} of them); "
                "run both on the same prompt file and the same clips."
            )


def _columns(reports: Sequence[Report], metrics: Sequence[str] | None) -> list[Result]:
    known: dict[str, Result] = {}
    for report in reports:
        for result in report.metrics:
            known.setdefault(result.name, result)
    if metrics is None:
        return list(known.values())
    chosen: list[Result] = []
    for name in metrics:
        matches = [r for r in known.values() if name in (r.name, r.metric)]
        if not matches:
            raise UnknownName("metric of these reports", name, known)
        chosen += matches
    return chosen


def _find(report: Report, name: str) -> Result | None:
    return next((r for r in report.metrics if r.name == name), None)


def _check_column(column: Result, found: dict[str, Result | None]) -> None:
    for model, result in found.items():
        if result is not None and result.identity != column.identity:
            cause = "reference set" if result.reference != column.reference else "version, parameters or checkpoint"
            raise NotComparable(
                f"{column.name} of {model} was made with another {cause} than the first report's; run all models alike, or "
                "leave the column out with --metrics."
            )


def _rank_column(column: Result, found: dict[str, Result | None]) -> dict[str, Cell]:
    reasons = {model: _unranked(result) for model, result in found.items()}
    if column.better == "none":
        return {model: Cell(result) for model, result in found.items()}
    ranked = {m: r.value for m, r in found.items() if r is not None and r.value is not None and not reasons[m]}
    most = max((r.n.scored for r in found.values() if r is not None), default=0)
    for model, result in found.items():
        if model not in ranked or result is None or result.n.scored >= COVERAGE * most:
            continue
        # Answering little must not win; where every row that answered enough is ahead anyway, the order is not in doubt.
        covered = [ranked[m] for m, r in found.items() if m in ranked and r is not None and r.n.scored >= COVERAGE * most]
        if not all(_beats(value, ranked[model], column.better) for value in covered):
            reasons[model] = f"scored on {result.n.scored} clips, another row on {most}"
    values = [value for model, value in ranked.items() if not reasons[model]]
    cells: dict[str, Cell] = {}
    for model, result in found.items():
        if model in ranked and not reasons[model]:
            cells[model] = Cell(result, 1 + sum(_beats(value, ranked[model], column.better) for value in values))
        else:
            cells[model] = Cell(result, None, reasons[model])
    return cells


def _beats(value: float, other: float, better: str) -> bool:
    """Whether ``value`` is ahead by more than the rounding of a sum."""
    ahead = value - other if better == "higher" else other - value
    return ahead > 1e-9 * max(abs(value), abs(other))


def _unranked(result: Result | None) -> str:
    if result is None:
        return "not run"
    if not result.official:
        return "stand-in networks, no official checkpoint"
    if result.n.failed:
        return f"{result.n.failed} of {result.n.expected} clips missing or failed"
    if result.value is None:
        return result.reason or "no score"
    return ""


def _footnotes(reports: Sequence[Report], rows: Sequence[tuple[str, tuple[Cell, ...]]]) -> list[str]:
    notes = []
    facts = reports[0].benchmark
    if facts.limited_to_present:
        notes.append(
            f"Limited to the {facts.prompts} of {facts.prompts_in_benchmark} prompts whose clips exist: not a score on the "
            "whole benchmark."
        )
    for model, cells in rows:
        for cell in cells:
            if cell.why and cell.result is not None:
                notes.append(f"{model}, {cell.result.name}: {cell.why}.")
    for report in reports:
        notes += [f"{report.model}: {note}" for note in report.notes]
        notes += [f"{report.model}, {name}: not run. {reason}" for name, reason in report.unavailable.items()]
    return notes
