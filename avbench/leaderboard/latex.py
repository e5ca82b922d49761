"""A table as LaTeX: booktabs, siunitx columns, best group bold, next group underlined, footnotes written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase

from avbench.leaderboard.contest import Cell
from avbench.leaderboard.escapes import latex_comment, latex_text
from avbench.leaderboard.rank import Column, Table
from avbench.leaderboard.tables import ARROWS
from avbench.report import Result

WIDTH = 96  # characters side by side; further metrics go below in another block

GENERAL = (r"Bold: nobody is significantly ahead (paired test over prompts, Holm over all pairs of a column); "
           r"underlined: the next group. $\pm$: half of the 95\,\% interval.")  # fmt: skip
PREAMBLE = "% \\usepackage{booktabs,siunitx}  "


@dataclass
class _Notes:
    """Footnotes in the order of their marks; one mark per text."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str) -> str:
        if text not in self.texts:
            self.texts.append(text)
        return rf"\textsuperscript{{{_letter(self.texts.index(text))}}}"


def as_latex(table: Table) -> str:
    """A ``minipage`` of ``tabular`` blocks, as wide as a page; models are rows.

    Values stand with half the width of their 95 % interval. Bold: the best group; underlined: the next one; every N that is not the
    column's own, every missing rank and every flag has a footnote.
    """
    notes = _Notes()
    blocks = [_block(table, columns, notes) for columns in _split(table)]
    texts = [rf"\textsuperscript{{{_letter(i)}}}{latex_text(text)}" for i, text in enumerate(notes.texts)]
    marked = "\n".join(map(latex_comment, (table.title, *table.footnotes)))
    body = "\n\n\\medskip\n".join(blocks)
    foot = "\\par\\smallskip\\raggedright\\footnotesize\n" + "\\\\\n".join([GENERAL, *texts])
    return f"{marked}\n{PREAMBLE}\n\\noindent\\begin{{minipage}}{{\\linewidth}}\\centering\n{body}\n{foot}\n\\end{{minipage}}\n"


def _split(table: Table) -> list[list[_Measured]]:
    """As many columns side by side as a page is wide."""
    first = max(len(model) for model, _ in table.rows)
    blocks: list[list[_Measured]] = [[]]
    used = first
    for i, column in enumerate(table.columns):
        measured = _Measured(column, [row[i] for _, row in table.rows])
        if used + measured.width > WIDTH and blocks[-1]:
            blocks.append([])
            used = first
        blocks[-1].append(measured)
        used += measured.width
    return blocks


