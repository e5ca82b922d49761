"""A board as Markdown, LaTeX, CSV and one HTML page. Nothing in them depends on the day or the machine."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files

from avbench.leaderboard.board import Board, contradictions, measured, measured_sheets, measured_tables, reported
from avbench.leaderboard.escapes import latex_comment, latex_text, markdown_text, xml_text
from avbench.leaderboard.rank import Table
from avbench.leaderboard.sheet import Sheet, Word

MEASURED = "Measured by avbench from the clips"
REPORTED = "Reported by others, not measured by avbench"
EMPTY = "No measured report yet. README.md beside this file says how to submit one."
HOW_RANKED = (
    "A value shares its row only with values of the same metric, protocol, checkpoints, prompts and reference set. ± is half a "
    "95 % interval, N the clips with a score, # the ranks that the row may hold (paired tests over prompts, Holm over all pairs of "
    "a column); bold: nobody is significantly ahead."
)
HOW_MEASURED = f"Each model's source is its report in reports/. {HOW_RANKED}"
HOW_REPORTED = (
    "Carried over as printed, unranked. Each table is one prompt set, one protocol and one source; numbers of two tables do not "
    "compare, even under one name. † marks a number of low reliability, with the reason below its table."
)
NUMERIC = "-0123456789"
CONFLICTS = "Where sources contradict each other (same model, metric, prompts and protocol)"


def as_markdown(board: Board) -> str:
    """GitHub Markdown; reported numbers stand in italics."""
    parts = [f"# {markdown_text(board.title)}", f"## {MEASURED}", *([HOW_MEASURED] if board.reports else [EMPTY])]
    parts += map(_markdown_sheet, measured(board))
    if board.published:
        parts += [f"## {REPORTED}", HOW_REPORTED]
        for prompts, sheets in reported(board).items():
            parts += [f"### {markdown_text(prompts)}", *map(_markdown_sheet, sheets)]
        if lines := contradictions(board):
            parts += [f"### {CONFLICTS}", "\n".join(f"- {markdown_text(line)}" for line in lines)]
        parts += ["### Sources", "\n".join(f"{index}. {markdown_text(source)}" for index, source in enumerate(board.sources, 1))]
    return "\n\n".join(parts) + "\n"


def _markdown_sheet(sheet: Sheet) -> str:
    rows = [sheet.head, ("---", *("---:" if sheet.kind == "reported" else "---" for _ in sheet.head[1:]))]
    lines = ["| " + " | ".join(map(markdown_text, rows[0])) + " |", "| " + " | ".join(rows[1]) + " |"]
    for row in sheet.body:
        words = [markdown_text(row[0].text), *(_markdown_word(word, sheet) for word in row[1:])]
        lines.append("| " + " | ".join(words) + " |")
    return "\n\n".join([f"**{markdown_text(sheet.title)}**", "\n".join(lines), *_bullets(sheet.notes)])


def _bullets(notes: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {markdown_text(note)}" for note in notes)] if notes else []


def _markdown_word(word: Word, sheet: Sheet) -> str:
    text = markdown_text(word.text) + ("†" if word.doubtful else "")
    if word.best:
        return f"**{text}**"
    return f"*{text}*" if sheet.kind == "reported" and text[0] in NUMERIC else text


def as_latex(board: Board) -> str:
    """booktabs tables for ``\\input``; reported numbers stand in italics."""
    parts = [latex_comment(f"{board.title}. Needs booktabs and graphicx.")]
    parts += [_latex_sheet(sheet, MEASURED) for sheet in measured(board)] or [f"% {EMPTY}"]
    for prompts, sheets in reported(board).items():
        parts += [_latex_sheet(sheet, f"{REPORTED}. {prompts}") for sheet in sheets]
    parts += [latex_comment(f"Contradiction: {line}") for line in contradictions(board)]
    parts += [latex_comment(f"Source [{index}]: {source}") for index, source in enumerate(board.sources, 1)]
    return "\n".join(parts) + "\n"


def _latex_sheet(sheet: Sheet, caption: str) -> str:
    rows = [" & ".join(_latex_word(word, sheet) for word in row) + r" \\" for row in sheet.body]
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex_text(f'{caption}. {sheet.title}.')}}}",
        r"\resizebox{\linewidth}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * (len(sheet.head) - 1)}}}",
        r"\toprule",
        " & ".join(map(latex_text, sheet.head)) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}}",
        *map(latex_comment, sheet.notes),
        r"\end{table}",
    ]
    return "\n".join(lines)


def _latex_word(word: Word, sheet: Sheet) -> str:
    text = latex_text(word.text + ("†" if word.doubtful else ""))
    if word.best:
        return rf"\textbf{{{text}}}"
    return rf"\textit{{{text}}}" if sheet.kind == "reported" and text[0] in NUMERIC else text


COLUMNS = ("kind", "benchmark", "prompts", "protocol", "model", "variant", "metric", "value", "low", "high", "uncertainty",
           "better", "rank_low", "rank_high", "n", "identity", "reference", "checkpoints", "source", "source_kind", "reliability",
           "note")  # fmt: skip


def as_csv(board: Board) -> str:
    """One row per number with full precision; the ranks are empty in every reported row."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_measured_rows(board))
    for row in board.published:
        writer.writerow(
            {"kind": "reported", "benchmark": row.benchmark, "prompts": row.subset, "protocol": row.protocol, "model": row.model,
             "variant": row.variant, "metric": row.metric, "value": row.value, "uncertainty": row.uncertainty,
             "better": row.direction, "n": row.n, "source": row.source, "source_kind": row.source_kind,
             "reliability": row.reliability, "note": row.note}
        )  # fmt: skip
    return stream.getvalue()


