"""The table of the ranking, by metrics or by models, and the notes under it."""

from __future__ import annotations

from avbench.leaderboard.contest import Cell
from avbench.leaderboard.rank import Column, Table
from avbench.leaderboard.tables import number, ranks_text
from avbench.leaderboard.view.page import escape, name, region
from avbench.leaderboard.view.subject import Subject, column_head, search_words
from avbench.report import Result


class Notes:
    """Every footnote once, in order; a note that a cell points to gets its number from its words."""

    def __init__(self, table: Table) -> None:
        self.texts = list(dict.fromkeys(table.footnotes))

    def place(self, text: str) -> int:
        """The note's number, counted from 1."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def html(self) -> str:
        """The list that the numbers lead to."""
        if not self.texts:
            return "<p>Nothing to note.</p>"
        items = "".join(f'<li id="note-{i}">{escape(text)}</li>' for i, text in enumerate(self.texts, 1))
        return f"<ol>{items}</ol>"


def tables(subject: Subject, notes: Notes) -> str:
    """Both tables; a switch shows one of them."""
    return (
        '<p class="scripted">show <label><input type="radio" name="shape" value="by-metric" checked> metrics as rows</label> '
        '<label><input type="radio" name="shape" value="by-model"> models as rows</label></p>'
        + region("Leaderboard, metrics as rows", _by_metric(subject, notes), ' id="by-metric"')
        + region("Leaderboard, models as rows", _by_model(subject, notes), ' id="by-model" hidden')
    )


def sortable(words: str, first: str = "ascending", attributes: str = "") -> str:
    """A column head that sorts its table; ``first`` is the order of the first press."""
    button = f'<button type="button" class="sort">{words}</button>'
    return f'<th scope="col" aria-sort="none" data-first="{first}"{attributes}>{button}</th>'


def _by_metric(subject: Subject, notes: Notes) -> str:
    heads = "".join(sortable(subject.head(i), attributes=f' data-model="{i}"') for i in range(len(subject.models)))
    rows = []
    for place, column in enumerate(subject.table.columns):
        cells = "".join(
            _cell(models_cells[place], model, i, column, notes, by_rank=True)
            for i, (model, models_cells) in enumerate(subject.table.rows)
        )
        link = f'<a href="#metric-{place}">{column_head(column)}</a>'
        head = f'<th scope="row" data-sort="{escape(column.result.title.lower())}">{link}</th>'
        rows.append(f'<tr data-metric="{search_words(column)}">{head}{cells}</tr>')
    return (
        f"<table><caption>{name(subject.table.title)}; a model's head sorts by its rank</caption>"
        f"<thead><tr>{sortable('metric')}{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _by_model(subject: Subject, notes: Notes) -> str:
    columns = subject.table.columns
    heads = "".join(
        sortable(column_head(c), "descending" if c.result.better == "higher" else "ascending", f' data-metric="{search_words(c)}"')
        for c in columns
    )
    rows = []
    for i, (model, cells) in enumerate(subject.table.rows):
        body = "".join(_cell(cell, model, i, c, notes, by_rank=False) for cell, c in zip(cells, columns, strict=True))
        rows.append(f'<tr data-model="{i}"><th scope="row" data-sort="{name(model)}">{subject.head(i)}</th>{body}</tr>')
    return (
        f"<table><caption>{name(subject.table.title)}; a metric's head sorts by its value</caption>"
        f"<thead><tr>{sortable('model')}{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def rank_text(cell: Cell) -> str:
    """The only place that writes a rank or a range of them; "" without one."""
    return ranks_text(cell)


def _cell(cell: Cell, model: str, index: int, column: Column, notes: Notes, *, by_rank: bool) -> str:
    """One value with its interval, N, rank or reason; sorts by rank where a row mixes units, else by value."""
    result = cell.result
    value = None if result is None else result.value
    key = _rank_key(cell) if by_rank else value
    mark = f' data-model="{index}"' if by_rank else f' data-metric="{search_words(column)}"'
    sort = "" if key is None else f' data-sort="{key:.17g}"'
    reason = _why(cell, column)
    why = f' title="{escape(reason)}"' if reason else ""
    kind = "unranked" if reason else {1: "best", 2: "second"}.get(cell.group, "")
    shown = f"{_value(result)}{_mark(reason, cell, model, column, notes)}{_count(cell)}"
    return f'<td class="{kind}"{mark}{sort}{why}>{shown}</td>'


def _value(result: Result | None) -> str:
    if result is None or result.value is None:
        return '<span class="value">–</span>'
    reach = ""
    if result.interval is not None:
        i = result.interval
        reach = f' <span class="reach" title="{i.level:.0%}, {escape(i.method)}">[{number(i.low)}, {number(i.high)}]</span>'
    return f'<span class="value">{number(result.value)}</span>{reach}'


def _rank_key(cell: Cell) -> float | None:
    """Sorts by the best rank that the row may hold, then by the worst."""
    return None if cell.ranks is None else cell.ranks[0] + cell.ranks[1] / 1e6


def _why(cell: Cell, column: Column) -> str:
    """Why a cell has no rank; a column without direction only lacks values."""
    if cell.result is None and column.variant:
        return "not run, or only in another column of this name"
    if cell.why or (cell.result is not None and cell.result.value is not None):
        return cell.why
    return "not run" if cell.result is None else cell.result.reason or "no score"


def _mark(reason: str, cell: Cell, model: str, column: Column, notes: Notes) -> str:
    """The number of the footnote that says the reason."""
    if not reason:
        return ""
    words = f"{model}, {column.name}: {reason}"
    place = notes.place(next((text for text in notes.texts if text.startswith(words)), f"{words}."))
    return f'<sup><a href="#note-{place}" title="{escape(reason)}" aria-label="note {place}">{place}</a></sup>'


def _count(cell: Cell) -> str:
    """Rank, and how many of the clips asked for have a score."""
    if cell.result is None:
        return ""
    n = cell.result.n
    share = f", {n.scored / n.expected:.0%}" if n.expected and n.scored != n.expected else ""
    rank = f'<span class="rank">{rank_text(cell)}</span> ' if rank_text(cell) else ""
    possible = ""
    if cell.result.possible is not None:
        low, high = map(number, cell.result.possible)
        possible = f'<span class="count">{low} to {high} whatever the {n.failed} missing or failed would score</span>'
    return f'<span class="count">{rank}N {n.scored}/{n.expected}{share}</span>{possible}'
