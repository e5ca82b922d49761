"""Any number of reports -> one table: what may share a column, and which ranks each row may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from avbench.errors import NotComparable, UnknownName, UsageError
from avbench.leaderboard.pairs import better_of, between
from avbench.report import Report, Result
from avbench.statistics import Difference, rank_ranges

COVERAGE = 0.75  # a row scored on under three quarters of the clips of the best covered row may be ranked last, not ahead
LEVEL = 0.95

Incomplete = Literal["unranked", "worst"]


@dataclass(frozen=True)
class Cell:
    """One model under one column.

    ``ranks`` are the lowest and highest rank that the row may hold, None where the metric has no direction or the row may not be
    ranked; ``group`` is 1 for the best group (those that nobody is significantly ahead of), 2 for the next, 0 for the rest.
    ``why`` says in words why a cell of a ranked column has no rank.
    """

    result: Result | None
    ranks: tuple[int, int] | None = None
    group: int = 0
    why: str = ""


@dataclass(frozen=True)
class Column:
    """Results that may be compared. ``variant`` tells columns of one name apart, ``flag`` is what a reader must know."""

    result: Result
    variant: str = ""
    flag: str = ""

    @property
    def name(self) -> str:
        """``metric@protocol``."""
        return self.result.name


@dataclass(frozen=True)
class Table:
    """Rows are models in the order given, columns in the order of the first report."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    footnotes: tuple[str, ...] = field(default=())
    benchmark: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)


def rank(reports: Sequence[Report], metrics: Sequence[str] | None = None, incomplete: Incomplete = "unranked") -> Table:
    """Build the table.

    Values share a column where metric, protocol, version, parameters, checkpoints, reference set and prompts agree; otherwise the
    table has two columns of one name, and a footnote says what differs. Ranks are sets: two models are told apart by a paired test
    over shared prompts (sets: by the paired jackknife), with Holm's correction over all pairs of a column.

    Args:
        reports: of one benchmark; model names must differ.
        metrics: columns to keep, by ``name`` or ``name@protocol``; None keeps all.
        incomplete: what becomes of a row with missing or failed clips: ``unranked``, or ``worst``: each such clip has the worst
            score there is, where the metric's range is bounded.

    Raises:
        UsageError: no report, or two reports of one model name.
        NotComparable: different benchmarks, or different versions of one.

    Example:
        >>> import avbench
        >>> from avbench.leaderboard.tables import as_text
        >>> reports = [avbench.run(getfixture("toybox_folder"), metrics=["frozen"], model=name, store=None) for name in ("a", "b")]
        >>> table = rank(reports)
        >>> [(model, cells[0].ranks) for model, cells in table.rows]  # the same clips: nobody is ahead
        [('a', (1, 2)), ('b', (1, 2))]
        >>> as_text(table).splitlines()[0]
        'Folder (4 prompts)'
    """
    if not reports:
        raise UsageError("There is nothing to rank; pass one report or more.")
    _check_questions(reports)
    keys = _columns(reports, metrics)
    cells: dict[str, list[Cell]] = {report.model: [] for report in reports}
    columns: list[Column] = []
    notes: list[str] = []
    for key, column in keys.items():
        found = {report.model: next((r for r in report.metrics if _key(report, r) == key), None) for report in reports}
        judged = {model: judged_as(result, incomplete) for model, result in found.items()}
        differences = _differences(column, judged)
        for model, cell in _rank_column(column, judged, differences).items():
            cells[model].append(cell)
        columns.append(Column(column, _variant(key, keys, reports), _flag(column, reports, differences)))
        notes += _column_notes(columns[-1])
    facts = reports[0].benchmark
    rows = tuple((model, tuple(row)) for model, row in cells.items())
    count = f"{facts.prompts} of {facts.prompts_in_benchmark}" if facts.part else f"{facts.prompts}"
    prompts = "different prompts" if len({r.benchmark.prompts_sha256 for r in reports}) > 1 else f"{count} prompts"
    footnotes = tuple(dict.fromkeys([*notes, *_footnotes(reports, rows)]))
    return Table(f"{facts.title} ({prompts})", tuple(columns), rows, footnotes, facts.name, {r.model: r.role for r in reports})


Key = tuple[str, str, str]


def _key(report: Report, result: Result) -> Key:
    checkpoints = sorted((weights.name, weights.sha256) for weights in result.weights)
    return result.name, f"{result.identity} {result.reference} {checkpoints}", report.benchmark.prompts_sha256


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


def _columns(reports: Sequence[Report], metrics: Sequence[str] | None) -> dict[Key, Result]:
    """One result of every column; columns of one name stand side by side."""
    known: dict[Key, Result] = {}
    for report in reports:
        for result in report.metrics:
            known.setdefault(_key(report, result), result)
    names = list(dict.fromkeys(name for name, _, _ in known))
    if metrics is not None:
        chosen: list[str] = []
        for wanted in metrics:
            matches = [name for name in names if wanted in (name, name.partition("@")[0])]
            if not matches:
                raise UnknownName("metric of these reports", wanted, names)
            chosen += matches
        names = list(dict.fromkeys(chosen))
    return {key: result for name in names for key, result in known.items() if key[0] == name}


