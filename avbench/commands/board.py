"""``avbench board``: render leaderboard folders, or say whether what they show is current."""

from __future__ import annotations

import argparse
from pathlib import Path

STALE = 1


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("folders", nargs="+", metavar="DIR", help="folders with board.json, reports/*.json and published/*.csv")
    sub.add_argument("--check", action="store_true", help="write nothing; say which rendered files are not current")


def execute(arguments: argparse.Namespace) -> int:
    """0 where all is written, or current; 1 where ``--check`` found a file that is not."""
    from avbench.leaderboard.board import read_board
    from avbench.leaderboard.board_pages import PAGES

    stale = 0
    for folder in map(Path, arguments.folders):
        board = read_board(folder)
        for name, render in PAGES.items():
            path, text = folder / name, render(board).encode()
            if path.is_file() and path.read_bytes() == text:
                continue
            stale += 1
            if not arguments.check:
                path.write_bytes(text)
            print(f"{path}: {'not current; run: avbench board ' + str(folder) if arguments.check else 'written'}")
        print(f"{folder}: {len(board.reports)} measured reports, {len(board.published)} published rows")
    return STALE if arguments.check and stale else 0
