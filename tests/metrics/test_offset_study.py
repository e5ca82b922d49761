"""How often ``av_offset`` answers, and how often it is right, when the sound of known clips is moved.

``python tests/metrics/test_offset_study.py [FOLDER]`` prints the table that DECISIONS.md cites. Toybox: 32 test clips (held out) and
96 train clips (thresholds and cues were chosen on them); right is an answer within 0.1 s of the delay. FOLDER holds real clips
whose own offset nobody knows: right is an answer that differs from the answer for the clip as it is by the delay, within 40 ms.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.feature import Array, Sample, Waveform
from avbench.media import write_clip
from avbench.world.degradations import Take, audio_delay
from avbench.world.toybox import draw_scene, render
from avbench_metrics._features.onset_strength import RATE
from avbench_metrics.sync.av_offset import CHANGE, METRIC, SOUND

DELAYS = (0.0, 0.1, -0.1, 0.2, -0.2, 0.4, -0.4)


class Answer(NamedTuple):
    """What the metric said of one clip at one delay; seconds, or None where it did not answer."""

    group: str
    clip: str
    delay: float
    value: float | None


class Moved(Clip):
    """A decoded clip with its sound replaced."""

    samples: Array

    def waveform(self, ask: Waveform) -> tuple[Array, int]:
        """The replaced sound."""
        return self.samples, RATE


def answers(path: Path, group: str, name: str, delays: tuple[float, ...] = DELAYS) -> Iterator[Answer]:
    """The metric's answers for one file at each delay; the file is decoded once."""
    clip = Moved(path, Prompt(name))
    media = clip.decode((*CHANGE.reads, *SOUND.reads))
    change, (samples, _) = CHANGE.prepare(clip), media.waveform(Waveform(RATE))
    take = Take(np.zeros((1, 2, 2, 3), np.uint8), 1.0, samples, RATE)
    for delay in delays:
        clip.samples = audio_delay(take, delay, np.random.default_rng(0)).samples
        try:
            value: float | None = METRIC.score(Sample(name, clip.prompt, {CHANGE: change, SOUND: SOUND.prepare(clip)}))
        except Unscorable as error:
            assert error.kind == "not_applicable", error
            value = None
        yield Answer(group, name, delay, value)


def toybox(split: str, count: int, seed: int, delays: tuple[float, ...] = DELAYS) -> list[Answer]:
    """Answers for the first ``count`` scenes of a split, rendered with ``seed``, as files in the format of the demo."""
    found: list[Answer] = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(count):
            scene = draw_scene(split, index, seed)
            frames, samples = render(scene)
            path = Path(folder) / f"{split}-{seed}-{index:04d}.mp4"
            write_clip(path, frames, 16, samples, 16_000)
            found += answers(path, f"{split} {scene.kind}", path.stem, delays)
    return found


def errors(found: list[Answer], relative: bool = False) -> dict[tuple[str, float], list[float]]:
    """Errors in seconds of the answers by group and delay; ``relative``: of the move since the answer at delay 0."""
    start = {a.clip: a.value for a in found if a.delay == 0}
    table: dict[tuple[str, float], list[float]] = {(a.group, a.delay): [] for a in found}
    for a in found:
        origin = start[a.clip] if relative else 0.0
        if a.value is not None and origin is not None:
            table[a.group, a.delay].append(a.value - origin - a.delay)
    return table


def show(found: list[Answer], tolerance: float, relative: bool = False) -> None:
    """Print one line per group and delay."""
    for (group, delay), rows in errors(found, relative).items():
        asked, size = sum((a.group, a.delay) == (group, delay) for a in found), np.abs(rows)
        right, mean = int((size <= tolerance).sum()), float(size.mean()) if rows else float("nan")
        print(f"{group:14s} {delay:+.1f} s  asked {asked:3d}  answered {len(rows):3d}  right {right:3d}  "
              f"wrong {len(rows) - right:2d}  mean error {mean:.3f} s")  # fmt: skip


def main() -> None:
    """Print the study."""
    show(toybox("test", 32, 0), 0.1)
    show(toybox("test", 64, 3), 0.1)
    show([a for seed in (1, 2) for a in toybox("train", 48, seed)], 0.1)
    for folder in sys.argv[1:]:
        paths = sorted(Path(folder).rglob("*.mp4"))
        show([a for p in paths for a in answers(p, "real", str(p))], 0.04, relative=True)


if __name__ == "__main__":
    main()
