"""The table formats by name; listing them loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avbench.leaderboard.rank import Table

FORMAT_NAMES = ("text", "markdown", "paper", "latex", "html", "csv", "json")


def render(table: Table, name: str) -> str:
    """The table in one of ``FORMAT_NAMES``.

    Raises:
        UsageError: ``paper`` of a benchmark without an official table.
        NotComparable: ``paper`` where the official table would need two columns of one name.
    """
    from avbench.leaderboard import board_pages, latex, tables

    writers = {"text": tables.as_text, "markdown": tables.as_markdown, "paper": tables.as_paper, "latex": latex.as_latex,
               "html": board_pages.table_page,
               "csv": tables.as_csv, "json": tables.as_json}  # fmt: skip
    return writers[name](table)