def _letter(index: int) -> str:
    """a ... z, aa, ab ..."""
    first = _letter(index // 26 - 1) if index >= 26 else ""
    return first + ascii_lowercase[index % 26]


def _block(table: Table, columns: Sequence[_Measured], notes: _Notes) -> str:
    heads: list[list[str]] = [["{model}"], ["{}"], ["{}"], ["{}"]]
    for measured in columns:
        for line, text in zip(heads, measured.head(notes), strict=True):
            line.append(measured.across(text))
    heads = [line for line in heads if line[0] == "{model}" or any(word not in _EMPTY for word in line)]
    rows = [[latex_text(model), *(m.cell(k, notes) for m in columns)] for k, (model, _) in enumerate(table.rows)]
    lines = [" & ".join(row) + r" \\" for row in (*heads, *rows)]
    formats = " ".join(measured.format for measured in columns)
    body = [r"\toprule", *lines[: len(heads)], r"\midrule", *lines[len(heads) :], r"\bottomrule"]
    return "\n".join([rf"\begin{{tabular}}{{l {formats}}}", *body, r"\end{tabular}"])


_EMPTY = ("{}", r"\multicolumn{2}{c}{}")


@dataclass
class _Measured:
    """A column with its cells; two columns of LaTeX, value and half-width, where there are intervals."""

    column: Column
    cells: Sequence[Cell]

    def __post_init__(self) -> None:
        self.results = [cell.result for cell in self.cells if cell.result is not None and cell.result.value is not None]
        self.places = _places(self.results)
        self.paired = any(result.interval for result in self.results)
        self.usual = _usual_count([cell for cell in self.cells if cell.result is not None])
        self.title, _, rest = self.column.result.title.partition(" (")
        self.subtitle = f"({rest}" if rest else ""

    @property
    def width(self) -> int:
        """In characters."""
        number = max((len("".join(self.numbers(result))) + 3 for result in self.results), default=2)
        return 3 + max(len(self.title), len(self.subtitle), len(_protocol(self.column)) + 6, number, 8)

    @property
    def format(self) -> str:
        """``S`` with room for the longest number."""
        if not self.results:
            return "c"
        value, half = (_room([self.numbers(result)[k] for result in self.results]) for k in (0, 1))
        return f"S[{value}]@{{${{}}\\pm{{}}$}}S[{half}]" if self.paired else f"S[{value}]"

    def across(self, text: str) -> str:
        """Text over the whole width of the column."""
        return rf"\multicolumn{{2}}{{c}}{{{text}}}" if self.paired else f"{{{text}}}"

    def head(self, notes: _Notes) -> tuple[str, str, str, str]:
        """Title, the rest of it, unit with protocol and direction, N."""
        result, flag = self.column.result, notes.mark(self.column.flag) if self.column.flag else ""
        below = " ".join(filter(None, [_unit(result), _protocol(self.column), latex_text(ARROWS[result.better])]))
        return latex_text(self.title) + flag, latex_text(self.subtitle), below, f"$N={self.usual}$"

    def numbers(self, result: Result) -> tuple[str, str]:
        """Value and half-width, "" where there is no interval."""
        assert result.value is not None
        return f"{result.value:.{self.places}f}", f"{_half(result):.{self.places}f}" if result.interval else ""

    def cell(self, index: int, notes: _Notes) -> str:
        """One model's cell, with marks for what its column's head does not say."""
        cell = self.cells[index]
        if cell.result is None:
            return self.across("--")
        why = [] if cell.count == self.usual else [f"N = {cell.count}"]
        why += [f"not ranked: {cell.why}"] if cell.why else []
        why += cell.notes
        mark = notes.mark("; ".join(why) + ".") if why else ""
        if cell.result.value is None:
            return self.across("--" + mark)
        value, half = self.numbers(cell.result)
        if cell.group == 2 or (self.paired and not half):
            text = rf"${value}{chr(92)}pm{half}$" if half else f"${value}$"
            return self.across((rf"\underline{{{text}}}" if cell.group == 2 else text) + mark)
        weight = r"\bfseries " if cell.group == 1 else ""
        end = f" {{{mark}}}" if mark else ""
        return f"{weight}{value} & {weight}{half}{end}" if self.paired else f"{weight}{value}{end}"


def _unit(result: Result) -> str:
    return "" if result.unit in ("", "1") else latex_text(f"[{result.unit}]")


def _protocol(column: Column) -> str:
    protocol = "" if column.result.protocol == "default" else f"@{column.result.protocol}"
    return latex_text(", ".join(filter(None, [protocol, column.variant])))


def _usual_count(cells: Sequence[Cell]) -> str:
    counts = [cell.count for cell in cells if cell.result is not None and cell.result.value is not None and not cell.worst]
    counts = counts or [cell.count for cell in cells if not cell.worst]
    return max(counts, key=counts.count) if counts else "0"


def _places(results: Sequence[Result]) -> int:
    """Decimals of a column: two digits of its usual half-width; four digits of its usual value where there is none."""
    halves = sorted(half for result in results if (half := _half(result)) > 0)
    values = sorted(abs(result.value) for result in results if result.value)
    usual, digits = (halves[(len(halves) - 1) // 2], 2) if halves else (values[(len(values) - 1) // 2], 4) if values else (1.0, 1)
    return min(8, max(0, digits - 1 - math.floor(math.log10(usual))))


def _half(result: Result) -> float:
    return (result.interval.high - result.interval.low) / 2 if result.interval else 0.0


def _room(numbers: Sequence[str]) -> str:
    sign = "-" if any(number.startswith("-") for number in numbers) else ""
    whole = max((len(number.lstrip("-").partition(".")[0]) for number in numbers if number), default=1)
    part = max(len(number.partition(".")[2]) for number in numbers)
    return f"table-format={sign}{whole}.{part}, detect-weight"
