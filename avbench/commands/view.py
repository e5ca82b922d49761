"""``avbench view``: a folder of pages from reports."""

from __future__ import annotations

import argparse

from avbench.errors import UsageError

LISTED = 5

NOTES = """media: a clip that lies under DIR is linked relatively, so that DIR can be moved as a whole; one that lies elsewhere is
linked where it is, as file:// URI (pages then work offline on this machine), or with --copy-media copied into DIR. Relative
paths of a report begin in the working folder, or in the report's folder or one above it. A clip that is not there any more, or
whose sha256 is not the report's, is said on its page and not shown. Each clip is decoded once for its frames and its waveform:
about 15 ms for 2 s of 64x64, 0.2 s for 5 s of 768x480. Browsers play mp4 and webm; of what they cannot play the page says so."""


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.epilog, sub.formatter_class = NOTES, argparse.RawDescriptionHelpFormatter
    sub.add_argument("reports", nargs="+", metavar="REPORT", help="of avbench run; the others are compared with the first")
    sub.add_argument("--out", required=True, metavar="DIR", help="index.html and view/ in it are written, all else is left alone")
    sub.add_argument("--copy-media", action="store_true", help="copy clips from outside DIR into it")
    sub.add_argument("--no-media", action="store_true", help="only index.html: no page per clip, no clip is opened")


def execute(arguments: argparse.Namespace) -> int:
    """Write the folder and say what could not be shown."""
    from avbench.leaderboard.view.folder import write_view
    from avbench.progress import ProgressLines

    if arguments.no_media and arguments.copy_media:
        raise UsageError("--no-media makes no page that could show a clip; leave out --copy-media.")
    with ProgressLines() as progress:
        written = write_view(
            arguments.reports, arguments.out, media=not arguments.no_media, copy_media=arguments.copy_media, progress=progress
        )
    for model, clip, problem in written.not_shown[:LISTED]:
        print(f"not shown: {model}, {clip}: {problem}")
    if len(written.not_shown) > LISTED:
        print(f"not shown: {len(written.not_shown) - LISTED} more")
    media = "" if arguments.no_media else f", {written.shown} players"
    print(f"{written.index}: {len(arguments.reports)} models, {written.clips} clips{media}")
    return 0
