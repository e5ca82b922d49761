"""Whether a file ends before its container says so.

A decoder plays what is there: a Matroska file cut in the middle, or an mp4 whose index stands in front, ends early without an
error. The container's own size fields tell it apart exactly, where comparing durations would need a tolerance.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

EBML_HEADER, SEGMENT = 0x1A45DFA3, 0x18538067
BOXES = {b"ftyp", b"moov", b"moof", b"mdat"}  # the rest of an mp4 (free, udta, an uploader's trailer) may be cut without harm


def missing_bytes(path: Path) -> int:
    """How many bytes the container declares beyond the end of the file: 0 for a whole file and for what declares no size.

    Sources: RFC 8794 section 4 and RFC 9559 (Matroska, WebM); ISO/IEC 14496-12 section 4.2 (mp4, mov). Other containers, files
    written to a pipe and fragmented mp4 cut between two fragments declare nothing.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        start = file.read(8)
        file.seek(0)
        if start[:4] == EBML_HEADER.to_bytes(4, "big"):
            return max(0, _matroska_end(file, end) - end)
        return max(0, _boxes_end(file, end) - end) if start[4:] == b"ftyp" else 0


def _matroska_end(file: BinaryIO, end: int) -> int:
    """Declared end of the segment, which holds everything behind the header."""
    while file.tell() < end:
        element, _ = _variable(file)
        size, length = _variable(file)
        largest = (1 << 7 * length) - 1
        size &= largest
        if size == largest:  # unknown, as in a live stream; also where the file ends here
            return 0
        if element == SEGMENT:
            return file.tell() + size
        file.seek(size, os.SEEK_CUR)
    return 0


def _variable(file: BinaryIO) -> tuple[int, int]:
    """An EBML number with its length marker still in it, and its length in bytes; (0, 0) at the end of the file."""
    first = file.read(1)
    if not first or not first[0]:
        return 0, 0
    length = 9 - first[0].bit_length()
    return int.from_bytes(first + file.read(length - 1), "big"), length


def _boxes_end(file: BinaryIO, end: int) -> int:
    """Declared end of the last box that matters."""
    declared = position = 0
    while position + 8 <= end:
        file.seek(position)
        size, kind = int.from_bytes(file.read(4), "big"), file.read(4)
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        if size < 8:  # 0: the box reaches to the end of the file; anything else is no box
            break
        position += size
        if kind in BOXES:
            declared = position
    return declared
