"""The exception tree.

AvbenchError
├── UsageError          exit 2: a wrong name, option or file, known before anything runs
│   ├── UnknownName     no plugin, clip or column of that name; carries the nearest known names
│   ├── DuplicateName   two plugins claim one name
│   ├── MissingExtra    an optional package is not installed; carries the pip line
│   └── MissingCheckpoint   a network's weights are not here; carries the command that fetches them
├── MachineFault        no memory, a failing disk: nothing that says anything about a clip; the run stops
├── NotComparable       exit 5: two values that may not share a column
└── Unscorable          data, not a failure of the run: this clip has no score, and why
    └── MediaError      the file itself cannot be read as asked
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Any


def printable(text: str) -> str:
    """The text as one line of UTF-8, so that it can stand in a report and a table.

    What UTF-8 cannot hold (a file name of other bytes) and control characters (a line break) become escapes.
    """
    whole = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) == "Cc" else c for c in whole)


class AvbenchError(Exception):
    """Anything that avbench raises on purpose; the message is one sentence and says what to do next."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors with arguments of their own must survive the way from a worker process."""
        return (_restored, (type(self), str(self), vars(self)))


class UsageError(AvbenchError):
    """A mistake in the request, found before the first clip is opened."""

    exit_code = 2


class UnknownName(UsageError):
    """``name`` is not among ``known``; the message proposes the nearest ones."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}."
        super().__init__(f"No {what} is named {name!r}; {hint}")
        self.name, self.near = name, near


class DuplicateName(UsageError):
    """Two plugins claim one name; the message prints both."""


class MissingExtra(UsageError):
    """An optional dependency is absent.

    Args:
        package: the import that failed.
        extra: the avbench extra that brings it.
        install: the whole command, where the extra alone is not enough.
    """

    def __init__(self, package: str, extra: str, install: str = "") -> None:
        line = install or f"pip install 'avbench[{extra}]'"
        super().__init__(f"{package} is not installed; run: {line}")
        self.package, self.extra = package, extra


class MissingCheckpoint(UsageError):
    """The weights ``name`` are not on this machine; the message says what is absent and the way to get it."""

    def __init__(self, name: str, absent: str, way: str = "see: avbench weights list") -> None:
        super().__init__(f"The checkpoint {name!r} is not here ({absent}); {way}.")
        self.name = name


class MachineFault(AvbenchError):
    """The machine fails, not a clip: the run stops rather than blame a clip for it."""


def out_of_memory(when: str) -> MachineFault:
    """The fault of a machine whose memory ran out; ``when`` says during what."""
    return MachineFault(
        f"Memory ran out while {when}. That says nothing about the clip; finished clips are kept, so run again with fewer "
        "--workers or metrics, or on a machine with more memory."
    )


class NotComparable(AvbenchError):
    """Two values of different protocol, prompts, checkpoint or reference were to be compared."""

    exit_code = 5


class Unscorable(AvbenchError):
    """A clip (or a set) has no score under a metric.

    Args:
        reason: one sentence for the report.
        kind: ``not_applicable`` (the question does not arise: no speech, no motion), ``missing`` (no file answers
            the prompt) or a failure kind such as ``failed``, ``no_audio``, ``no_video``, ``unreadable``, ``too_short``.
    """

    def __init__(self, reason: str, kind: str = "not_applicable") -> None:
        reason = printable(reason)
        super().__init__(reason)
        self.reason, self.kind = reason, kind


class MediaError(Unscorable):
    """The file cannot be decoded as asked: ``unreadable``, ``damaged``, ``truncated``, ``no_video``, ``no_audio`` ...

    Args:
        lasting: whether it follows from the file's bytes; else (no permission, a dead worker) it is never kept in a store.
    """

    def __init__(self, reason: str, kind: str = "unreadable", *, lasting: bool = True) -> None:
        super().__init__(reason, kind)
        self.lasting = lasting


def _restored(kind: type[AvbenchError], words: str, facts: dict[str, Any]) -> AvbenchError:
    """An error from another process: its words are whole already."""
    error = kind.__new__(kind, words)
    error.args = (words,)
    vars(error).update(facts)
    return error
