"""What a clip looks and sounds like at a glance: a strip of frames and the outline of its waveform, from one decode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avbench.errors import MediaError
from avbench.feature import Array, Frames, Read, Waveform
from avbench.leaderboard.view.clip_files import ClipFile
from avbench.media import Media, decode, jpeg

TILES = 8
PICTURE = Frames(fps=8.0, height=72)
SOUND = Waveform()
COLUMNS, ROWS = 320, 60  # of the outline's drawing


@dataclass(frozen=True)
class Pictures:
    """``seconds`` is the length of both drawings' time axis; a drawing that is None has its reason beside it."""

    seconds: float = 0.0
    strip: bytes | None = None
    no_strip: str = ""
    outline: str | None = None
    no_outline: str = ""


NOTHING = Pictures()


def draw(file: ClipFile) -> Pictures:
    """Decode a clip once. What is wrong with it is said in the result."""
    assert file.path is not None
    reads: tuple[Read, ...] = (SOUND,) if file.sound_only else (PICTURE, SOUND)
    try:
        media = decode(file.path, reads, file.sound)
    except MediaError as error:
        return Pictures(no_strip=error.reason, no_outline=error.reason)
    frames, no_strip = (None, "A sound file without picture.") if file.sound_only else _frames(media)
    sound, rate, no_outline = _sound(media)
    assert PICTURE.fps is not None
    seconds = max(0.0 if frames is None else len(frames) / PICTURE.fps, 0.0 if sound is None else len(sound) / rate)
    return Pictures(
        seconds,
        None if frames is None else jpeg(strip(frames, seconds)),
        no_strip,
        None if sound is None else outline(sound, rate, seconds),
        no_outline,
    )


def _frames(media: Media) -> tuple[Array | None, str]:
    try:
        return media.frames(PICTURE)[0], ""
    except MediaError as error:
        return None, error.reason


def _sound(media: Media) -> tuple[Array | None, int, str]:
    try:
        sound, rate = media.waveform(SOUND)
    except MediaError as error:
        return None, 1, error.reason
    return (sound, rate, "") if len(sound) else (None, 1, "The sound stream holds no sample.")


def strip(frames: Array, seconds: float) -> Array:
    """Frames side by side, each the one on show in the middle of its share of the time.

    Args:
        frames: uint8 (time, height, width, 3) at ``PICTURE.fps``.
        seconds: what the whole strip spans; grey where the picture has ended already.

    Returns:
        uint8 (height, TILES * width, 3).
    """
    assert PICTURE.fps is not None
    indices = [int((tile + 0.5) * seconds / TILES * PICTURE.fps) for tile in range(TILES)]
    blank = np.full_like(frames[0], 128)
    return np.concatenate([frames[i] if i < len(frames) else blank for i in indices], axis=1)


def outline(sound: Array, rate: int, seconds: float) -> str:
    """The lowest and highest sample of each column, as the path of an SVG of ``COLUMNS`` x ``ROWS``.

    Args:
        sound: float32 (samples,), at least one; full scale is 1, louder samples are cut.
        rate: Hz.
        seconds: what the whole width spans.
    """
    count = min(len(sound), max(1, round(COLUMNS * len(sound) / rate / seconds)))
    starts = np.arange(count) * len(sound) // count
    xs = (starts / rate + len(sound) / count / rate / 2) / seconds * COLUMNS
    middle = ROWS / 2
    high = middle - 0.4 - np.clip(np.maximum.reduceat(sound, starts), -1, 1) * (middle - 1)  # silence stays a visible line
    low = middle + 0.4 - np.clip(np.minimum.reduceat(sound, starts), -1, 1) * (middle - 1)
    there = [f"{x:.1f} {y:.1f}" for x, y in zip(xs, high, strict=True)]
    back = [f"{x:.1f} {y:.1f}" for x, y in zip(xs[::-1], low[::-1], strict=True)]
    return f"M{'L'.join([*there, *back])}Z"
