"""Write the whole folder: index, one page per clip, pictures, style sheet and script."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from avbench.errors import UsageError
from avbench.leaderboard.rank import rank
from avbench.leaderboard.view.clip_files import ClipFile, locate
from avbench.leaderboard.view.clip_page import Answer, clip_page
from avbench.leaderboard.view.index import index
from avbench.leaderboard.view.page import GENERATOR
from avbench.leaderboard.view.pictures import draw
from avbench.leaderboard.view.subject import Subject, clip_ids
from avbench.report import Report

Progress = Callable[[str, int, int], None]
ASSETS = ("view.css", "view.js", "icon.svg")
LISTING = "files.txt"


@dataclass(frozen=True)
class Written:
    """What came of it: counts of clips, of answers shown and of answers that are not, by model and clip with the reason."""

    index: Path
    clips: int
    shown: int
    not_shown: tuple[tuple[str, str, str], ...] = ()


def write_view(
    reports: Sequence[str | Path],
    out: str | Path,
    *,
    media: bool = True,
    copy_media: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Make one static folder from reports.

    Args:
        reports: files of ``avbench run``; the first is the one that others are compared with.
        out: the folder; ``index.html`` and ``view/`` in it are written, anything else is left alone.
        media: make a page per clip, with players, frames and waveforms; else only the index, and no clip is opened.
        copy_media: copy clips from outside ``out`` into it; else pages link to where they lie.
        progress: called with (what, done, total).

    Raises:
        UsageError: no report, a broken one, two of one model; ``out`` cannot be written or holds another index.html.
        NotComparable: the reports cannot share a table.
    """
    paths = [Path(report) for report in reports]
    read = tuple(Report.read(path) for path in paths)
    subject = Subject(read, rank(read), clip_ids(read))
    folder = _Folder(Path(out).absolute(), copy_media)
    if media:
        bases = [[Path.cwd(), *path.absolute().parents] for path in paths]
        subject = _write_clips(folder, subject, bases, progress)
    for asset in ASSETS:
        folder.write(f"view/{asset}", (Path(__file__).parent / asset).read_bytes())
    folder.write("index.html", index(subject, "view/").encode())
    folder.finish()
    return Written(folder.out / "index.html", len(subject.clips), folder.shown, tuple(folder.not_shown))


def _write_clips(folder: _Folder, subject: Subject, bases: Sequence[Sequence[Path]], progress: Progress | None) -> Subject:
    """A page per clip; each file is read for its digest and decoded once."""
    stems = {clip: f"{place:04d}{_slug(clip)}" for place, clip in enumerate(subject.clips, 1)}
    subject = replace(subject, pages={clip: f"view/clips/{stem}.html" for clip, stem in stems.items()})
    thumbnails: dict[str, str] = {}
    for place, clip in enumerate(subject.clips):
        if progress:
            progress("clips", place, len(subject.clips))
        answers = []
        for model, report in enumerate(subject.reports):
            file = locate(report, clip, bases[model])
            answers.append(folder.answer(file, clip, f"{stems[clip]}-{model + 1}{_slug(report.model)}"))
        found = next((answer.strip for answer in answers if answer.strip), "")
        if found:
            thumbnails[clip] = found.replace("../", "view/", 1)
        around = [f"{stems[subject.clips[i]]}.html" if 0 <= i < len(stems) else "" for i in (place - 1, place + 1)]
        folder.write(subject.pages[clip], clip_page(place, answers, subject, (around[0], around[1])).encode())
    if progress:
        progress("clips", len(subject.clips), len(subject.clips))
    return replace(subject, thumbnails=thumbnails)


def _slug(text: str) -> str:
    """What every file system and URL can hold of a name; files are told apart by their numbers."""
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:60]
    return f"-{words}" if words else ""


class _Folder:
    """The folder that is written: every file by its way from ``out``; files of a former view that are not made again go."""

    def __init__(self, out: Path, copy_media: bool) -> None:
        self.out, self.copy_media = out, copy_media
        self.written: list[str] = []
        self.shown = 0
        self.not_shown: list[tuple[str, str, str]] = []
        listing = out / "view" / LISTING
        self._former = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
        self._check()

    def _check(self) -> None:
        """Somebody else's page is never written over; a folder that cannot be written is known before a clip is opened."""
        page = self.out / "index.html"
        if page.exists() and f'content="{GENERATOR}"' not in page.read_text(encoding="utf-8", errors="replace")[:2000]:
            raise UsageError(f"{page} was not written by avbench view; choose another --out.")
        if (self.out / "view").exists() and not (self.out / "view" / LISTING).is_file():
            raise UsageError(f"{self.out / 'view'} was not written by avbench view; choose another --out.")
        self.write(f"view/{LISTING}", b"")

    def write(self, where: str, data: bytes) -> None:
        path = self.out / where
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise UsageError(f"{path} cannot be written ({error.strerror}); choose another --out.") from error
        self.written.append(where)

    def answer(self, file: ClipFile | None, clip: str, stem: str) -> Answer:
        """Draw a clip, write its pictures and find the link to it."""
        if file is None or file.path is None:
            if file is not None:
                self.not_shown.append((file.model, clip, file.problem))
            return Answer(file)
        self.shown += 1
        pictures = draw(file)
        strip = ""
        if pictures.strip is not None:
            self.write(f"view/pictures/{stem}.jpg", pictures.strip)
            strip = f"../pictures/{stem}.jpg"
        sound = self._link(file.sound, stem) if file.sound else ""
        return Answer(file, pictures, self._link(file.path, stem), sound, strip)

    def _link(self, path: Path, stem: str) -> str:
        """From a clip's page to a file: relative within ``out``, else to its copy, else to where it lies."""
        path = Path(os.path.abspath(path))
        if path.is_relative_to(self.out):
            return quote(os.fsencode(f"../../{path.relative_to(self.out).as_posix()}"))
        if not self.copy_media:
            return path.as_uri()
        where = f"view/media/{stem}{path.suffix}"
        try:
            (self.out / where).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, self.out / where)
        except OSError as error:
            raise UsageError(f"{path} cannot be copied to {self.out / where} ({error.strerror}); choose another --out.") from error
        self.written.append(where)
        return f"../media/{quote(f'{stem}{path.suffix}')}"

    def finish(self) -> None:
        """Remove what only a former view had, and list what this one has."""
        for where in set(self._former) - set(self.written):
            path = self.out / where
            if ".." not in Path(where).parts and where.startswith("view/") and path.is_file():
                path.unlink()
        self.write(f"view/{LISTING}", "".join(f"{where}\n" for where in sorted(set(self.written))).encode())
