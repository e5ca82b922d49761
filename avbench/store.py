"""Features on disk, addressed by content.

An entry is one file ``<first two hex digits>/<key>`` holding a checksum and a payload. It is written under a temporary
name and renamed, so a crash leaves no half entry and two writers of one key leave one whole entry. An entry whose
checksum does not fit, or that is no file, is removed, counted and computed again. A store that cannot be read or written is a
``UsageError``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from avbench import media
from avbench.clip import Clip
from avbench.errors import MediaError, Unscorable, UsageError
from avbench.feature import Array, Feature

MAGIC = b"avbench2"
STALE_SECONDS = 3600.0
_ENTRY = re.compile(r"[0-9a-f]{64}")
_PARTIAL = re.compile(r"\.[0-9a-f]{64}\.[0-9]+\.[0-9a-f]{8}")


def default_root() -> Path:
    """``$AVBENCH_CACHE`` or ``~/.cache/avbench``, subfolder ``features``."""
    base = os.environ.get("AVBENCH_CACHE")
    return (Path(base) if base else Path.home() / ".cache" / "avbench") / "features"


def decoder_identity() -> str:
    """Versions of the libraries that turn bytes into pixels and samples; part of every key."""
    return " ".join(f"{name} {version(name)}" for name in ("av", "soxr", "opencv-python-headless"))


def key_of(feature: Feature, clip: Clip) -> str:
    """Cache key: the feature's identity, the digest of just what it reads, the decoder and its use, and the form of an entry.

    Raises:
        MediaError: the file cannot be read.
    """
    parts = (feature.identity(), clip.read_digest(feature.reads), decoder_identity(), str(media.VERSION), MAGIC.decode())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """An array or a typed failure, and small facts that were put beside it."""

    value: Array | Unscorable
    notes: Mapping[str, Any]


@dataclass
class Store:
    """A folder of computed features.

    Args:
        root: created when first written to; raises ``UsageError`` where it cannot be.

    ``corrupted`` counts the damaged entries that this object met.
    """

    root: Path
    corrupted: int = field(default=0, init=False)

    def get(self, key: str) -> Array | Unscorable | None:
        """The stored array or typed failure; None where there is none (or a damaged one, which is removed)."""
        entry = self.find(key)
        return entry.value if entry else None

    def find(self, key: str) -> Entry | None:
        """The same with what was noted beside it."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            data = b""
        except OSError as error:
            raise self._unusable("read", error) from error
        payload = data[len(MAGIC) + 32 :]
        if data[: len(MAGIC)] != MAGIC or data[len(MAGIC) : len(MAGIC) + 32] != hashlib.sha256(payload).digest():
            self._remove(path)
            self.corrupted += 1
            return None
        with contextlib.suppress(OSError):  # pruned meanwhile, or a store that others own
            os.utime(path)  # prune removes what was not used for longest
        return _unpack(payload)

    def put(self, key: str, value: Array | Unscorable, notes: Mapping[str, Any] | None = None) -> None:
        """Store an array or a typed failure under ``key``, with facts that JSON can hold; atomic."""
        payload = _pack(value, notes or {})
        path = self._path(key)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(MAGIC + hashlib.sha256(payload).digest() + payload)
            os.replace(partial, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise self._unusable("written", error) from error

    def _remove(self, path: Path) -> None:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable("cleared of a damaged entry", error) from error

    def _unusable(self, words: str, error: OSError) -> UsageError:
        return UsageError(f"The feature store {self.root} cannot be {words} ({error.strerror}); set AVBENCH_CACHE or --store.")

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _files(self) -> Iterator[Path]:
        """Entries and left-over temporary files; whatever else lies in the folder is somebody's own."""
        for path in self.root.glob("??/*"):
            if path.is_file() and (_PARTIAL.fullmatch(path.name) or _is_entry(path)):
                yield path

    def size(self) -> tuple[int, int]:
        """Number of entries and their bytes."""
        sizes = [p.stat().st_size for p in self._files() if not p.name.startswith(".")]
        return len(sizes), sum(sizes)

    def prune(self, max_bytes: int = 0, older_than_seconds: float = 0.0) -> tuple[int, int]:
        """Remove entries unused for longer than ``older_than_seconds``, longest unused first, until ``max_bytes`` remain.

        Left-over temporary files older than an hour go too.

        Returns:
            number of files removed and their bytes.
        """
        now = time.time()
        found = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in self._files()), key=lambda row: row[:2])
        total = sum(size for _, size, p in found if not p.name.startswith("."))
        removed = freed = 0
        for used, size, path in found:
            leftover = path.name.startswith(".")
            unwanted = now - used > STALE_SECONDS if leftover else now - used >= older_than_seconds and total > max_bytes
            if unwanted:
                path.unlink(missing_ok=True)
                removed, freed = removed + 1, freed + size
                total -= 0 if leftover else size
        return removed, freed


def _is_entry(path: Path) -> bool:
    """Whether the file is an entry by name and content; one of an older form has another last digit."""
    if not (_ENTRY.fullmatch(path.name) and path.name.startswith(path.parent.name)):
        return False
    with path.open("rb") as stream:
        return stream.read(len(MAGIC))[:-1] == MAGIC[:-1]


def _pack(value: Array | Unscorable, notes: Mapping[str, Any]) -> bytes:
    """One line of JSON; an array follows it."""
    if isinstance(value, Unscorable):
        fact = {"media": isinstance(value, MediaError), "reason": value.reason, "kind": value.kind}
        return json.dumps({"failure": fact, "notes": dict(notes)}).encode() + b"\n"
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(value, order="C"), allow_pickle=False)
    return json.dumps({"notes": dict(notes)}).encode() + b"\n" + buffer.getvalue()


def _unpack(payload: bytes) -> Entry:
    line, _, rest = payload.partition(b"\n")
    facts = json.loads(line)
    if "failure" in facts:
        fact = facts["failure"]
        return Entry((MediaError if fact["media"] else Unscorable)(fact["reason"], fact["kind"]), facts["notes"])
    return Entry(np.asarray(np.load(io.BytesIO(rest), allow_pickle=False)), facts["notes"])