def _measured_rows(board: Board) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    reports = {report.model: report for report in board.reports}
    for table in measured_tables(board.reports):
        for model, cells in table.rows:
            facts = reports[model].benchmark
            for cell in cells:
                r = cell.result
                if r is None:
                    continue
                low, high = cell.ranks or ("", "")
                reach = {"low": r.interval.low, "high": r.interval.high} if r.interval else {}
                checkpoints = " ".join(f"{weights.name}:{weights.sha256}" for weights in r.weights)
                rows.append(
                    {"kind": "measured", "benchmark": facts.name, "prompts": facts.prompts_sha256, "protocol": r.protocol,
                     "model": model, "variant": "default", "metric": r.metric, "value": "" if r.value is None else r.value,
                     "better": r.better, "rank_low": low, "rank_high": high, "n": f"{r.n.scored}/{r.n.expected}",
                     "identity": r.identity, "reference": r.reference, "checkpoints": checkpoints, "source": "avbench report",
                     "note": cell.why, **reach}
                )  # fmt: skip
    return rows


def as_html(board: Board) -> str:
    """One page with its style inside: no script, no font, no picture, light and dark."""
    title = _escape(board.title)
    parts = [f"<h1>{title}</h1>", f"<h2 id='measured'>{MEASURED}</h2>", _paragraph(HOW_MEASURED if board.reports else EMPTY)]
    parts += map(_html_sheet, measured(board))
    if board.published:
        parts += [f"<h2 id='reported'>{REPORTED}</h2>", _paragraph(HOW_REPORTED)]
        sections = reported(board)
        parts.append(_list((f'<a href="#prompts-{index}">{_escape(name)}</a>' for index, name in enumerate(sections)), "nav"))
        for index, (prompts, sheets) in enumerate(sections.items()):
            parts += [f"<h3 id='prompts-{index}'>{_escape(prompts)}</h3>", *map(_html_sheet, sheets)]
        if lines := contradictions(board):
            parts += [f"<h3>{CONFLICTS}</h3>", _list(map(_escape, lines))]
        numbered = "".join(f"<li id='source-{i}'>{_escape(source)}</li>" for i, source in enumerate(board.sources, 1))
        parts += [f"<h3>Sources</h3><ol>{numbered}</ol>"]
    return _page(title, parts)


def table_page(table: Table) -> str:
    """One ranked table as such a page; metrics are rows."""
    title = _escape(table.title)
    parts = [f"<h1>{title}</h1>", _paragraph(HOW_RANKED), *map(_html_sheet, measured_sheets(table, ""))]
    return _page(title, parts)


def _page(title: str, parts: Iterable[str]) -> str:
    style = files(__package__).joinpath("board.css").read_text(encoding="utf-8")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}\n<style>\n{style}</style></head>\n<body>\n{body}\n</body></html>\n'


def _escape(text: str) -> str:
    return html.escape(xml_text(text))


def _paragraph(text: str) -> str:
    return f"<p>{_escape(text)}</p>"


def _list(items: Iterable[str], kind: str = "notes") -> str:
    return f"<ul class='{kind}'>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _html_sheet(sheet: Sheet) -> str:
    head = "".join(f"<th scope='col'>{_escape(word)}</th>" for word in sheet.head)
    rows = "".join(
        f"<tr><th scope='row'>{_escape(row[0].text)}</th>{''.join(map(_html_word, row[1:]))}</tr>\n" for row in sheet.body
    )
    caption = f"<span class='badge'>{sheet.kind}</span> {_escape(sheet.title)}"
    table = f"<div class='scroll'><table>\n<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>"
    notes = _list(map(_escape, sheet.notes)) if sheet.notes else ""
    return f"<section class='{sheet.kind}'><h4>{caption}</h4>{table}{notes}</section>"


def _html_word(word: Word) -> str:
    mark = " class='best'" if word.best else " class='doubtful' title='low reliability'" if word.doubtful else ""
    return f"<td{mark}>{_escape(word.text)}{'†' if word.doubtful else ''}</td>"


PAGES: dict[str, Callable[[Board], str]] = {
    "leaderboard.md": as_markdown,
    "leaderboard.csv": as_csv,
    "leaderboard.tex": as_latex,
    "leaderboard.html": as_html,
}