def _variant(key: Key, keys: Mapping[Key, Result], reports: Sequence[Report]) -> str:
    """What tells a column from others of its name; "" where it is the only one."""
    twins = [other for other in keys if other[0] == key[0] and other != key]
    if not twins:
        return ""
    words = []
    result = keys[key]
    if any(other[2] != key[2] for other in twins):
        count = next(r.benchmark.prompts for r in reports if r.benchmark.prompts_sha256 == key[2])
        words.append(f"{count} prompts {key[2][:6]}")
    if any(keys[other].reference != result.reference for other in twins):
        words.append(f"reference {result.reference[:6] or 'none'}")
    if any(keys[other].weights != result.weights for other in twins):
        words += [f"{w.name} {w.sha256[:6]}" for w in result.weights]
    if any(keys[other].libraries != result.libraries for other in twins):
        words += [f"{name} {version}" for name, version in result.libraries.items()]
    if not words:  # the rest of what identity hashes
        words.append(f"version or parameters {result.identity[:6]}")
    return ", ".join(words)


def _column_notes(column: Column) -> list[str]:
    unverified = column.result.unverified
    notes = [f"{column.name}: no published digest vouches for {', '.join(unverified)}."] if unverified else []
    notes += [f"{column.name} ({column.variant}): a column of its own, since these may not be compared."] if column.variant else []
    return [*notes, f"† {column.name}: {column.flag}"] if column.flag else notes


def judged_as(result: Result | None, incomplete: Incomplete) -> Result | None:
    """The result as the policy counts it: with ``worst``, failed clips have the worst score."""
    return result.at_worst() if result is not None and incomplete == "worst" else result


def _differences(column: Result, found: Mapping[str, Result | None]) -> dict[tuple[str, str], Difference]:
    if column.better == "none":
        return {}
    there = {model: r for model, r in found.items() if r is not None and r.value is not None and not _unranked(r)}
    pairs = {(a, b): between(there[a], there[b], interval=False) for a, b in combinations(there, 2)}
    return {pair: difference for pair, difference in pairs.items() if difference is not None}


def _rank_column(
    column: Result, found: Mapping[str, Result | None], differences: Mapping[tuple[str, str], Difference]
) -> dict[str, Cell]:
    if column.better == "none":
        return {model: Cell(result) for model, result in found.items()}
    reasons = {model: _unranked(result) for model, result in found.items()}
    _refuse_thin_rows(column, found, differences, reasons)
    ranked = [model for model in found if not reasons[model]]
    among = {pair: d for pair, d in differences.items() if set(pair) <= set(ranked)}
    ranges = rank_ranges(ranked, among, better_of(column), LEVEL)
    starts = sorted({low for low, _ in ranges.values()})
    groups = {model: starts.index(low) + 1 for model, (low, _) in ranges.items()}
    return {
        model: Cell(result, ranges[model], groups[model] if groups[model] <= 2 else 0) if model in ranges
        else Cell(result, None, 0, reasons[model])
        for model, result in found.items()
    }  # fmt: skip


def _refuse_thin_rows(
    column: Result,
    found: Mapping[str, Result | None],
    differences: Mapping[tuple[str, str], Difference],
    reasons: dict[str, str],
) -> None:
    """Answering little must not win: such a row is ranked only where every row that answered enough is significantly ahead."""
    ranked = {m: r for m, r in found.items() if r is not None and not reasons[m]}
    most = max((r.n.scored for r in found.values() if r is not None), default=0)
    covered = [model for model, result in ranked.items() if result.n.scored >= COVERAGE * most]
    ahead = set(_wins(column, differences))
    for model in set(ranked) - set(covered):
        if not all((other, model) in ahead for other in covered):
            reasons[model] = f"scored on {ranked[model].n.scored} clips, another row on {most}"


def _wins(column: Result, differences: Mapping[tuple[str, str], Difference]) -> list[tuple[str, str]]:
    """(winner, loser) of every pair that its own test tells apart."""
    higher = better_of(column) == "higher"
    told = [(pair, d.value > 0) for pair, d in differences.items() if d.p < 1 - LEVEL and d.value != 0]
    return [(a, b) if positive == higher else (b, a) for (a, b), positive in told]


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


def _flag(column: Result, reports: Sequence[Report], differences: Mapping[tuple[str, str], Difference]) -> str:
    """Says which floors are ahead of which models, by the paired test of each pair; "" where none is."""
    roles = {report.model: report.role for report in reports}
    beaten: dict[str, list[str]] = {}
    for winner, loser in _wins(column, differences):
        if roles[winner] == "floor" and roles[loser] != "floor":
            beaten.setdefault(winner, []).append(loser)
    if not beaten:
        return ""
    words = "; ".join(f"{floor} is ahead of {', '.join(models)}" for floor, models in beaten.items())
    return f"a trivial row wins ({words}); do not read this metric alone."


def _footnotes(reports: Sequence[Report], rows: Sequence[tuple[str, tuple[Cell, ...]]]) -> list[str]:
    notes = []
    for report in reports:
        facts = report.benchmark
        if facts.part:
            notes.append(f"Limited to {facts.part}: not a score on the whole benchmark.")
    for model, cells in rows:
        for cell in cells:
            if cell.result is None:
                continue
            bounds = cell.result.possible
            range_ = f" (between {bounds[0]:.4g} and {bounds[1]:.4g}, whatever those clips are)" if bounds else ""
            if cell.why:
                notes.append(f"{model}, {cell.result.name}: {cell.why}{range_}.".replace("..", "."))
    for report in reports:
        notes += [f"{report.model}: {note}" for note in report.notes]
        notes += [f"{report.model}, {name}: not run. {reason}" for name, reason in report.unavailable.items()]
    return notes
