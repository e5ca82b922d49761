"""Published numbers as tables: one for each prompt set, protocol and source, so that no column mixes any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avbench.leaderboard.published import RELIABILITIES, Published
from avbench.leaderboard.sheet import Sheet, Word
from avbench.leaderboard.tables import ARROWS, number

MOST_METRICS = 8  # columns beside the model that a page shows without scrolling
FEW_MODELS = 4
NOT_STATED = "protocol not stated"


@dataclass(frozen=True)
class Reported:
    """Rows that may stand in one table: the same prompts, protocol and source."""

    rows: tuple[Published, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Labels in the order of the source."""
        return tuple(dict.fromkeys(row.label for row in self.rows))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metric ids in the order of the source."""
        return tuple(dict.fromkeys(row.metric for row in self.rows))


def reported_tables(rows: Sequence[Published]) -> list[Reported]:
    """Every row in one table, tables in the order of their first rows."""
    found: dict[tuple[str, ...], list[Published]] = {}
    for row in rows:
        found.setdefault(row.block, []).append(row)
    return [Reported(tuple(group)) for group in found.values()]


def protocol_words(row: Published, known: Mapping[str, str]) -> str:
    """The protocol's name and what is known of it; a source's own run whose settings are not known says so."""
    if row.protocol in known:
        return f"{row.protocol}: {known[row.protocol]}"
    return f"{row.protocol}: the source's own run, {NOT_STATED}" if row.protocol else NOT_STATED


def sheets(table: Reported, known: Mapping[str, str], sources: Sequence[str]) -> list[Sheet]:
    """The table as pages of at most ``MOST_METRICS`` metrics; with few models and many metrics, metrics are rows.

    Args:
        known: what is known of protocols, by name.
        sources: of the whole board; a row names its source by the number in this list, from 1.
    """
    first = table.rows[0]
    title = f"{protocol_words(first, known)} · source [{sources.index(first.source) + 1}]: {first.source}"
    if len(table.metrics) > MOST_METRICS and len(table.models) <= FEW_MODELS:
        parts = [table.metrics]
    else:
        count = -(-len(table.metrics) // MOST_METRICS)
        size = -(-len(table.metrics) // count)  # parts of like size: eight and one would look like a slip
        parts = [table.metrics[i : i + size] for i in range(0, len(table.metrics), size)]
    made = []
    done = 0
    for metrics in parts:
        part = Reported(tuple(row for row in table.rows if row.metric in metrics))
        number_of = f" · metrics {done + 1} to {done + len(metrics)} of {len(table.metrics)}" if len(parts) > 1 else ""
        done += len(metrics)
        head, body = _grid(part, sources)
        made.append(Sheet("reported", title + number_of, head, body, tuple(_notes(part))))
    return made


def _grid(table: Reported, sources: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[Word, ...], ...]]:
    cells = {(row.label, row.metric): row for row in table.rows}
    heads = {row.metric: _head(row) for row in table.rows}
    names = {model: model for model in table.models}
    across, down = (names, heads) if len(table.metrics) > MOST_METRICS else (heads, names)
    body = []
    for key, label in down.items():
        found = [cells.get((key, other) if down is names else (other, key)) for other in across]
        present = [row for row in found if row is not None]
        doubts = [word for word in RELIABILITIES if any(row.reliability == word for row in present)]
        ends = (present[0].protocol or NOT_STATED, f"[{sources.index(present[0].source) + 1}]", "/".join(doubts))
        body.append((Word(label), *map(_word, found), *map(Word, ends)))
    corner = "model" if down is names else "metric"
    return (corner, *across.values(), "protocol", "source", "reliability"), tuple(body)


def _head(row: Published) -> str:
    # A value printed times 100 stands divided by 100, so its head drops the factor.
    return f"{printed_name(row)} {ARROWS[row.direction or 'none']}".rstrip()


def printed_name(row: Published) -> str:
    """The metric's name in the source, without the factor that the value no longer has."""
    return row.metric_as_printed.removesuffix(" (x100)")


def _word(row: Published | None) -> Word:
    if row is None:
        return Word("–")
    return Word(value_text(row), doubtful=row.reliability == "low")


def value_text(row: Published) -> str:
    """As printed; digits that a program printed without meaning are rounded to four significant ones."""
    value = row.value if len(row.value.lstrip("-")) <= 7 else number(float(row.value))
    return f"{value} ±{row.uncertainty.replace('-', '–')}" if row.uncertainty else value


def _notes(table: Reported) -> list[str]:
    """Names that hide an id, then every remark once with the cells it is about."""
    ids = {printed_name(row): row.metric for row in table.rows}
    names = [f"{printed} is {metric}" for printed, metric in ids.items() if _plain(printed) != _plain(metric)]
    where: dict[str, set[tuple[str, str]]] = {}
    for row in table.rows:
        for remark in filter(None, (part.strip() for part in row.note.split(";"))):
            where.setdefault(remark, set()).add((row.label, row.metric))
    remarks: dict[str, list[str]] = {}
    for remark, cells in where.items():
        remarks.setdefault(_whose(cells, table), []).append(remark)
    models = [f"{model} ({', '.join(remarks.pop(model))})" for model in table.models if model in remarks]
    lines = [f"{', '.join(names)}."] if names else []
    lines += [f"{'; '.join(models)}."] if models else []
    return lines + [f"{whose}: {'; '.join(words)}." for whose, words in remarks.items()]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _whose(cells: set[tuple[str, str]], table: Reported) -> str:
    """Which cells, in few words: all, whole models, whole metrics, or each by name."""
    everything = {(row.label, row.metric): row for row in table.rows}
    if cells == set(everything):
        return "All"
    printed = {row.metric: printed_name(row) for row in table.rows}
    models = [m for m in table.models if {c for c in everything if c[0] == m} <= cells]
    rest = {c for c in cells if c[0] not in models}
    metrics = [k for k in table.metrics if any(c[1] == k for c in rest) and {c for c in everything if c[1] == k} <= cells]
    single: dict[str, list[str]] = {}
    for label, metric in (c for c in everything if c in rest and c[1] not in metrics):
        single.setdefault(label, []).append(printed[metric])
    named = (f"{label} ({', '.join(names)})" for label, names in single.items())
    return ", ".join([*models, *(printed[k] for k in metrics), *named])


def conflicts(rows: Sequence[Published], sources: Sequence[str]) -> list[str]:
    """Lines that name a model, metric and protocol for which two sources print different values."""
    found: dict[tuple[str, ...], list[Published]] = {}
    for row in rows:
        if row.protocol:
            found.setdefault((row.benchmark, row.subset, row.protocol, row.model, row.variant, row.metric), []).append(row)
    lines = []
    for group in found.values():
        if len({float(row.value) for row in group}) > 1:
            first = group[0]
            values = "; ".join(f"{value_text(row)} [{sources.index(row.source) + 1}]" for row in group)
            lines.append(f"{first.label}, {printed_name(first)} ({first.subset}, {first.protocol}): {values}.")
    return lines
