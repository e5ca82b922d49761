"""Where a judged clip lies now, and whether it is still the file that was judged."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avbench.clip import file_digest
from avbench.errors import MediaError
from avbench.pairing import SOUND_SUFFIXES
from avbench.report import Report


@dataclass(frozen=True)
class ClipFile:
    """A model's answer to one prompt; ``path`` is None where ``problem`` says why the clip may not be shown.

    ``sound`` is the sound file that was judged in the place of the clip's own sound, where there is one.
    """

    model: str
    recorded: str
    sha256: str
    path: Path | None = None
    sound: Path | None = None
    problem: str = ""

    @property
    def sound_only(self) -> bool:
        """Whether the clip is a sound file without picture."""
        return Path(self.recorded).suffix.lower() in SOUND_SUFFIXES


def locate(report: Report, clip: str, folders: Sequence[Path]) -> ClipFile | None:
    """Find a clip's file and compare its bytes with the report.

    Args:
        report: whose clip.
        clip: id.
        folders: where a relative path of the report may begin; the first that leads to the judged bytes counts.

    Returns:
        None where the report knows no file for the clip.
    """
    facts = report.clips.get(clip)
    if facts is None:
        return None
    recorded, judged = facts.get("path", ""), facts.get("sha256", "")
    if not judged:
        problem = "The report holds no digest of this file (it could not be read), so it cannot be told whether it is the same."
        return ClipFile(report.model, recorded, judged, problem=problem)
    problem = "The file is not there any more."
    for path in _candidates(recorded, folders):
        beside = path.with_suffix(".wav")
        try:
            found = file_digest(path)
            if found == judged:
                return ClipFile(report.model, recorded, judged, path)
            if beside.is_file() and hashlib.sha256((found + file_digest(beside)).encode()).hexdigest() == judged:
                return ClipFile(report.model, recorded, judged, path, beside)
            problem = f"The file has changed since it was judged: its sha256 is {found}, the report's {judged}."
        except MediaError as error:
            problem = f"The file cannot be read any more: {error}"
    return ClipFile(report.model, recorded, judged, problem=problem)


def _candidates(recorded: str, folders: Sequence[Path]) -> list[Path]:
    """Existing files that the recorded path may mean; control characters and bytes that are no UTF-8 stand in it as escapes."""
    raw = re.sub(r"\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|[nrt])", lambda found: found[0].encode().decode("unicode_escape"), recorded)
    paths = [folder / text for text in dict.fromkeys((recorded, raw)) if text for folder in folders]
    return [path for path in dict.fromkeys(paths) if os.path.isfile(path)]
