"""Any number of reports -> one table: what may share a column, and which ranks each row may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from avbench.errors import NotComparable, UnknownName, UsageError
from avbench.leaderboard.contest import LEVEL, Cell, Contest, Incomplete
from avbench.leaderboard.floors import copied, flag, role_of
from avbench.report import Report, Result


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
    over prompts (sets: by the paired jackknife), with Holm's correction over all pairs of a column. A prompt that only one of the
    two answered counts as the worst score there is for the other; where scores have no bounds, a row that left more than 5 % of
    another's prompts unanswered is ranked only where that other one is significantly ahead.

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
    roles = {report.model: role_of(report) for report in reports}
    for key, column in keys.items():
        found = {report.model: next((r for r in report.metrics if _key(report, r) == key), None) for report in reports}
        judged = {model: _judged_as(result, incomplete) for model, result in found.items()}
        contest = Contest(column, judged)
        for model, cell in contest.cells(found).items():
            cells[model].append(cell)
        floors = roles | {model: "floor" for model, result in judged.items() if copied(result)}
        flagged = flag(column, floors, contest.differences, contest.smallest, LEVEL)
        columns.append(Column(column, _variant(key, keys, reports), flagged))
        notes += [*_column_notes(columns[-1]), *contest.notes]
    facts = reports[0].benchmark
    rows = tuple((model, tuple(row)) for model, row in cells.items())
    count = f"{facts.prompts} of {facts.prompts_in_benchmark}" if facts.part else f"{facts.prompts}"
    prompts = "different prompts" if len({r.benchmark.prompts_sha256 for r in reports}) > 1 else f"{count} prompts"
    footnotes = tuple(dict.fromkeys([*notes, *_footnotes(reports, rows)]))
    return Table(f"{facts.title} ({prompts})", tuple(columns), rows, footnotes, facts.name, roles)


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


def _judged_as(result: Result | None, incomplete: Incomplete) -> Result | None:
    """The result as the policy counts it: with ``worst``, failed clips have the worst score."""
    return result.at_worst() if result is not None and incomplete == "worst" else result


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
            notes += [f"{model}, {cell.result.name}: {note}." for note in cell.notes]
    for report in reports:
        notes += [f"{report.model}: {note}" for note in report.notes]
        notes += [f"{report.model}, {name}: not run. {reason}" for name, reason in report.unavailable.items()]
    return notes
